/* vocab_ids.h - a vocabulary while it is read from JSON: an object of names and ids. */
#ifndef CLIPC_VOCAB_IDS_H
#define CLIPC_VOCAB_IDS_H

#include <jansson.h>

#include "vocab.h"

#define VOCAB_MAX_TOKENS (1u << 22)
#define VOCAB_MAX_BYTES  1024 /* of a name */

/* While loading: the name -> id object, and where names come from for messages. */
struct vocab_loader {
    const char *path;
    json_t *ids; /* of the vocabulary, special tokens included */
    struct vocab *v;
};

int vocab_find_id(const struct vocab_loader *l, const char *name, uint32_t *id);

/* Names in the order of their ids, each id from 0 exactly once; free() the array.  NULL with
 * base_fail's message. */
const char **vocab_names(const struct vocab_loader *l);

/* One merge more of l->v, which has room for it; `line`: for messages. */
int vocab_add_merge(const struct vocab_loader *l, const char *left, size_t n_left,
                    const char *right, size_t n_right, size_t line);

/* All of tokenizer.json's: each is "left right" or ["left", "right"]. */
int vocab_take_merges(const struct vocab_loader *l, const json_t *merges);

#endif
