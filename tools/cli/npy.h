/* npy.h - NumPy's array files (format versions 1 to 3), little endian, C order. */
#ifndef CLIPC_NPY_H
#define CLIPC_NPY_H

#include <stddef.h>
#include <stdint.h>

enum { NPY_MAX_DIMS = 8 };

struct npy {
    size_t n_dims, shape[NPY_MAX_DIMS], count; /* count: product of the shape */
    float *floats;                             /* [count], for element types f2 f4 f8; else NULL */
    int64_t *whole;                            /* [count], for i1 u1 i2 u2 i4 u4 i8 b1; else NULL */
};

/* Read `path`.  0, or a negative clipc_status with a message that begins with the path. */
int npy_read(const char *path, struct npy *array);
void npy_free(struct npy *array);

/* A writer of one array whose first dimension is known only at the end: "-" is stdout, and then
 * `rows` must be the true one.  A file appears when it is complete; into a pipe or a device all
 * goes at the end.  `path` must stay until npy_close. */
struct npy_writer;
enum npy_type {
    NPY_F4,
    NPY_U1,
    NPY_I4,
    NPY_F2,
    NPY_F8,
    NPY_C8,
    NPY_B1,
    NPY_I1,
    NPY_I2,
    NPY_I8,
    NPY_U2,
    NPY_U4,
    NPY_U8
};
/* shape: [n_dims] behind the first. */
int npy_open(const char *path, enum npy_type type, size_t rows, const size_t *shape, size_t n_dims,
             struct npy_writer **writer);
/* The same of a single number, an array of no dimensions: one is appended. */
int npy_open_number(const char *path, enum npy_type type, struct npy_writer **writer);
int npy_append(struct npy_writer *writer, const void *data, size_t bytes);
/* rows: what was appended.  Frees the writer in any case; on failure no file is left. */
int npy_close(struct npy_writer *writer, size_t rows);
void npy_abort(struct npy_writer *writer);

/* A whole array at once. */
int npy_write(const char *path, enum npy_type type, const size_t *shape, size_t n_dims,
              const void *data);

#endif
