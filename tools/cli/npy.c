/* npy.c - NumPy's array files: a reader of what can be tokens or pixels, and a writer. */
#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../kernels/pack.h"
#include "../../src/base/base.h"
#include "target.h"

/* A larger file, or array, is a mistake; where addresses have 32 bits, half of them. */
#define MAX_BYTES (SIZE_MAX >> (sizeof(size_t) > 4 ? 31 : 1))

/* ---- Reading ------------------------------------------------------------------------------- */

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

/* ---- Writing ------------------------------------------------------------------------------- */

struct npy_writer {
    const char *path;
    struct output out; /* not open for what a rename cannot replace: stdout, pipes, devices */
    FILE *f;           /* on a copy of out.fd; else a nameless file, copied at the end */
    enum npy_type type;
    size_t shape[NPY_MAX_DIMS], n_dims; /* shape[0] is the rows */
    bool failed;                        /* a write did: the file must not appear */
};

static const char *name_of(const struct npy_writer *w)
{
    return strcmp(w->path, "-") == 0 ? "standard output" : w->path;
}

static int io_error(const struct npy_writer *w, const char *what)
{
    return base_fail(CLIPC_ERROR_IO, "%s: cannot %s: %s", name_of(w), what, strerror(errno));
}

/* Byte for byte what numpy.lib.format writes, since some readers search for just that: spaces for
 * the rows to grow to 21 digits, then to a multiple of 64.  So the size does not depend on the
 * rows, which are known only at the end. */
static int write_header(struct npy_writer *w)
{
    static const char *const types[] = {"<f4", "|u1", "<i4"};
    char text[512], rows[24];
    int digits = snprintf(rows, sizeof rows, "%zu", w->shape[0]);
    int n = snprintf(text, sizeof text,
                     "%cNUMPY....{'descr': '%s', 'fortran_order': False, 'shape': (%s", 0x93,
                     types[w->type], rows);

    for (size_t i = 1; i < w->n_dims; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, ", %zu", w->shape[i]);
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "%s), }", w->n_dims == 1 ? "," : "");
    size_t size = (size_t)(n + 21 - digits + 1) / 64 * 64 + 64; /* 64 more where none need be */
    memset(text + n, ' ', size - (size_t)n);
    memcpy(text + 6, "\1\0", 2); /* version 1.0, then the length of what is behind it */
    text[8] = (char)((size - 10) & 255);
    text[9] = (char)((size - 10) >> 8);
    text[size - 1] = '\n';
    return fwrite(text, 1, size, w->f) == size ? CLIPC_OK : io_error(w, "write");
}

static int open_file(struct npy_writer *w, const char *path)
{
    int status = target_open(&w->out, path), fd;

    if (status == CLIPC_OK) {
        fd = dup(w->out.fd);
        w->f = fd >= 0 ? fdopen(fd, "w+b") : NULL;
        status = w->f != NULL ? CLIPC_OK : io_error(w, "open");
    }
    return status;
}

int npy_open(const char *path, enum npy_type type, size_t rows, const size_t *shape, size_t n_dims,
             struct npy_writer **out)
{
    struct npy_writer *w = calloc(1, sizeof *w);
    size_t row = 4; /* bytes */
    int status = CLIPC_OK;

    if (w == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    w->path = path;
    w->type = type;
    w->n_dims = n_dims + 1;
    if (w->n_dims > NPY_MAX_DIMS) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "%s: more than %d dimensions", path, NPY_MAX_DIMS);
    }
    for (size_t i = 0; status == CLIPC_OK && i < n_dims; i++) {
        w->shape[i + 1] = shape[i];
        if (!base_mul(row, shape[i], &row)) {
            status = base_fail(CLIPC_ERROR_ARGUMENT, "%s: a row of impossible size", path);
        }
    }
    w->shape[0] = rows;
    if (status == CLIPC_OK && (strcmp(path, "-") == 0 || output_is_special(path))) {
        w->f = tmpfile();
        status = w->f != NULL ? CLIPC_OK : io_error(w, "make a temporary file");
    } else if (status == CLIPC_OK) {
        status = open_file(w, path);
    }
    if (status == CLIPC_OK) {
        status = write_header(w);
    }
    if (status != CLIPC_OK) {
        npy_abort(w);
        return status;
    }
    *out = w;
    return CLIPC_OK;
}

int npy_append(struct npy_writer *w, const void *data, size_t bytes)
{
    if (fwrite(data, 1, bytes, w->f) != bytes) {
        w->failed = true;
    }
    return w->failed ? io_error(w, "write") : CLIPC_OK;
}

static int copy_to(struct npy_writer *w, FILE *to)
{
    char buffer[65536];
    size_t n;

    rewind(w->f);
    while ((n = fread(buffer, 1, sizeof buffer, w->f)) > 0) {
        if (fwrite(buffer, 1, n, to) != n) {
            return io_error(w, "write");
        }
    }
    return ferror(w->f) || fflush(to) != 0 ? io_error(w, "write") : CLIPC_OK;
}

static int copy_out(struct npy_writer *w)
{
    if (strcmp(w->path, "-") == 0) {
        return copy_to(w, stdout);
    }
    FILE *to = fopen(w->path, "wb");
    if (to == NULL) {
        return io_error(w, "open");
    }
    int status = copy_to(w, to);
    if (fclose(to) != 0 && status == CLIPC_OK) {
        status = io_error(w, "write");
    }
    return status;
}

int npy_close(struct npy_writer *w, size_t rows)
{
    int status = CLIPC_OK;

    w->shape[0] = rows;
    if (w->failed || fflush(w->f) != 0 || fseek(w->f, 0, SEEK_SET) != 0) {
        status = io_error(w, "write");
    } else {
        status = write_header(w);
    }
    if (status == CLIPC_OK && fflush(w->f) != 0) {
        status = io_error(w, "write");
    }
    if (status == CLIPC_OK) {
        status = w->out.path == NULL ? copy_out(w) : output_finish(&w->out);
    }
    npy_abort(w);
    return status;
}

void npy_abort(struct npy_writer *w)
{
    if (w != NULL) {
        if (w->f != NULL) {
            fclose(w->f);
        }
        output_abort(&w->out);
        free(w);
    }
}

int npy_write(const char *path, enum npy_type type, const size_t *shape, size_t n_dims,
              const void *data)
{
    struct npy_writer *w;
    size_t bytes = type == NPY_U1 ? 1 : 4;
    int status = n_dims > 0
                     ? npy_open(path, type, shape[0], shape + 1, n_dims - 1, &w)
                     : base_fail(CLIPC_ERROR_ARGUMENT, "%s: an array of no dimensions", path);

    if (status != CLIPC_OK) {
        return status;
    }
    for (size_t i = 0; i < n_dims; i++) {
        bytes *= shape[i];
    }
    npy_append(w, data, bytes); /* a failure is remembered */
    return npy_close(w, shape[0]);
}
