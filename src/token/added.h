/* added.h - the rules of HuggingFace's tokenizers library around SentencePiece's pieces, as a
 * tokenizer.json has them. */
#ifndef CLIPC_ADDED_H
#define CLIPC_ADDED_H

#include "encoding.h"

/* Adds the ids of text: [length] any bytes, without an end token. */
void added_encode(struct encoding *e, const char *text, size_t length);

#endif
