/* bpe.c - a hash of the merges; a word as a linked list, its possible merges in a heap. */
#include "bpe.h"

#include <stdlib.h>
#include <string.h>

#include "../base/base.h"

struct merge {
    int32_t left, right; /* left < 0: an empty place */
    int32_t rank, merged;
};

struct bpe {
    const int32_t *bytes; /* [2, 256] */
    struct merge *merges; /* [mask + 1], open addressing */
    size_t mask, reach;   /* no merge lies farther than `reach` from its first place */
};

/* The 48,894 merges of CLIP reach 18; a file made to collide is refused, for it would be slow. */
#define MAX_REACH 512

/* ---- Merges -------------------------------------------------------------------------------- */

static size_t merge_hash(int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key ^ key >> 32);
}

/* The merge of two tokens, or NULL. */
static const struct merge *find_merge(const struct bpe *bpe, int32_t left, int32_t right)
{
    size_t i = merge_hash(left, right);

    for (size_t k = 0; k <= bpe->reach; k++, i++) {
        const struct merge *m = &bpe->merges[i & bpe->mask];
        if (m->left < 0) {
            return NULL;
        }
        if (m->left == left && m->right == right) {
            return m;
        }
    }
    return NULL;
}

static bool add_merge(struct bpe *bpe, struct merge merge)
{
    size_t i = merge_hash(merge.left, merge.right);

    for (size_t k = 0; k <= MAX_REACH; k++, i++) {
        struct merge *m = &bpe->merges[i & bpe->mask];
        if (m->left == merge.left && m->right == merge.right) {
            return true; /* of two equal merges the first ranks */
        }
        if (m->left < 0) {
            *m = merge;
            bpe->reach = k > bpe->reach ? k : bpe->reach;
            return true;
        }
    }
    return false;
}

int bpe_new(const int32_t *merges, size_t n, const int32_t *bytes, struct bpe **out)
{
    struct bpe *bpe = base_alloc(sizeof *bpe);
    size_t size = 64;

    while (size < 2 * n + 2) {
        size *= 2;
    }
    if (bpe == NULL || (bpe->merges = base_alloc(size * sizeof *bpe->merges)) == NULL) {
        base_free(bpe);
        return base_fail(CLIPC_ERROR_MEMORY, "tokenizer: no memory for %zu merges", n);
    }
    bpe->bytes = bytes;
    bpe->mask = size - 1;
    for (size_t i = 0; i < size; i++) {
        bpe->merges[i].left = -1;
    }
    for (size_t i = 0; i < n; i++) {
        const int32_t *m = merges + 3 * i;
        if (!add_merge(bpe, (struct merge){m[0], m[1], (int32_t)i, m[2]})) {
            bpe_free(bpe);
            return base_fail(CLIPC_ERROR_FORMAT,
                             "tokenizer: the merges collide at number %zu of %zu: "
                             "no vocabulary does that by chance; convert the model again",
                             i, n);
        }
    }
    *out = bpe;
    return CLIPC_OK;
}

void bpe_free(struct bpe *bpe)
{
    if (bpe != NULL) {
        base_free(bpe->merges);
        base_free(bpe);
    }
}

/* ---- One word ------------------------------------------------------------------------------ */

/* A merge that might be done: the best rank first, of equals the leftmost, which is the order of
 * the reference's passes. */
struct bpe_candidate {
    int32_t rank, at, left, right; /* the ids it was made for: stale when they have changed */
    int32_t merged;
};

/* What a word's merges ask. */
struct run {
    struct bpe_room *room;
    bpe_find find;
    void *arg;
};

static bool before(const struct bpe_candidate *a, const struct bpe_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(struct bpe_room *room, struct bpe_candidate c)
{
    size_t i = room->n_heap++;

    while (i > 0 && before(&c, &room->heap[(i - 1) / 2])) {
        room->heap[i] = room->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    room->heap[i] = c;
}

static struct bpe_candidate pop(struct bpe_room *room)
{
    struct bpe_candidate top = room->heap[0], last = room->heap[--room->n_heap];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < room->n_heap; i = child) {
        child += child + 1 < room->n_heap && before(&room->heap[child + 1], &room->heap[child]);
        if (!before(&room->heap[child], &last)) {
            break;
        }
        room->heap[i] = room->heap[child];
    }
    room->heap[i] = last;
    return top;
}

/* Consider merging symbol `at` with its right neighbour. */
static void consider(const struct run *run, int32_t at)
{
    const struct bpe_symbol *symbols = run->room->symbols;
    struct bpe_merge merge;

    if (at >= 0 && symbols[at].next >= 0 && run->find(run->arg, run->room, at, &merge)) {
        push(run->room, (struct bpe_candidate){merge.rank, at, symbols[at].id,
                                               symbols[symbols[at].next].id, merge.id});
    }
}

/* Merge symbol c.at with its right neighbour, unless another merge was there first. */
static void merge_at(const struct run *run, struct bpe_candidate c)
{
    struct bpe_symbol *symbols = run->room->symbols, *s = &symbols[c.at];

    if (s->id != c.left || s->next < 0 || symbols[s->next].id != c.right) {
        return;
    }
    struct bpe_symbol *gone = &symbols[s->next];
    s->id = c.merged;
    s->next = gone->next;
    gone->id = -1;
    if (s->next >= 0) {
        symbols[s->next].previous = c.at;
    }
    consider(run, s->previous);
    consider(run, c.at);
}

bool bpe_make_room(struct bpe_room *room, size_t n)
{
    if (n > INT32_MAX / 4) {
        return false;
    }
    if (n <= room->room) {
        return true;
    }
    bpe_free_room(room);
    size_t size = n < 512 ? 512 : n + n / 2;
    room->ids = malloc(size * sizeof *room->ids);
    room->symbols = malloc(size * sizeof *room->symbols);
    room->heap = malloc(2 * size * sizeof *room->heap); /* below n at first, a merge adds one */
    room->room = room->ids != NULL && room->symbols != NULL && room->heap != NULL ? size : 0;
    return room->room > 0;
}

void bpe_free_room(struct bpe_room *room)
{
    free(room->ids);
    free(room->symbols);
    free(room->heap);
    memset(room, 0, sizeof *room);
}

void bpe_run(struct bpe_room *room, size_t n, bpe_find find, void *arg)
{
    const struct run run = {room, find, arg};

    room->n_heap = room->n_ids = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t at = (int32_t)i;
        room->symbols[i] = (struct bpe_symbol){room->ids[i], at - 1, i + 1 < n ? at + 1 : -1};
    }
    for (size_t i = 0; i + 1 < n; i++) {
        consider(&run, (int32_t)i);
    }
    while (room->n_heap > 0) {
        merge_at(&run, pop(room));
    }
    for (int32_t i = n > 0 ? 0 : -1; i >= 0; i = room->symbols[i].next) {
        room->ids[room->n_ids++] = room->symbols[i].id;
    }
}

/* A vocabulary's merges as bpe_run asks for them. */
static bool find_listed(void *arg, const struct bpe_room *room, int32_t at, struct bpe_merge *found)
{
    const struct bpe_symbol *left = &room->symbols[at];
    const struct merge *m = find_merge(arg, left->id, room->symbols[left->next].id);

    if (m != NULL) {
        *found = (struct bpe_merge){m->rank, m->merged};
    }
    return m != NULL;
}

void bpe_merge_ids(const struct bpe *bpe, struct bpe_room *room, size_t n)
{
    bpe_run(room, n, find_listed, (void *)(uintptr_t)bpe);
}

bool bpe_encode(const struct bpe *bpe, struct bpe_room *room, const unsigned char *word, size_t n)
{
    if (!bpe_make_room(room, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        room->ids[i] = bpe->bytes[(i + 1 == n) * 256 + word[i]];
    }
    bpe_merge_ids(bpe, room, n);
    return true;
}
