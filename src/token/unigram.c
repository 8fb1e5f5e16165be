/* unigram.c - the best path through all ways to cut a text into pieces (Viterbi), in the arithmetic
 * of SentencePiece's EncodeOptimized: sums are compared in double and kept in float. */
#include "unigram.h"

#include <stdlib.h>

/* What a character that no piece spells costs beside the worst piece. */
#define UNKNOWN_PENALTY 10.0f

/* The best path that ends at a place: its last piece. */
struct node {
    int32_t id, start; /* start -1: no path yet */
    float score;
};

static void offer(struct node *end, int32_t id, int32_t start, double score)
{
    if (end->start < 0 || score > (double)end->score) {
        *end = (struct node){id, start, (float)score};
    }
}

/* Every piece that begins at `start`. */
static void extend(const struct pieces *p, const unsigned char *text, size_t n, size_t start,
                   struct node *nodes)
{
    struct pieces_span span = pieces_begin(p);
    size_t character = pieces_char(text + start, n - start);
    double so_far = (double)nodes[start].score;
    bool single = false;

    for (size_t i = start; i < n && pieces_step(p, &span, text[i]); i++) {
        int32_t id = pieces_here(p, &span);
        size_t length = i + 1 - start;
        if (id < 0 || p->tables.types[id] == FORMAT_PIECE_UNUSED) {
            continue;
        }
        double score = p->tables.types[id] == FORMAT_PIECE_USER
                           ? (double)((float)length * p->highest) - 0.1
                           : (double)p->tables.scores[id];
        offer(&nodes[i + 1], id, (int32_t)start, score + so_far);
        single |= length == character;
    }
    if (!single) {
        float unknown = p->lowest - UNKNOWN_PENALTY;
        offer(&nodes[start + character], p->unknown, (int32_t)start,
              (double)(unknown + nodes[start].score));
    }
}

bool unigram_encode(const struct pieces *p, const unsigned char *text, size_t n,
                    struct pieces_list *list)
{
    if (n > INT32_MAX / 16) {
        return false;
    }
    struct node *nodes = malloc((n + 1) * sizeof *nodes);
    if (nodes == NULL) {
        return false;
    }
    for (size_t i = 0; i <= n; i++) {
        nodes[i] = (struct node){-1, -1, 0};
    }
    for (size_t i = 0; i < n; i += pieces_char(text + i, n - i)) {
        extend(p, text, n, i, nodes);
    }
    /* Backwards along the path, each node learns where its piece ends; then forwards. */
    int32_t end = (int32_t)n, next = -1;
    while (end >= 0) {
        int32_t start = end > 0 ? nodes[end].start : -1;
        nodes[end].start = next;
        next = end;
        end = start;
    }
    for (int32_t at = 0, to = nodes[0].start; to >= 0; at = to, to = nodes[to].start) {
        pieces_add(list, nodes[to].id, (uint32_t)(to - at));
    }
    free(nodes);
    return !list->failed;
}
