/* list.c - the tensors of a checkpoint, listed or written out one by one. */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "../../src/base/base.h"
#include "../cli/json_put.h"
#include "../cli/npy.h"
#include "../cli/say.h"
#include "checkpoint.h"
#include "zip.h"

enum { PIECE = 4096 }; /* elements that are written at once */

static void print_shape(const struct tensor *t)
{
    putchar('[');
    for (size_t i = 0; i < t->n_dims; i++) {
        printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)t->shape[i]);
    }
    putchar(']');
}

static void print_json(const struct checkpoint *c)
{
    printf("[{\"file\": ");
    json_put_c_string(stdout, c->path);
    printf(", \"tensors\": [");
    for (size_t i = 0; i < c->n; i++) {
        const struct tensor *t = c->tensors[i];
        printf("%s{\"name\": ", i == 0 ? "" : ",\n ");
        json_put_c_string(stdout, t->name);
        printf(", \"dtype\": \"%s\", \"shape\": ", t->dtype);
        print_shape(t);
        printf(", \"bytes\": %llu}", (unsigned long long)t->bytes);
    }
    printf("]}]\n");
}

static void print_text(const struct checkpoint *c)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < c->n; i++) {
        bytes += c->tensors[i]->bytes;
    }
    say(stdout, c->path);
    printf(": a checkpoint, %zu tensors, %.1f MB\n", c->n, (double)bytes / 1e6);
    for (size_t i = 0; i < c->n; i++) {
        const struct tensor *t = c->tensors[i];
        printf("  ");
        say_padded(stdout, t->name, strlen(t->name), 58);
        printf(" %-8s ", t->dtype);
        print_shape(t);
        putchar('\n');
    }
}

int list_print(const char *path, bool json)
{
    struct files files = {NULL, 0};
    struct checkpoint c;
    int status = checkpoint_open(path, &files, &c);

    if (status == CLIPC_OK) {
        if (json) {
            print_json(&c);
        } else {
            print_text(&c);
        }
        checkpoint_close(&c);
    }
    files_free(&files);
    return status;
}

/* ---- One of them ----------------------------------------------------------------------------- */

static const struct {
    const char *dtype;
    enum npy_type type;
} types[] = {{"F32", NPY_F4}, {"F16", NPY_F2}, {"BF16", NPY_F4}, {"F64", NPY_F8}, {"C64", NPY_C8},
             {"I64", NPY_I8}, {"I32", NPY_I4}, {"I16", NPY_I2},  {"I8", NPY_I1},  {"U64", NPY_U8},
             {"U32", NPY_U4}, {"U16", NPY_U2}, {"U8", NPY_U1},   {"BOOL", NPY_B1}};

static int append_all(const struct tensor *t, struct npy_writer *w)
{
    unsigned char bytes[PIECE * 8];
    float wide[PIECE];
    bool bf16 = strcmp(t->dtype, "BF16") == 0;
    uint64_t count = tensor_count(t);
    int status = CLIPC_OK;

    for (uint64_t i = 0; i < count && status == CLIPC_OK; i += PIECE) {
        size_t n = count - i < PIECE ? (size_t)(count - i) : PIECE;
        tensor_copy(t, i, n, bytes);
        for (size_t k = 0; bf16 && k < n; k++) {
            wide[k] = pack_bf16_to_f32(base_u16(bytes + 2 * k));
        }
        status =
            bf16 ? npy_append(w, wide, n * sizeof *wide) : npy_append(w, bytes, n * (t->bits / 8));
    }
    return status;
}

static int dump(const struct checkpoint *c, const struct tensor *t, const char *out)
{
    size_t shape[TENSOR_MAX_DIMS], i = 0;
    struct npy_writer *w;

    while (i < sizeof types / sizeof types[0] && strcmp(types[i].dtype, t->dtype) != 0) {
        i++;
    }
    if (i == sizeof types / sizeof types[0]) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: tensor '%.100s': NumPy has no type for %s",
                         c->path, t->name, t->dtype);
    }
    enum npy_type type = types[i].type;
    for (i = 0; i < t->n_dims; i++) {
        shape[i] = (size_t)t->shape[i];
    }
    int status = t->n_dims > 0 ? npy_open(out, type, shape[0], shape + 1, t->n_dims - 1, &w)
                               : npy_open_number(out, type, &w);
    if (status == CLIPC_OK && (status = append_all(t, w)) != CLIPC_OK) {
        npy_abort(w);
    } else if (status == CLIPC_OK) {
        status = npy_close(w, t->n_dims > 0 ? shape[0] : 1);
    }
    return status;
}

int list_dump(const char *path, const char *name, const char *out)
{
    struct files files = {NULL, 0};
    struct checkpoint c;
    int status = checkpoint_open(path, &files, &c);

    if (status != CLIPC_OK) {
        files_free(&files);
        return status;
    }
    size_t i = checkpoint_find(&c, name);
    const char *same = files_same(&files, out);
    if (i == c.n) {
        status = base_fail(CLIPC_ERROR_ARGUMENT,
                           "%s: no tensor '%.200s' (the nearest name there is '%.200s')", c.path,
                           name, checkpoint_nearest(&c, name));
    } else if (same != NULL) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "%s: is read here and would be lost: name another",
                           out);
    } else if ((status = zip_check(&files)) == CLIPC_OK) {
        status = dump(&c, c.tensors[i], out);
    }
    checkpoint_close(&c);
    files_free(&files);
    return status;
}
