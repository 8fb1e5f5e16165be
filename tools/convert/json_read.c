#include "json_read.h"

#include <string.h>

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

json_t *json_read_file(const char *path)
{
    unsigned char *data;
    size_t size;

    if (base_read_file(path, MAX_JSON_BYTES, &data, &size) != CLIPC_OK) {
        return NULL;
    }
    json_t *root = json_parse(path, (const char *)data, size);
    base_free(data);
    return root;
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return value == NULL || json_is_null(value) ? NULL : value;
}

uint32_t json_get_u32(const json_t *object, const char *key, uint32_t otherwise, const char *what,
                      int *status)
{
    const json_t *value = member(object, key);

    if (value == NULL) {
        return otherwise;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT32_MAX) {
        *status =
            base_fail(CLIPC_ERROR_FORMAT, "%s: \"%s\" is not a whole number in range", what, key);
        return otherwise;
    }
    return (uint32_t)json_integer_value(value);
}

double json_get_number(const json_t *object, const char *key, double otherwise, const char *what,
                       int *status)
{
    const json_t *value = member(object, key);

    if (value != NULL && !json_is_number(value)) {
        *status = base_fail(CLIPC_ERROR_FORMAT, "%s: \"%s\" is not a number", what, key);
    }
    return value != NULL && json_is_number(value) ? json_number_value(value) : otherwise;
}

const char *json_get_string(const json_t *object, const char *key, const char *otherwise,
                            const char *what, int *status)
{
    const json_t *value = member(object, key);

    if (value != NULL && !json_is_string(value)) {
        *status = base_fail(CLIPC_ERROR_FORMAT, "%s: \"%s\" is not a string", what, key);
    }
    return value != NULL && json_is_string(value) ? json_string_value(value) : otherwise;
}
