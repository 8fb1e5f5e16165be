/* json_read.c - jansson, and the bounds of what is taken from it. */
#include "json_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/utf8.h"
#include "../cli/probe.h"

#define MAX_JSON_BYTES ((size_t)256 << 20)

json_t *json_parse(const char *what, const char *bytes, size_t n)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL) {
        base_fail(CLIPC_ERROR_FORMAT, "%s: not JSON: line %d, column %d: %s", what, error.line,
                  error.column, error.text);
    } else if (!json_is_object(root)) {
        base_fail(CLIPC_ERROR_FORMAT, "%s: not a JSON object", what);
        json_decref(root);
        root = NULL;
    }
    return root;
}

json_t *json_read_file(const char *path, struct files *files)
{
    unsigned char *data;
    size_t size;

    if (files_add(files, path) != CLIPC_OK ||
        base_read_file(path, MAX_JSON_BYTES, &data, &size) != CLIPC_OK) {
        return NULL;
    }
    /* A pointer of git-lfs or a page of errors is named for what it is. */
    struct probe p = probe_bytes(data, size);
    json_t *root = NULL;
    if (p.what != NULL && strstr(p.what, "a text") == NULL) {
        probe_refuse(path, &p, "JSON");
    } else {
        size_t mark = utf8_mark((const char *)data, size);
        root = json_parse(path, (const char *)data + mark, size - mark);
    }
    base_free(data);
    return root;
}

/* ---- Members ------------------------------------------------------------------------------- */

static const json_t *member(const struct json_section *s, const char *key)
{
    const json_t *value = json_object_get(s->object, key);

    return s->status != CLIPC_OK || value == NULL || json_is_null(value) ? NULL : value;
}

bool json_has(const struct json_section *s, const char *key)
{
    const json_t *value = json_object_get(s->object, key);

    return value != NULL && !json_is_null(value);
}

void json_refuse(struct json_section *s, const char *key, const char *why, ...)
{
    if (s->status != CLIPC_OK) {
        return;
    }
    char reason[256];
    char *value =
        json_dumps(json_object_get(s->object, key), JSON_ENCODE_ANY | JSON_REAL_PRECISION(7));
    va_list ap;

    va_start(ap, why);
    vsnprintf(reason, sizeof reason, why, ap);
    va_end(ap);
    s->status =
        base_fail(CLIPC_ERROR_FORMAT, "%s: \"%s%s%s\" is %.80s: %s", s->path, s->name,
                  s->name[0] != '\0' ? "." : "", key, value != NULL ? value : "missing", reason);
    free(value);
}

struct json_section json_section_of(const struct json_section *from, const char *key)
{
    struct json_section s = {from->path, key, member(from, key), from->status};
    struct json_section outer = *from;

    if (s.object != NULL && !json_is_object(s.object)) {
        json_refuse(&outer, key, "wants an object");
        s.object = NULL;
        s.status = outer.status;
    }
    return s;
}

uint32_t json_take_u32(struct json_section *s, const char *key, uint32_t otherwise, uint32_t low,
                       uint32_t high)
{
    const json_t *value = member(s, key);

    if (value == NULL) {
        return otherwise;
    }
    if (!json_is_integer(value) || json_integer_value(value) < low ||
        json_integer_value(value) > high) {
        json_refuse(s, key, "wants a whole number from %u to %u", low, high);
        return otherwise;
    }
    return (uint32_t)json_integer_value(value);
}

static bool take_number(const json_t *value, double low, double high, float *out)
{
    *out = (float)json_number_value(value);
    return json_is_number(value) && (double)*out > low && (double)*out < high;
}

float json_take_float(struct json_section *s, const char *key, double otherwise, double low,
                      double high)
{
    const json_t *value = member(s, key);
    float number = (float)otherwise;

    if (value != NULL && !take_number(value, low, high, &number)) {
        json_refuse(s, key, "wants a number above %g and below %g", low, high);
    }
    return number;
}

bool json_take_bool(struct json_section *s, const char *key, bool otherwise)
{
    const json_t *value = member(s, key);

    if (value != NULL && !json_is_boolean(value)) {
        json_refuse(s, key, "wants true or false");
    }
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

const char *json_take_string(struct json_section *s, const char *key, const char *otherwise)
{
    const json_t *value = member(s, key);

    if (value != NULL && !json_is_string(value)) {
        json_refuse(s, key, "wants a word");
    }
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

void json_take_three(struct json_section *s, const char *key, const float otherwise[3], double low,
                     double high, float out[3])
{
    const json_t *value = member(s, key);
    bool good = value == NULL || json_is_number(value) || json_array_size(value) == 3;

    for (size_t i = 0; i < 3; i++) {
        out[i] = otherwise[i];
        if (value != NULL && good) {
            good = take_number(json_is_array(value) ? json_array_get(value, i) : value, low, high,
                               &out[i]);
        }
    }
    if (!good) {
        json_refuse(s, key, "wants 3 numbers above %g and below %g", low, high);
    }
}
