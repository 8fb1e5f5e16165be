/* tokenizer.h - text to ids: clean-up, lower case, words, byte-pair merges; or SentencePiece's
 * normalizer and pieces.  Exact to the reference; the sources of each rule are named in tokenizer.c
 * and sentencepiece.c. */
#ifndef CLIPC_TOKENIZER_H
#define CLIPC_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "../../weights/weights.h"

struct tokenizer;

/* What a vocabulary is made of: the tables of weights/format.h, wherever they come from.  Ids have
 * been checked to lie in the vocabulary. */
struct tokenizer_tables {
    enum format_tokenizer_kind kind;
    const int32_t *merges; /* [n_merges, 3]: left, right, merged; best rank first */
    size_t n_merges;
    /* FORMAT_TOKENIZER_BPE: */
    const int32_t *bytes;   /* [2, 256]: id of each byte inside a word, and at its end */
    int32_t sot_id, eot_id; /* sot_id also of FORMAT_TOKENIZER_WORDPIECE */
    const char *sot, *eot;  /* how they are spelled in text, [sot_length], [eot_length] */
    size_t sot_length, eot_length;
    /* The other kinds, beside eot_id: */
    int32_t pad_id; /* FORMAT_SIGLIP finds it in texts */
    enum format_rules rules;
    struct weights_pieces pieces; /* checked by weights_check_pieces */
};

/* Build the look-up tables; `tables` points into memory that must stay.  Immutable
 * afterwards, shared by threads. */
int tokenizer_new(const struct tokenizer_tables *tables, struct tokenizer **tokenizer);
/* The same from an open weight file. */
int tokenizer_open(const struct weights *w, struct tokenizer **tokenizer);
void tokenizer_free(struct tokenizer *tokenizer);

/* ids: [context]; *n_ids = number of ids, start (if there is one) and end token included, cut to
 * `context` with the end token kept.  rules: FORMAT_OPENAI or FORMAT_HF; a SentencePiece vocabulary
 * has its own instead.  Time n log n, memory linear in `length`. */
int tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length,
                     enum format_rules rules, size_t context, int32_t *ids, size_t *n_ids);

#endif
