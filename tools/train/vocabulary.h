/* vocabulary.h - a small byte-pair vocabulary of the captions' own words, in CLIP's layout: 256
 * bytes, the same at a word's end, merges, start, end. */
#ifndef CLIPC_VOCABULARY_H
#define CLIPC_VOCABULARY_H

#include <stddef.h>

enum { VOCABULARY_MAX_MERGES = 1024, VOCABULARY_MAX_BYTES = 24 };

struct vocabulary {
    int merges[VOCABULARY_MAX_MERGES][2];
    int n; /* merges; ids: byte b is b + 0 or + 256 at a word's end; merge m is 512 + m */
    char text[512 + VOCABULARY_MAX_MERGES]
             [VOCABULARY_MAX_BYTES]; /* the bytes of each id, printable ASCII only */
};

/* Learn from `words`: [n_words] of lower-case ASCII, most frequent pair first, until each word is
 * one token. */
void vocabulary_train(struct vocabulary *vocabulary, const char *const *words, size_t n_words);

int vocabulary_size(
    const struct vocabulary *vocabulary); /* 512 + merges + 2; start and end are the last two */

/* ids of a caption of lower-case words: start, tokens, end; returns how many (at most `room`). */
int vocabulary_encode(const struct vocabulary *vocabulary, const char *text, int *ids, int room);

/* Write FOLDER/vocab.json and FOLDER/merges.txt; 0, or -1 with errno. */
int vocabulary_write(const struct vocabulary *vocabulary, const char *folder);

#endif
