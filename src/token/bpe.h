/* bpe.h - byte-pair encoding: the bytes of one word to its tokens, by merges in order of rank. */
#ifndef CLIPC_BPE_H
#define CLIPC_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe;

/* merges: [n, 3] left, right, merged, best rank first (copied); bytes: [2, 256], the id of each
 * byte inside a word and at its end (must stay).  Immutable afterwards, shared by threads. */
int bpe_new(const int32_t *merges, size_t n, const int32_t *bytes, struct bpe **bpe);
void bpe_free(struct bpe *bpe);

/* One caller's memory, zero at first; grows with the longest word. */
struct bpe_room {
    int32_t *ids; /* [n_ids of room] the last word's tokens */
    size_t n_ids, room;
    struct bpe_symbol *symbols; /* [room] */
    struct bpe_candidate *heap; /* [n_heap of 2 * room] */
    size_t n_heap;
};
void bpe_free_room(struct bpe_room *room);

/* room->ids become the tokens of word: [n] bytes.  False: out of memory.  Time n log n. */
bool bpe_encode(const struct bpe *bpe, struct bpe_room *room, const unsigned char *word, size_t n);

#endif
