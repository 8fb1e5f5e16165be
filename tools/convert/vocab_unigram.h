/* vocab_unigram.h - a tokenizer.json whose model is Unigram: a SentencePiece model in other
 * words. */
#ifndef CLIPC_VOCAB_UNIGRAM_H
#define CLIPC_VOCAB_UNIGRAM_H

#include <jansson.h>

#include "vocab.h"

/* root, which came from `path`, to the tables, kind and flags of *v, which is empty before.
 * siglip: SiglipTokenizer's rules are around it, so that normalizers which do the same count for
 * nothing.  What would give other ids is refused by name. */
int vocab_unigram_read(const char *path, const json_t *root, bool siglip, struct vocab *v);

#endif
