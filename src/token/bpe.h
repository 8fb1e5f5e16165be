/* bpe.h - byte-pair encoding: the symbols of one word to its tokens, by merges in order of rank. */
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

/* Room for a word of n symbols; false: out of memory. */
bool bpe_make_room(struct bpe_room *room, size_t n);

/* A symbol in the doubly linked list of a word; a merge keeps the left one's place. */
struct bpe_symbol {
    int32_t id, previous, next; /* -1: none; id -1: merged into its left neighbour */
};

/* What two neighbours become, when they may be merged. */
struct bpe_merge {
    int32_t rank, id; /* id 0 or more; the lowest rank is merged first, of equals the leftmost */
};
/* Symbol `at` of room->symbols and its next one.  False: they are not merged. */
typedef bool (*bpe_find)(void *arg, const struct bpe_room *room, int32_t at,
                         struct bpe_merge *merge);

/* Merge symbols 0 .. n - 1, whose ids are room->ids[0 .. n), until `find` knows no two neighbours
 * any more; room->ids become the ids that are left, room->symbols their list.  Time n log n. */
void bpe_run(struct bpe_room *room, size_t n, bpe_find find, void *arg);

/* Room for a word of n symbols is made, and its ids are room->ids[0 .. n): merges them.  `bytes` of
 * bpe_new may be NULL where only this is called. */
void bpe_merge_ids(const struct bpe *bpe, struct bpe_room *room, size_t n);

/* room->ids become the tokens of word: [n] bytes.  False: out of memory.  Time n log n. */
bool bpe_encode(const struct bpe *bpe, struct bpe_room *room, const unsigned char *word, size_t n);

#endif
