/* sentencepiece.h - a text to the ids of a vocabulary of pieces, SentencePiece's or BERT's:
 * normalizer, pieces, and the rules of the class that wraps the model. */
#ifndef CLIPC_SENTENCEPIECE_H
#define CLIPC_SENTENCEPIECE_H

#include "bpe.h"
#include "pieces.h"

struct sentencepiece {
    struct pieces *pieces;
    struct bpe *bpe;                 /* of FORMAT_TOKENIZER_MERGES */
    enum format_tokenizer_kind kind; /* any but FORMAT_TOKENIZER_BPE */
    enum format_rules rules;
    int32_t sot_id; /* -1: texts have none */
    int32_t eot_id, pad_id;
};

/* ids: [context], the end token behind them even where the text is cut; *n_ids: how many.  False:
 * out of memory. */
bool sentencepiece_encode(const struct sentencepiece *s, const char *text, size_t length,
                          size_t context, int32_t *ids, size_t *n_ids);

#endif
