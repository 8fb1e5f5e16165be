/* torch_walk.h - from what a pickle made to tensors with names and places. */
#ifndef CLIPC_TORCH_WALK_H
#define CLIPC_TORCH_WALK_H

#include "container.h"
#include "pickle.h"

/* The bytes of a storage; NULL with base_fail's message when the container has none of that key,
 * or not of its size.  An empty storage may be anywhere but NULL. */
struct torch_storages {
    const unsigned char *(*find)(void *arg, const struct pickle_storage *storage);
    void *arg;
};

/* Every tensor below `root`, which p has made, into `c`: by its key, below a dict or list with '/'
 * between, below a module of TorchScript with '.'.  Every one lies within its storage. */
int torch_walk(const struct pickle *p, const struct pickle_value *root,
               const struct torch_storages *storages, struct container *c);

/* Has a storage of `bytes` bytes the elements that the pickle says? */
bool torch_fits(const struct pickle_storage *s, uint64_t bytes);
/* The sentences that it has not, and that there is none; NULL. */
const unsigned char *torch_wrong_size(const char *path, const struct pickle_storage *s);
const unsigned char *torch_missing(const char *path, const struct pickle_storage *s);

/* The file as it was before PyTorch 1.6: torch_old.c. */
int torch_read_old(const unsigned char *data, size_t size, struct container *c);

#endif
