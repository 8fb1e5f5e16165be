/* safetensors.h - the checkpoint container: u64 length n, n bytes of JSON, then the data.  Checked
 * as the format's own library does: sorted by offset, the tensors tile the data exactly. */
#ifndef CLIPC_SAFETENSORS_H
#define CLIPC_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/base/base.h"

enum { SAFETENSORS_MAX_DIMS = 8 };

struct safetensor {
    char *name;
    char dtype[8]; /* "F16", as the file spells it */
    unsigned bits; /* of an element */
    size_t n_dims;
    uint64_t shape[SAFETENSORS_MAX_DIMS];
    const unsigned char *data; /* need not be aligned */
    uint64_t bytes, offset;
};

struct safetensors {
    char *path;
    struct base_map map;
    struct safetensor *tensors; /* [n], sorted by offset */
    size_t n;
};

int safetensors_open(const char *path, struct safetensors *file);
/* The same of bytes in memory, which must outlive `file`. */
int safetensors_open_memory(const char *what, const void *data, size_t size,
                            struct safetensors *file);
void safetensors_close(struct safetensors *file);

/* NULL when there is none of that name. */
const struct safetensor *safetensors_find(const struct safetensors *file, const char *name);

#endif
