/* npy.c - NumPy's array files: a reader of what can be tokens or pixels. */
#include "npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "../../src/base/base.h"

/* A larger file, or array, is a mistake; where addresses have 32 bits, half of them. */
#define MAX_BYTES (SIZE_MAX >> (sizeof(size_t) > 4 ? 31 : 1))

/* The header is a Python dictionary, and what may stand between its parts is Python's. */
#define BLANKS " \t\r\n\f"

/* The text behind 'key': in the header's dictionary; NULL when it is not there. */
static const char *value_of(const char *header, const char *key)
{
    const char *p = strstr(header, key);
    char quote = p != NULL && p != header ? p[-1] : '\0';

    if ((quote != '\'' && quote != '"') || p[strlen(key)] != quote) {
        return NULL;
    }
    p += strlen(key) + 1;
    p += strspn(p, BLANKS);
    return *p == ':' ? p + 1 + strspn(p + 1, BLANKS) : NULL;
}

static int bad(const char *path, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: %s", path, why);
}

/* "(2, 3)", "(5,)", "()", and from Python 2 "(2L, 3L)". */
static int read_shape(const char *path, const char *p, struct npy *a)
{
    a->count = 1;
    if (p == NULL || *p++ != '(') {
        return bad(path, "damaged: no shape in the .npy header");
    }
    while (*(p += strspn(p, BLANKS)) != ')') {
        char *end;
        errno = 0;
        unsigned long long n = strtoull(p, &end, 10);
        if (end == p || errno != 0 || *p == '-' || a->n_dims == NPY_MAX_DIMS || n > MAX_BYTES ||
            !base_mul(a->count, (size_t)n, &a->count) || a->count > MAX_BYTES) {
            return bad(path, "damaged: an impossible shape, or one of more than 8 dimensions");
        }
        a->shape[a->n_dims++] = (size_t)n;
        p = end + (*end == 'L' || *end == 'l');
        p += strspn(p, BLANKS);
        if (*p != ')' && *p++ != ',') {
            return bad(path, "damaged: the shape in the .npy header");
        }
    }
    return CLIPC_OK;
}

static int64_t whole_at(const unsigned char *p, char kind, size_t size)
{
    switch (size) {
    case 1:
        return kind == 'i' ? (int8_t)*p : *p;
    case 2:
        return kind == 'i' ? (int16_t)base_u16(p) : base_u16(p);
    case 4:
        return kind == 'i' ? (int32_t)base_u32(p) : (int64_t)base_u32(p);
    default:
        return (int64_t)base_u64(p);
    }
}

static float float_at(const unsigned char *p, size_t size)
{
    float f;
    double d;

    if (size == 2) {
        return pack_f16_to_f32(base_u16(p));
    }
    if (size == 4) {
        memcpy(&f, p, 4);
        return f;
    }
    memcpy(&d, p, 8);
    return (float)d;
}

/* An element type as numpy writes it, '<f4' (a 'u' before the quote: Python 2; no sign: this
 * machine's order).  False for all but little-endian floats and whole numbers. */
static bool read_type(const char *type, char *kind, size_t *size)
{
    static const char sizes[][5] = {"f248", "i1248", "u1248", "b1"};

    if (type == NULL) {
        return false;
    }
    type += *type == 'u';
    char quote = *type;
    if (quote != '\'' && quote != '"') {
        return false;
    }
    type += 1 + (type[1] == '<' || type[1] == '=' || type[1] == '|');
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (type[0] == sizes[i][0] && type[1] != '\0' && type[2] == quote &&
            memchr(sizes[i] + 1, type[1], sizeof sizes[i] - 1) != NULL) {
            *kind = type[0];
            *size = (size_t)(type[1] - '0');
            return true;
        }
    }
    return false;
}

static int read_values(const char *path, const char *type, const unsigned char *p, size_t left,
                       struct npy *a)
{
    char kind;
    size_t size, bytes;

    if (!read_type(type, &kind, &size)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: an array of other than little-endian floats or whole numbers", path);
    }
    bool whole = kind != 'f';
    if (!base_mul(a->count, size, &bytes) || bytes > left) {
        return bad(path, "truncated: the .npy file is shorter than its shape");
    }
    if (whole) {
        a->whole = malloc(a->count * sizeof *a->whole + 1);
    } else {
        a->floats = malloc(a->count * sizeof *a->floats + 1);
    }
    if (a->whole == NULL && a->floats == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: no memory for %zu values", path, a->count);
    }
    for (size_t i = 0; i < a->count; i++) {
        if (whole) {
            a->whole[i] = whole_at(p + i * size, kind, size);
            if (kind == 'u' && a->whole[i] < 0) {
                return base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: holds whole numbers of 64 bits",
                                 path);
            }
        } else {
            a->floats[i] = float_at(p + i * size, size);
        }
    }
    return CLIPC_OK;
}

static int parse(const char *path, const unsigned char *data, size_t size, struct npy *a)
{
    size_t at = size > 6 && data[6] == 1 ? 10 : 12, n;

    if (size < at || memcmp(data, "\x93NUMPY", 6) != 0 || data[6] < 1 || data[6] > 3) {
        return bad(path, "not a .npy file");
    }
    n = at == 10 ? base_u16(data + 8) : base_u32(data + 8);
    if (n > size - at || n > 65536) {
        return bad(path, "damaged: the .npy header is cut");
    }
    char *header = calloc(1, n + 8);
    if (header == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    memcpy(header, data + at, n);
    const char *order = value_of(header, "fortran_order");
    int status = order == NULL || strncmp(order, "False", 5) != 0
                     ? base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: save the array in C order", path)
                     : read_shape(path, value_of(header, "shape"), a);
    if (status == CLIPC_OK) {
        status = read_values(path, value_of(header, "descr"), data + at + n, size - at - n, a);
    }
    free(header);
    return status;
}

int npy_read(const char *path, struct npy *a)
{
    unsigned char *data;
    size_t size;

    memset(a, 0, sizeof *a);
    int status = strcmp(path, "-") == 0 ? base_read_stdin(MAX_BYTES, &data, &size)
                                        : base_read_file(path, MAX_BYTES, &data, &size);
    if (status == CLIPC_OK) {
        status = parse(path, data, size, a);
        base_free(data);
    }
    if (status != CLIPC_OK) {
        npy_free(a);
    }
    return status;
}

void npy_free(struct npy *a)
{
    free(a->floats);
    free(a->whole);
    memset(a, 0, sizeof *a);
}
