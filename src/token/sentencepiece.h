/* sentencepiece.h - a text to the ids of a SentencePiece model: normalizer, pieces, and the rules
 * of the class that wraps the model. */
#ifndef CLIPC_SENTENCEPIECE_H
#define CLIPC_SENTENCEPIECE_H

#include "bpe.h"
#include "pieces.h"

struct sentencepiece {
    struct pieces *pieces;
    struct bpe *bpe;                 /* of FORMAT_TOKENIZER_MERGES */
    enum format_tokenizer_kind kind; /* FORMAT_TOKENIZER_UNIGRAM, _PIECES or _MERGES */
    enum format_rules rules; /* FORMAT_SENTENCEPIECE or FORMAT_SIGLIP; FORMAT_HF of merges */
    int32_t eot_id, pad_id;
};

/* ids: [context], the end token behind them even where the text is cut; *n_ids: how many.  False:
 * out of memory. */
bool sentencepiece_encode(const struct sentencepiece *s, const char *text, size_t length,
                          size_t context, int32_t *ids, size_t *n_ids);

#endif
