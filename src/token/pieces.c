/* pieces.c - the pieces of a SentencePiece vocabulary.  A walk narrows the range of sorted pieces
 * that begin so: nothing is built when a model is opened but two small tables. */
#include "pieces.h"

#include <float.h>
#include <stdlib.h>

static const unsigned char *piece_at(const struct pieces *p, uint32_t i, size_t *length)
{
    return pieces_spelling(p, p->tables.order[i], length);
}

const unsigned char *pieces_spelling(const struct pieces *p, int32_t id, size_t *length)
{
    const unsigned char *piece = p->tables.tokens + p->places[id];

    *length = base_u16(piece);
    return piece + 2;
}

static void fill(struct pieces *p)
{
    const struct weights_pieces *t = &p->tables;
    uint32_t at = 0;
    size_t length;

    p->lowest = FLT_MAX;
    p->highest = FLT_MIN;
    for (uint32_t i = 0; i < t->n; i++) {
        p->places[i] = at;
        at += 2u + base_u16(t->tokens + at);
        if (t->types[i] == FORMAT_PIECE_UNKNOWN) {
            p->unknown = (int32_t)i;
        }
        if (t->types[i] == FORMAT_PIECE_NORMAL && t->scores != NULL) {
            p->lowest = t->scores[i] < p->lowest ? t->scores[i] : p->lowest;
            p->highest = t->scores[i] > p->highest ? t->scores[i] : p->highest;
        }
        p->any_user |= t->types[i] == FORMAT_PIECE_USER;
        p->any_unused |= t->types[i] == FORMAT_PIECE_UNUSED;
    }
    weights_byte_pieces(t, p->bytes);
    for (uint32_t i = 0, byte = 0; byte <= 256; byte++) {
        while (i < t->n_order && piece_at(p, i, &length)[0] < byte) {
            i++;
        }
        p->first[byte] = i;
    }
}

int pieces_new(const struct weights_pieces *tables, struct pieces **out)
{
    struct pieces *p = base_alloc(sizeof *p);

    if (p == NULL || (p->places = base_alloc(tables->n * sizeof *p->places)) == NULL) {
        base_free(p);
        return base_fail(CLIPC_ERROR_MEMORY, "tokenizer: no memory for %u pieces", tables->n);
    }
    p->tables = *tables;
    fill(p);
    *out = p;
    return CLIPC_OK;
}

void pieces_free(struct pieces *p)
{
    if (p != NULL) {
        base_free(p->places);
        base_free(p);
    }
}

/* ---- The walk ------------------------------------------------------------------------------ */

struct pieces_span pieces_begin(const struct pieces *p)
{
    return (struct pieces_span){0, p->tables.n_order, 0};
}

/* The first of the span's pieces whose next byte is `byte` or more; a piece that ends here has
 * none. */
static uint32_t lower_bound(const struct pieces *p, const struct pieces_span *s, int byte)
{
    uint32_t low = s->first, high = s->end;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        size_t length;
        const unsigned char *piece = piece_at(p, middle, &length);
        if (length > s->depth && piece[s->depth] >= byte) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool pieces_step(const struct pieces *p, struct pieces_span *s, unsigned char byte)
{
    uint32_t first, end;

    if (s->depth == 0) {
        first = p->first[byte];
        end = p->first[byte + 1];
    } else if (s->end - s->first == 1) {
        size_t length;
        const unsigned char *piece = piece_at(p, s->first, &length);
        first = s->first;
        end = first + (length > s->depth && piece[s->depth] == byte);
    } else {
        first = lower_bound(p, s, byte);
        s->first = first;
        end = lower_bound(p, s, byte + 1);
    }
    *s = (struct pieces_span){first, end, s->depth + 1};
    return first < end;
}

int32_t pieces_here(const struct pieces *p, const struct pieces_span *s)
{
    size_t length = 0;

    if (s->first < s->end) {
        piece_at(p, s->first, &length); /* of those that begin so, the shortest comes first */
    }
    return length != 0 && length == s->depth ? p->tables.order[s->first] : -1;
}

int32_t pieces_find(const struct pieces *p, const unsigned char *text, size_t n)
{
    struct pieces_span span = pieces_begin(p);
    size_t i = 0;

    while (i < n && pieces_step(p, &span, text[i])) {
        i++;
    }
    return i == n ? pieces_here(p, &span) : -1;
}

size_t pieces_user(const struct pieces *p, const unsigned char *text, size_t n)
{
    struct pieces_span span = pieces_begin(p);
    size_t longest = 0;

    for (size_t i = 0; p->any_user && i < n && pieces_step(p, &span, text[i]); i++) {
        int32_t id = pieces_here(p, &span);
        if (id >= 0 && p->tables.types[id] == FORMAT_PIECE_USER) {
            longest = i + 1;
        }
    }
    return longest;
}

size_t pieces_char(const unsigned char *text, size_t n)
{
    static const unsigned char lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
    size_t length = lengths[text[0] >> 4];

    return length < n ? length : n;
}

void pieces_add(struct pieces_list *list, int32_t id, uint32_t length)
{
    if (list->n == list->room && !list->failed) {
        size_t room = list->room < 64 ? 64 : 2 * list->room;
        struct pieces_cut *more = realloc(list->data, room * sizeof *more);
        list->failed = more == NULL;
        list->data = more != NULL ? more : list->data;
        list->room = more != NULL ? room : list->room;
    }
    if (!list->failed) {
        list->data[list->n++] = (struct pieces_cut){id, length};
    }
}
