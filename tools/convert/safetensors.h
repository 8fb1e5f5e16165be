/* safetensors.h - the checkpoint container: u64 length n, n bytes of JSON, then the data.  Checked
 * as the format's own library does: sorted by offset, the tensors tile the data exactly. */
#ifndef CLIPC_SAFETENSORS_H
#define CLIPC_SAFETENSORS_H

#include "../../src/base/base.h"
#include "tensor.h"

struct safetensors {
    char *path;
    struct base_map map;
    struct tensor *tensors; /* [n], sorted by offset */
    size_t n;
};

int safetensors_open(const char *path, struct safetensors *file);
/* The same of bytes in memory, which must outlive `file`. */
int safetensors_open_memory(const char *what, const void *data, size_t size,
                            struct safetensors *file);
void safetensors_close(struct safetensors *file);

#endif
