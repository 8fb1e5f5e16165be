/* evaluate.h - how well a model knows the drawn world: on scenes of seeds that training never
 * draws. */
#ifndef CLIPC_TRAIN_EVALUATE_H
#define CLIPC_TRAIN_EVALUATE_H

#include <stdint.h>

struct evaluate_model {
    void *arg;
    int size, dim;
    /* Vectors [dim] of length 1 of a text, and of a picture [size, size, 3]. */
    void (*text)(void *arg, const char *text, float *vector);
    void (*image)(void *arg, const uint8_t *rgb, float *vector);
};

/* The share that is right of n scenes.  answers, or NULL: counts of what was shown (row) and
 * answered (column). */

/* Cards among the prompts "an ace of spades playing card" of all 52; answers [52, 52], a face is
 * its suit + 4 rank. */
double evaluate_cards(const struct evaluate_model *m, int n, int *answers);
/* Shapes among the prompts "a red circle" of all 108; answers [108, 108], shape + 9 colour. */
double evaluate_shapes(const struct evaluate_model *m, int n, int *answers);

/* Cosines of "an ace of spades playing card" on n frames with that card, and on 3 n without: other
 * cards, shapes and empty backgrounds. */
struct evaluate_frames {
    double lowest, median; /* with it */
    double best_without;
    int above;        /* frames with it that score more than that */
    double threshold; /* 95 % of those with it score more than this */
    int mistaken;     /* frames without it that do */
};
void evaluate_frames(const struct evaluate_model *m, int n, struct evaluate_frames *frames);

/* All 160 prompts on n empty backgrounds, and the right one of them on n pictures that have it. */
struct evaluate_empty {
    double best, most;      /* of any prompt: on any background; 95 % of them are below */
    double lowest, quarter; /* of the right prompts: the lowest, and 25 % are below */
    int below;              /* right prompts that score less than best */
};
void evaluate_empty(const struct evaluate_model *m, int n, struct evaluate_empty *empty);

/* The range of cosines worth showing, from n cards and all their names: 95 % of the wrong names are
 * under the low end, half of the right ones over the high end. */
void evaluate_range(const struct evaluate_model *m, int n, double *low, double *high);

#endif
