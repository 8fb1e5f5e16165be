/* container.h - one file with tensors: safetensors, or PyTorch's zip or pickle, told apart by its
 * bytes.  A new container is a reader that fills the list, and one line in container.c. */
#ifndef CLIPC_CONTAINER_H
#define CLIPC_CONTAINER_H

#include <stdbool.h>

#include "../../src/base/base.h"
#include "tensor.h"

struct container {
    char *path;
    struct base_map map;    /* empty when it was opened from memory */
    struct tensor *tensors; /* [n], names are malloc */
    size_t n;
    bool torch;    /* one of PyTorch's */
    bool scripted; /* an archive of TorchScript, whose classes' names say more: */
    bool quick_gelu, gelu;
};

/* 0, or a negative clipc_status with nothing to close. */
int container_open(const char *path, struct container *c);
/* The same of bytes in memory, which must outlive `c`. */
int container_open_memory(const char *what, const void *data, size_t size, struct container *c);
void container_close(struct container *c);

/* The readers: fill tensors and n.  What they leave on failure is closed by their caller. */
int safetensors_read(const unsigned char *data, size_t size, struct container *c);
int torch_read(const unsigned char *data, size_t size, struct container *c);

/* tensors[n] begins: zeroed but for its name, a copy of name: [bytes].  `room`: of c->tensors.
 * CLIPC_ERROR_MEMORY with base_fail's message, or 0. */
int container_add(struct container *c, size_t *room, const char *name, size_t bytes);

#endif
