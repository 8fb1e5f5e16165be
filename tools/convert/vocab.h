/* vocab.h - vocabulary files to the weight file's tables: CLIP's byte-pair encoding, and
 * SentencePiece. */
#ifndef CLIPC_VOCAB_H
#define CLIPC_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../weights/format.h"
#include "files.h"

struct vocab {
    enum format_tokenizer_kind kind;
    uint32_t n;            /* tokens */
    unsigned char *tokens; /* [tokens_bytes]: see weights/format.h, tokenizer.tokens */
    size_t tokens_bytes;
    int32_t *merges; /* [n_merges, 3] */
    size_t n_merges;
    int32_t bytes[2][256];
    uint32_t sot_id, eot_id;
    /* SentencePiece: */
    uint32_t pad_id;
    uint8_t *types; /* [n] */
    float *scores;  /* [n] */
    int32_t *order; /* [n_order] */
    uint32_t n_order;
    unsigned char *charsmap; /* [charsmap_bytes]; NULL: none */
    size_t charsmap_bytes;
    uint32_t flags;          /* enum format_text_flag */
    bool starts;             /* its template begins with a token, unless a config says otherwise */
    enum format_rules rules; /* FORMAT_SENTENCEPIECE, _SIGLIP, _HF; of merges FORMAT_HF */
};

/* From `path`: a folder with vocab.json + merges.txt, tokenizer.json, merges.txt alone or OpenAI's
 * bpe_simple_vocab_16e6.txt.gz; or one of these files (merges.txt with the vocab.json beside it, if
 * there is one).  All that is read is added to `files`.  CLIPC_ERROR_IO
 * when a folder holds none of them. */
int vocab_load(const char *path, struct files *files, struct vocab *v);

/* SigLIP's, of a text tower that begins without a start token: a folder with spiece.model,
 * tokenizer.model or tokenizer.json, or one such file; tokenizer_config.json beside it says whose
 * rules are around it.  open_clip: OpenCLIP cleans the texts, and without that file T5's rules
 * follow.  CLIPC_ERROR_IO when a folder holds none of them. */
int vocab_load_pieces(const char *path, bool open_clip, struct files *files, struct vocab *v);

/* Drop the pieces from `n` on, which a model has no rows for: mT5's vocabulary ends in such.
 * False, and nothing is dropped, when a text that has lost its punctuation may still spell one. */
bool vocab_trim_pieces(struct vocab *v, uint32_t n);

/* BERT's, of the kind WordPiece: a folder with tokenizer.json or vocab.txt, or one such file;
 * tokenizer_config.json beside it counts.  CLIPC_ERROR_IO when a folder holds neither. */
int vocab_load_wordpiece(const char *path, struct files *files, struct vocab *v);

/* 256 bytes, the same at a word's end, start and end: no merges. */
int vocab_plain(struct vocab *v);

void vocab_free(struct vocab *v);

#endif
