/* unigram.h - SentencePiece's unigram model: a text to its likeliest pieces. */
#ifndef CLIPC_UNIGRAM_H
#define CLIPC_UNIGRAM_H

#include "pieces.h"

/* text: [n], normalized; its pieces are added to `list`; ties as the library breaks them.  Time
 * and memory linear in n.  False: out of memory. */
bool unigram_encode(const struct pieces *p, const unsigned char *text, size_t n,
                    struct pieces_list *list);

#endif
