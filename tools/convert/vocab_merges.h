/* vocab_merges.h - lists of merges: merges.txt, bpe_simple_vocab_16e6.txt. */
#ifndef CLIPC_VOCAB_MERGES_H
#define CLIPC_VOCAB_MERGES_H

#include <jansson.h>
#include <stdbool.h>

#include "../../src/base/base.h"

/* One line "left right"; begin with zeros. */
struct vocab_merge {
    const char *left, *right; /* in the text */
    size_t n_left, n_right;   /* n_right 0: the line is one token only */
    size_t line, at;          /* its number, from 1, and where the next one begins */
};

/* The next merge of text: [size]; false behind the last.  Empty lines and a title are none. */
bool vocab_next_merge(const char *text, size_t size, struct vocab_merge *merge);

/* {token: id} of a list without a vocab.json: 256 bytes, the same at a word's end, what the merges
 * make, start and end.  *size becomes the bytes of those merges that count.  NULL with base_fail's
 * message. */
json_t *vocab_ids_of_merges(const char *what, const char *text, size_t *size);

#endif
