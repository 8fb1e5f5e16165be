/* bpe.h - a small byte-pair vocabulary of the captions' own words, in CLIP's layout: 256 bytes, the
 * same at a word's end, merges, start, end. */
#ifndef CLIPC_BPE_H
#define CLIPC_BPE_H

#include <stddef.h>

enum { BPE_MAX_MERGES = 1024, BPE_MAX_BYTES = 24 };

struct bpe {
    int merges[BPE_MAX_MERGES][2];
    int n; /* merges; ids: byte b is b + 0 or + 256 at a word's end; merge m is 512 + m */
    char text[512 + BPE_MAX_MERGES][BPE_MAX_BYTES]; /* the bytes of each id, printable ASCII only */
};

/* Learn from `words`: [n_words] of lower-case ASCII, most frequent pair first, until each word is
 * one token. */
void bpe_train(struct bpe *bpe, const char *const *words, size_t n_words);

int bpe_vocab_size(const struct bpe *bpe); /* 512 + merges + 2; start and end are the last two */

/* ids of a caption of lower-case words: start, tokens, end; returns how many (at most `room`). */
int bpe_encode(const struct bpe *bpe, const char *text, int *ids, int room);

/* Write FOLDER/vocab.json and FOLDER/merges.txt; 0, or -1 with errno. */
int bpe_write(const struct bpe *bpe, const char *folder);

#endif
