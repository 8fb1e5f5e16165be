/* wordpiece.h - BERT's rules: characters, words, and of each word the longest pieces. */
#ifndef CLIPC_WORDPIECE_H
#define CLIPC_WORDPIECE_H

#include "encoding.h"

/* Adds the ids of text: [n] UTF-8 in which no added token stands.  Time linear in n. */
void wordpiece_encode(struct encoding *e, const unsigned char *text, size_t n);

#endif
