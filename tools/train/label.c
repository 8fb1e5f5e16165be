/* label.c - what a scene shows, and where, as indices for the heads of training. */
#include <string.h>

#include "draw.h"

enum { RANK, SUIT, COLOUR, SHAPE };
const int draw_groups[DRAW_GROUPS] = {CARD_RANKS, CARD_SUITS, DRAW_COLOURS, DRAW_SHAPES};

void draw_labels(const struct draw_scene *s, signed char labels[DRAW_GROUPS])
{
    memset(labels, -1, DRAW_GROUPS);
    if (s->has_card) {
        labels[RANK] = (signed char)s->card.rank;
        labels[SUIT] = (signed char)s->card.suit;
    } else if (s->n > 0) {
        labels[COLOUR] = (signed char)s->items[0].colour;
        labels[SHAPE] = (signed char)s->items[0].shape;
    }
}

/* How many of the points of a patch show what is labelled. */
static void count_points(const struct draw_scene *s, double left, double top, double side,
                         int seen[DRAW_GROUPS])
{
    enum { POINTS = 6 }; /* a side */

    memset(seen, 0, DRAW_GROUPS * sizeof *seen);
    for (int i = 0; i < POINTS * POINTS; i++) {
        double x = left + side * (i % POINTS + 0.5) / POINTS;
        double y = top + side * (i / POINTS + 0.5) / POINTS;
        if (s->has_card) {
            enum card_mark mark = card_mark(&s->card, x, y);
            seen[RANK] += mark == CARD_RANK;
            seen[SUIT] += mark == CARD_SUIT;
        } else if (draw_item_at(s, x, y) >= 0) {
            seen[COLOUR]++;
            seen[SHAPE]++;
        }
    }
}

void draw_patch_labels(const struct draw_scene *s, int grid, signed char *labels)
{
    static const int enough[DRAW_GROUPS] = {3, 3, 6, 3};
    signed char whole[DRAW_GROUPS];

    draw_labels(s, whole);
    for (int i = 0; i < grid * grid; i++) {
        int seen[DRAW_GROUPS];
        count_points(s, (double)(i % grid) / grid, (double)(i / grid) / grid, 1.0 / grid, seen);
        for (int g = 0; g < DRAW_GROUPS; g++) {
            labels[i * DRAW_GROUPS + g] = seen[g] >= enough[g] ? whole[g] : -1;
        }
    }
}
