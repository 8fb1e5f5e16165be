/* npy_write.c - the other direction: an array of which the rows come one by one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "npy.h"
#include "target.h"

/* By enum npy_type. */
static const struct {
    const char *descr;
    size_t bytes;
} types[] = {{"<f4", 4}, {"|u1", 1}, {"<i4", 4}, {"<f2", 2}, {"<f8", 8}, {"<c8", 8}, {"|b1", 1},
             {"|i1", 1}, {"<i2", 2}, {"<i8", 8}, {"<u2", 2}, {"<u4", 4}, {"<u8", 8}};

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
    char text[512], rows[24];
    int digits = snprintf(rows, sizeof rows, "%zu", w->shape[0]);
    int growth = w->n_dims > 0 ? 21 - digits : 0;
    int n = snprintf(text, sizeof text,
                     "%cNUMPY....{'descr': '%s', 'fortran_order': False, 'shape': (%s", 0x93,
                     types[w->type].descr, w->n_dims > 0 ? rows : "");

    for (size_t i = 1; i < w->n_dims; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, ", %zu", w->shape[i]);
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "%s), }", w->n_dims == 1 ? "," : "");
    size_t size = (size_t)(n + growth + 1) / 64 * 64 + 64; /* 64 more where none need be */
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

/* The file, and the header with a first guess at the rows; w is freed on failure. */
static int start(struct npy_writer *w, int status, struct npy_writer **out)
{
    if (status == CLIPC_OK && (strcmp(w->path, "-") == 0 || output_is_special(w->path))) {
        w->f = tmpfile();
        status = w->f != NULL ? CLIPC_OK : io_error(w, "make a temporary file");
    } else if (status == CLIPC_OK) {
        status = open_file(w, w->path);
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

static struct npy_writer *new_writer(const char *path, enum npy_type type)
{
    struct npy_writer *w = calloc(1, sizeof *w);

    if (w == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    w->path = path;
    w->type = type;
    return w;
}

int npy_open(const char *path, enum npy_type type, size_t rows, const size_t *shape, size_t n_dims,
             struct npy_writer **out)
{
    struct npy_writer *w = new_writer(path, type);
    size_t row = types[type].bytes;
    int status = CLIPC_OK;

    if (w == NULL) {
        return CLIPC_ERROR_MEMORY;
    }
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
    return start(w, status, out);
}

int npy_open_number(const char *path, enum npy_type type, struct npy_writer **out)
{
    struct npy_writer *w = new_writer(path, type);

    return w != NULL ? start(w, CLIPC_OK, out) : CLIPC_ERROR_MEMORY;
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
    size_t bytes = types[type].bytes;
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
