/* checkpoint.h - a bag of named tensors, whatever container they lie in: a safetensors file, one of
 * PyTorch, or shards of them with an index.  A container fills `tensors`; nothing above knows which
 * it was. */
#ifndef CLIPC_CHECKPOINT_H
#define CLIPC_CHECKPOINT_H

#include <stdbool.h>

#include "files.h"
#include "tensor.h"

struct checkpoint {
    const char *path;              /* of the first file, for messages */
    const struct tensor **tensors; /* [n], sorted by name */
    size_t n;
    bool torch;    /* a file of PyTorch */
    bool scripted; /* of TorchScript: its modules' classes have names, among them these */
    bool quick_gelu, gelu;
    struct tensor *renamed; /* [n] of checkpoint_unwrap, else NULL */
    bool wrapped;           /* the model lay in something larger, as training keeps it */
    void *data;             /* the container's */
    void (*close)(struct checkpoint *checkpoint);
    void (*release)(const struct checkpoint *checkpoint); /* the files' pages: base_map_release */
};

/* A folder (checkpoint.c lists what it may hold) or one file.  Its first bytes say which container
 * it is; anything else is named for what it is, as is what a folder holds instead.  Every file that
 * is read is added to `files`.  0, or a negative clipc_status with nothing to close. */
int checkpoint_open(const char *path, struct files *files, struct checkpoint *checkpoint);
/* Keep the model alone, under its own names: unwrap.c.  0, or a negative clipc_status. */
int checkpoint_unwrap(struct checkpoint *checkpoint);
void checkpoint_close(struct checkpoint *checkpoint);

/* The number of the tensor of that name; `n` when there is none. */
size_t checkpoint_find(const struct checkpoint *checkpoint, const char *name);

/* The name nearest in spelling, for a message about a missing one; "" when there are no tensors. */
const char *checkpoint_nearest(const struct checkpoint *checkpoint, const char *name);

#endif
