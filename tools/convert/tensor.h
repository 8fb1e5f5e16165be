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
    const unsigned char *data; /* row-major, little endian; need not be aligned */
    uint64_t bytes, offset;
};

#endif
