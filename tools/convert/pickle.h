/* pickle.h - Python's pickles, as far as tensors need them: a machine that knows containers,
 * numbers, names and how PyTorch describes a tensor.  A pickle is a program; here it is run by a
 * machine that has nothing to run: whatever else it asks for is refused by its name. */
#ifndef CLIPC_PICKLE_H
#define CLIPC_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor.h"

enum pickle_kind {
    PICKLE_OTHER, /* nothing that is looked at: None, a truth value, a float, a large number */
    PICKLE_WHOLE,
    PICKLE_TEXT,
    PICKLE_LIST, /* a tuple too */
    PICKLE_DICT,
    PICKLE_OBJECT, /* of a class of TorchScript */
    PICKLE_GLOBAL,
    PICKLE_STORAGE,
    PICKLE_TENSOR
};

/* What a global is for: pickle_globals.c. */
struct pickle_global {
    const char *module, *name;
    int role;
    const char *dtype; /* of a storage or a dtype, as safetensors spells it */
    unsigned bits;
};

/* Where a tensor's numbers are. */
struct pickle_storage {
    const char *key; /* [key_bytes] */
    size_t key_bytes;
    const char *dtype;
    unsigned bits;
    int64_t count;       /* elements */
    int64_t first;       /* of a view (old files): where it begins in the storage of that key */
    int64_t whole_count; /* ... and how much that storage has; else `count` */
    const struct pickle_storage *next; /* of all that the pickle has named */
};

struct pickle_tensor {
    const struct pickle_storage *storage;
    const char *dtype;
    unsigned bits;
    int64_t offset; /* elements of `storage` */
    size_t n_dims;
    int64_t shape[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS];
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t whole;
        struct {
            const char *bytes; /* in the pickle */
            size_t n;
        } text; /* UTF-8, if the pickle keeps its promise */
        struct {
            struct pickle_value **items; /* [n]; of a dict: key, value, key, value, ... */
            size_t n, room;
        } list;
        struct pickle_value *state; /* of an object; NULL: none yet */
        const struct pickle_global *global;
        struct pickle_storage *storage;
        struct pickle_tensor *tensor;
    } u;
};

struct pickle {
    const char *what; /* for messages */
    struct pickle_block *blocks;
    size_t n_values;
    const struct pickle_storage *storages; /* a chain */
    unsigned gelu; /* PICKLE_QUICK_GELU | PICKLE_GELU: classes of activations that were named */
};
enum { PICKLE_QUICK_GELU = 1, PICKLE_GELU = 2 };

/* Run the pickle at the start of data: [n].  *used: its bytes; what it has made lives until
 * pickle_free, and points into `data`.  Several may be run one after the other.  0, or a negative
 * clipc_status; memory and time are bounded by n. */
int pickle_run(struct pickle *p, const unsigned char *data, size_t n, size_t *used,
               struct pickle_value **root);
void pickle_free(struct pickle *p);

/* ---- Between pickle.c and pickle_globals.c --------------------------------------------------- */

/* A value that lives as long as `p`; NULL with base_fail's message. */
struct pickle_value *pickle_new(struct pickle *p, enum pickle_kind kind);
/* One more item of a list or a dict. */
int pickle_push(struct pickle *p, struct pickle_value *list, struct pickle_value *item);

/* module, name: [m], [n]: a GLOBAL, or the sentence that it is not one that tensors need. */
int pickle_find_global(struct pickle *p, const char *module, size_t m, const char *name, size_t n,
                       struct pickle_value **out);
/* REDUCE, NEWOBJ, BUILD, BINPERSID. */
int pickle_call(struct pickle *p, const struct pickle_value *callee, struct pickle_value *args,
                struct pickle_value **out);
int pickle_make_object(struct pickle *p, const struct pickle_value *class,
                       struct pickle_value **out);
int pickle_build(struct pickle *p, struct pickle_value *object, struct pickle_value *state);
int pickle_load_storage(struct pickle *p, const struct pickle_value *id, struct pickle_value **out);

#endif
