/* vocab_tables.c - pieces in the order of a model file to spellings, kinds, scores, and the order
 * in which the tokenizer searches. */
#include "vocab_tables.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/token/unicode.h"

int vocab_begin_pieces(const char *path, struct vocab *v, size_t n, size_t bytes)
{
    if (n >= UINT32_MAX || bytes + 2 * n >= UINT32_MAX) {
        return base_fail(CLIPC_ERROR_LIMIT, "%s: %zu pieces of %zu bytes: too many", path, n,
                         bytes);
    }
    v->tokens = malloc(bytes + 2 * n + 1);
    v->types = malloc(n + 1);
    v->scores = malloc((n + 1) * sizeof *v->scores);
    v->order = malloc((n + 1) * sizeof *v->order);
    return v->tokens != NULL && v->types != NULL && v->scores != NULL && v->order != NULL
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
}

void vocab_add_piece(struct vocab *v, const void *text, size_t n, float score, uint8_t type)
{
    /* A longer one than two bytes can say is refused by the check, as any of this length. */
    size_t length = n < FORMAT_WORD_END ? n : FORMAT_WORD_END - 1;
    unsigned char *to = v->tokens + v->tokens_bytes;

    to[0] = (unsigned char)(length & 0xff);
    to[1] = (unsigned char)(length >> 8);
    memcpy(to + 2, text, length);
    v->tokens_bytes += 2 + length;
    v->types[v->n] = type;
    v->scores[v->n++] = score;
}

uint32_t vocab_piece_id(const struct vocab *v, const char *spelling)
{
    size_t n = strlen(spelling), at = 0;

    for (uint32_t i = 0; i < v->n; i++) {
        size_t length = base_u16(v->tokens + at);
        if (length == n && memcmp(v->tokens + at + 2, spelling, n) == 0) {
            return i;
        }
        at += 2 + length;
    }
    return UINT32_MAX;
}

struct sorted {
    const unsigned char *piece; /* its length, then its bytes */
    int32_t id;
};

static int by_bytes(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    size_t nx = base_u16(x->piece), ny = base_u16(y->piece);
    int order = memcmp(x->piece + 2, y->piece + 2, nx < ny ? nx : ny);

    return order != 0 ? order : (nx > ny) - (nx < ny);
}

int vocab_finish_pieces(const char *path, struct vocab *v)
{
    struct sorted *sorted = malloc(((size_t)v->n + 1) * sizeof *sorted);
    size_t at = 0;

    if (sorted == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    v->n_order = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        if (weights_piece_spells(v->types[i])) {
            sorted[v->n_order++] = (struct sorted){v->tokens + at, (int32_t)i};
        }
        at += 2u + base_u16(v->tokens + at);
    }
    qsort(sorted, v->n_order, sizeof *sorted, by_bytes);
    for (uint32_t i = 0; i < v->n_order; i++) {
        v->order[i] = sorted[i].id;
    }
    free(sorted);
    const struct weights_pieces tables = {
        .tokens = v->tokens,
        .tokens_bytes = v->tokens_bytes,
        .types = v->types,
        .scores = v->scores,
        .n = v->n,
        .order = v->order,
        .n_order = v->n_order,
        .charsmap = v->charsmap,
        .charsmap_bytes = v->charsmap_bytes,
        .flags = v->flags,
    };
    return weights_check_pieces(&tables, path);
}

static bool has_mark(const unsigned char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (unicode_is_mark(text[i])) {
            return true;
        }
    }
    return false;
}

bool vocab_trim_pieces(struct vocab *v, uint32_t n)
{
    size_t at = 0, end = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < v->n; i++) {
        size_t length = base_u16(v->tokens + at);
        end = i < n ? at + 2 + length : end;
        if (i >= n &&
            (v->kind == FORMAT_TOKENIZER_MERGES ||
             (weights_piece_spells(v->types[i]) && !has_mark(v->tokens + at + 2, length)))) {
            return false;
        }
        at += 2 + length;
    }
    for (uint32_t i = 0; i < v->n_order; i++) {
        if ((uint32_t)v->order[i] < n) {
            v->order[kept++] = v->order[i];
        }
    }
    v->n = n;
    v->n_order = kept;
    v->tokens_bytes = end;
    return true;
}
