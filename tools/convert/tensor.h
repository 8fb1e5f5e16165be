/* tensor.h - one tensor of a checkpoint, as its container has it. */
#ifndef CLIPC_TENSOR_H
#define CLIPC_TENSOR_H

#include <stddef.h>
#include <stdint.h>

enum { TENSOR_MAX_DIMS = 8 };

struct tensor {
    char *name;
    char dtype[8]; /* "F16", as safetensors spells it */
    unsigned bits; /* of an element */
    size_t n_dims;
    uint64_t shape[TENSOR_MAX_DIMS];
    uint64_t stride[TENSOR_MAX_DIMS]; /* in elements: row-major, or a view of something larger */
    const unsigned char *data;        /* the first element; little endian; need not be aligned */
    uint64_t bytes;                   /* of all elements */
    uint64_t offset;                  /* in the container's data; 0 where there is no such thing */
};

/* Strides of a row-major tensor of that shape. */
void tensor_set_strides(struct tensor *t);

/* The elements first .. first + n - 1 in row-major order, of a type of whole bytes. */
void tensor_copy(const struct tensor *t, uint64_t first, size_t n, unsigned char *to);

/* How many elements there are. */
uint64_t tensor_count(const struct tensor *t);

/* The same numbers with rows and columns exchanged; t has 2 dimensions. */
struct tensor tensor_transposed(const struct tensor *t);

#endif
