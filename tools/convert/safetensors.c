/* safetensors.c - the container of HuggingFace: u64 length n, n bytes of JSON, then the data.
 * Checked as the format's own library does: sorted by offset, the tensors tile the data exactly. */
#include "container.h"

#include <stdlib.h>
#include <string.h>

#include "json_read.h"

#define MAX_HEADER 100000000u /* the format's own limit */

static const struct {
    const char *name;
    unsigned bits;
} dtypes[] = {{"BOOL", 8},    {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8},
              {"F8_E8M0", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16},    {"BF16", 16},
              {"I32", 32},    {"U32", 32}, {"F32", 32}, {"F64", 64},    {"I64", 64},
              {"U64", 64},    {"C64", 64}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}};

static int bad(const struct container *f, const char *name, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: a damaged safetensors file: tensor '%.100s': %s",
                     f->path, name, why);
}

/* A whole number that is not negative. */
static bool take_u64(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static int take_dtype(const struct container *f, const json_t *entry, struct tensor *t)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));

    for (size_t i = 0; name != NULL && i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            memcpy(t->dtype, name, strlen(name) + 1);
            t->bits = dtypes[i].bits;
            return CLIPC_OK;
        }
    }
    return bad(f, t->name, name == NULL ? "no dtype" : "unknown dtype");
}

/* Shape and place, and whether they agree. */
static int take_place(const struct container *f, const json_t *entry, uint64_t data_bytes,
                      struct tensor *t)
{
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t begin, end, bits = t->bits;

    if (!json_is_array(shape) || json_array_size(shape) > TENSOR_MAX_DIMS) {
        return bad(f, t->name, "no shape, or one of more than 8 dimensions");
    }
    t->n_dims = json_array_size(shape);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (!take_u64(json_array_get(shape, i), &t->shape[i])) {
            return bad(f, t->name, "its shape is not a list of whole numbers");
        }
        if (t->shape[i] != 0 && bits > UINT64_MAX / t->shape[i]) {
            return bad(f, t->name, "its shape overflows");
        }
        bits *= t->shape[i];
    }
    if (json_array_size(offsets) != 2 || !take_u64(json_array_get(offsets, 0), &begin) ||
        !take_u64(json_array_get(offsets, 1), &end) || begin > end || end > data_bytes) {
        return bad(f, t->name, "its data_offsets lie outside the file");
    }
    if (bits % 8 != 0 || end - begin != bits / 8) {
        return bad(f, t->name, "its shape and its data_offsets disagree");
    }
    tensor_set_strides(t);
    t->offset = begin;
    t->bytes = end - begin;
    return CLIPC_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;

    return x->offset != y->offset ? (x->offset < y->offset ? -1 : 1)
                                  : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int take_entries(struct container *f, json_t *root, const unsigned char *data,
                        uint64_t data_bytes)
{
    const char *name;
    json_t *entry;
    uint64_t end = 0;
    size_t room = 0;

    json_object_foreach(root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            continue;
        }
        int status = container_add(f, &room, name, strlen(name));
        if (status != CLIPC_OK) {
            return status;
        }
        struct tensor *t = &f->tensors[f->n - 1];
        status = take_dtype(f, entry, t);
        if (status == CLIPC_OK) {
            status = take_place(f, entry, data_bytes, t);
        }
        if (status != CLIPC_OK) {
            return status;
        }
        t->data = data + t->offset;
    }
    if (f->n > 0) {
        qsort(f->tensors, f->n, sizeof *f->tensors, by_offset);
    }
    for (size_t i = 0; i < f->n; i++) {
        if (f->tensors[i].offset != end) {
            return bad(f, f->tensors[i].name, "a hole before it, or an overlap");
        }
        end = f->tensors[i].offset + f->tensors[i].bytes;
    }
    return end == data_bytes
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: %llu bytes behind the last tensor",
                           f->path, (unsigned long long)(data_bytes - end));
}

int safetensors_read(const unsigned char *data, size_t size, struct container *f)
{
    uint64_t n = base_u64(data); /* the bytes were probed: there are nine and more */

    if (n > MAX_HEADER || n > size - 8 || n < 2) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: truncated: a header of %llu bytes in a file of %zu", f->path,
                         (unsigned long long)n, size);
    }
    json_t *root = json_parse(f->path, (const char *)data + 8, (size_t)n);
    if (root == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    int status = take_entries(f, root, data + 8 + n, size - 8 - n);
    json_decref(root);
    return status;
}
