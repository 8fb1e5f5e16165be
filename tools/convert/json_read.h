/* json_read.h - strict reading of JSON files: duplicate keys refused, 64-bit whole numbers
 * exact, every value taken within bounds. */
#ifndef CLIPC_JSON_READ_H
#define CLIPC_JSON_READ_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../src/base/base.h"
#include "files.h"

/* A file (added to `files`) or bytes whose top level is an object; NULL with base_fail's message,
 * which begins with the path or `what`. */
json_t *json_read_file(const char *path, struct files *files);
json_t *json_parse(const char *what, const char *bytes, size_t n);

/* One object of a file, while its members are taken.  The first that is refused sets `status` and
 * the message "PATH: SECTION.KEY is VALUE: wants ..."; those after it have their defaults, so that
 * a list of takes needs one look at the end.  A member that is null or missing has its default. */
struct json_section {
    const char *path;
    const char *name; /* "vision_config"; "": the top level */
    const json_t *object;
    int status;
};

/* The object `key` of `from` as a section of its own; empty when there is none.  A member that is
 * no object is an error. */
struct json_section json_section_of(const struct json_section *from, const char *key);

bool json_has(const struct json_section *s, const char *key);
/* low <= value <= high. */
uint32_t json_take_u32(struct json_section *s, const char *key, uint32_t otherwise, uint32_t low,
                       uint32_t high);
/* low < value < high; as a float it stays so. */
float json_take_float(struct json_section *s, const char *key, double otherwise, double low,
                      double high);
bool json_take_bool(struct json_section *s, const char *key, bool otherwise);
/* Lives as long as the file's object. */
const char *json_take_string(struct json_section *s, const char *key, const char *otherwise);
/* A list of 3 such numbers, or one that stands for all three. */
void json_take_three(struct json_section *s, const char *key, const float otherwise[3], double low,
                     double high, float out[3]);

/* Refuse `key`, unless another one was before: "... is VALUE: WHY" (printf-like). */
__attribute__((format(printf, 3, 4))) void json_refuse(struct json_section *s, const char *key,
                                                       const char *why, ...);

#endif
