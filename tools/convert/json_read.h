/* json_read.h - strict reading of JSON files: duplicate keys refused, 64-bit whole numbers
 * exact. */
#ifndef CLIPC_JSON_READ_H
#define CLIPC_JSON_READ_H

#include <jansson.h>
#include <stdint.h>

#include "../../src/base/base.h"

/* A file or bytes whose top level is an object; NULL with base_fail's message (it begins with
 * `what`). */
json_t *json_read_file(const char *path);
json_t *json_parse(const char *what, const char *bytes, size_t n);

/* Members with defaults; a member of another type, or out of [0, 2^31), is an error: *status
 * becomes CLIPC_ERROR_FORMAT and the message names `what` and the key. */
uint32_t json_get_u32(const json_t *object, const char *key, uint32_t otherwise, const char *what,
                      int *status);
double json_get_number(const json_t *object, const char *key, double otherwise, const char *what,
                       int *status);
const char *json_get_string(const json_t *object, const char *key, const char *otherwise,
                            const char *what, int *status);

#endif
