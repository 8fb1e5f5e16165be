/* piece_bpe.c - SentencePiece's bpe::Model: characters, and user-defined pieces that never merge,
 * are a word's symbols; two neighbours may merge when a piece is spelled like both together. */
#include "piece_bpe.h"

#include <stdlib.h>
#include <string.h>

#include "bpe.h"

/* Ids of symbols that are no piece that merges made. */
enum { SYMBOL_CHARACTER = -2, SYMBOL_USER = -3 };

struct encoding {
    const struct pieces *p;
    const unsigned char *text; /* [n] */
    size_t n;
    uint32_t *starts; /* of each symbol */
    uint32_t *splits; /* [pieces]: where an unused piece was last put together; NULL: none is */
};

/* Higher scores have lower ranks; equal ones, 0 and -0 too, have equal ranks. */
static int32_t rank_of(float score)
{
    float positive_zero = score + 0.0f;
    int32_t bits;

    memcpy(&bits, &positive_zero, sizeof bits);
    return -1 - (bits < 0 ? bits ^ 0x7fffffff : bits);
}

static size_t end_of(const struct encoding *e, const struct bpe_room *room, int32_t at)
{
    int32_t next = room->symbols[at].next;

    return next >= 0 ? e->starts[next] : e->n;
}

static bool find(void *arg, const struct bpe_room *room, int32_t at, struct bpe_merge *merge)
{
    const struct encoding *e = arg;
    int32_t next = room->symbols[at].next;

    if (room->symbols[at].id == SYMBOL_USER || room->symbols[next].id == SYMBOL_USER) {
        return false;
    }
    size_t start = e->starts[at];
    int32_t id = pieces_find(e->p, e->text + start, end_of(e, room, next) - start);
    if (id < 0) {
        return false;
    }
    if (e->p->tables.types[id] == FORMAT_PIECE_UNUSED) {
        e->splits[id] = e->starts[next] - (uint32_t)start;
    }
    *merge = (struct bpe_merge){rank_of(e->p->tables.scores[id]), id};
    return true;
}

/* text: [n] is one symbol at the end; an unused piece is taken apart again as it was made. */
static void add_symbol(const struct encoding *e, const unsigned char *text, size_t n,
                       struct pieces_list *list)
{
    int32_t id = pieces_find(e->p, text, n);
    bool unused = id >= 0 && e->p->tables.types[id] == FORMAT_PIECE_UNUSED;

    if (unused && e->splits[id] != 0) {
        add_symbol(e, text, e->splits[id], list);
        add_symbol(e, text + e->splits[id], n - e->splits[id], list);
    } else {
        pieces_add(list, id >= 0 ? id : e->p->unknown, (uint32_t)n);
    }
}

/* The symbols that a text begins with; their number. */
static size_t cut(struct encoding *e, struct bpe_room *room)
{
    size_t count = 0;

    for (size_t i = 0; i < e->n; count++) {
        size_t user = pieces_user(e->p, e->text + i, e->n - i);
        e->starts[count] = (uint32_t)i;
        room->ids[count] = user > 0 ? SYMBOL_USER : SYMBOL_CHARACTER;
        i += user > 0 ? user : pieces_char(e->text + i, e->n - i);
    }
    return count;
}

bool piece_bpe_encode(const struct pieces *p, const unsigned char *text, size_t n,
                      struct pieces_list *list)
{
    struct encoding e = {p, text, n, malloc((n + 1) * sizeof *e.starts), NULL};
    struct bpe_room room = {0};

    if (p->any_unused) {
        e.splits = calloc(p->tables.n, sizeof *e.splits);
    }
    bool good = e.starts != NULL && (e.splits != NULL || !p->any_unused) && bpe_make_room(&room, n);
    if (good) {
        bpe_run(&room, cut(&e, &room), find, &e);
        for (int32_t at = n > 0 ? 0 : -1; at >= 0; at = room.symbols[at].next) {
            add_symbol(&e, text + e.starts[at], end_of(&e, &room, at) - e.starts[at], list);
        }
    }
    bpe_free_room(&room);
    free(e.starts);
    free(e.splits);
    return good && !list->failed;
}
