/* encoding.h - one text on its way to ids of pieces, and the steps that the rules around them
 * share. */
#ifndef CLIPC_ENCODING_H
#define CLIPC_ENCODING_H

#include "normalizer.h"
#include "sentencepiece.h"

/* What stands for a space in pieces, and its UTF-8. */
#define ENCODING_SPACE       0x2581u
#define ENCODING_SPACE_TEXT  "\xe2\x96\x81"
#define ENCODING_SPACE_BYTES 3u

struct encoding {
    const struct sentencepiece *s;
    struct normalizer_text plain, normal; /* before and after the normalizer */
    struct normalizer_text spaced;        /* and with its spaces */
    struct pieces_list cuts;
    struct bpe_room words;
    int32_t *ids; /* [n, of room] malloc */
    size_t n, room;
    bool failed;
};
void encoding_free(struct encoding *e);

void encoding_add(struct encoding *e, int32_t id);

/* Lower case, and U+2581 for spaces, as the flags say, of text: [n] UTF-8, to *out. */
void encoding_change_letters(uint32_t flags, const unsigned char *text, size_t n,
                             struct normalizer_text *out);

/* Adds the ids of the pieces of text: [n], which is normal. */
void encoding_cut(struct encoding *e, const unsigned char *text, size_t n);

/* Adds the ids of text: [n] as the library makes them. */
void encoding_run(struct encoding *e, uint32_t flags, const void *text, size_t n);

#endif
