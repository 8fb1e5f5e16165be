/* vocab_ids.c - names to ids, ids to names, and merges of names to merges of ids. */
#include "vocab_ids.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

int vocab_find_id(const struct vocab_loader *l, const char *name, uint32_t *id)
{
    const json_t *value = json_object_get(l->ids, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) >= VOCAB_MAX_TOKENS) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: the vocabulary has no token '%s'", l->path, name);
    }
    *id = (uint32_t)json_integer_value(value);
    return CLIPC_OK;
}

const char **vocab_names(const struct vocab_loader *l)
{
    uint32_t n = (uint32_t)json_object_size(l->ids);
    const char **names = calloc(n + 1u, sizeof *names), *name;
    json_t *value;

    if (names == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", l->path);
        return NULL;
    }
    json_object_foreach(l->ids, name, value)
    {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || id >= (json_int_t)n || names[id] != NULL || strlen(name) > VOCAB_MAX_BYTES) {
            base_fail(CLIPC_ERROR_FORMAT,
                      "%s: token '%.60s': its id is missing, twice, or not below %u", l->path, name,
                      n);
            free(names);
            return NULL;
        }
        names[id] = name;
    }
    return names;
}

int vocab_add_merge(const struct vocab_loader *l, const char *left, size_t n_left,
                    const char *right, size_t n_right, size_t line)
{
    char both[2 * VOCAB_MAX_BYTES + 2];
    uint32_t ids[3];

    if (n_left == 0 || n_right == 0 || n_left > VOCAB_MAX_BYTES || n_right > VOCAB_MAX_BYTES ||
        memchr(left, 0, n_left) != NULL || memchr(right, 0, n_right) != NULL) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: merge %zu is not two tokens", l->path, line);
    }
    memcpy(both, left, n_left);
    both[n_left] = '\0';
    int status = vocab_find_id(l, both, &ids[0]);
    memcpy(both + n_left, right, n_right);
    both[n_left + n_right] = '\0';
    if (status == CLIPC_OK) {
        status = vocab_find_id(l, both + n_left, &ids[1]);
    }
    if (status == CLIPC_OK) {
        status = vocab_find_id(l, both, &ids[2]);
    }
    for (int i = 0; status == CLIPC_OK && i < 3; i++) {
        l->v->merges[3 * l->v->n_merges + (size_t)i] = (int32_t)ids[i];
    }
    l->v->n_merges += status == CLIPC_OK;
    return status;
}

int vocab_take_merges(const struct vocab_loader *l, const json_t *merges)
{
    l->v->merges = calloc(json_array_size(merges) + 1, 3 * sizeof *l->v->merges);
    if (l->v->merges == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", l->path);
    }
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *m = json_array_get(merges, i);
        const char *left = json_string_value(json_is_array(m) ? json_array_get(m, 0) : m);
        const char *right = json_string_value(json_array_get(m, 1));
        size_t n = left != NULL ? strlen(left) : 0;
        if (left != NULL && !json_is_array(m) && strchr(left, ' ') != NULL) {
            n = (size_t)(strchr(left, ' ') - left);
            right = left + n + 1;
        }
        int status = vocab_add_merge(l, left != NULL ? left : "", n, right != NULL ? right : "",
                                     right != NULL ? strlen(right) : 0, i + 1);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    return CLIPC_OK;
}
