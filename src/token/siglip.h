/* siglip.h - the rules of transformers' SiglipTokenizer around SentencePiece's pieces. */
#ifndef CLIPC_SIGLIP_H
#define CLIPC_SIGLIP_H

#include "encoding.h"

/* Adds the ids of text: [length] any bytes, without an end token. */
void siglip_encode(struct encoding *e, const char *text, size_t length);

#endif
