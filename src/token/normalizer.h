/* normalizer.h - what SentencePiece makes of a text before it looks for pieces: replacements by the
 * model's charsmap, spaces. */
#ifndef CLIPC_NORMALIZER_H
#define CLIPC_NORMALIZER_H

#include "pieces.h"

/* Bytes that grow; `failed` once memory ran out, and then nothing is added. */
struct normalizer_text {
    unsigned char *data; /* [n, of room] malloc */
    size_t n, room;
    bool failed;
};
void normalizer_add(struct normalizer_text *text, const void *bytes, size_t n);

/* text: [n] any bytes, to *out, emptied before.  flags: the model's, or those with a change.  Time
 * and memory linear in n. */
void normalizer_run(const struct pieces *p, uint32_t flags, const unsigned char *text, size_t n,
                    struct normalizer_text *out);

#endif
