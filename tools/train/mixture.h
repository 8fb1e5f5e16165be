/* mixture.h - what the batches of training show, and what is said of it. */
#ifndef CLIPC_TRAIN_MIXTURE_H
#define CLIPC_TRAIN_MIXTURE_H

#include "train.h"

/* Captions of a batch beside its pictures' own: every face, every coloured shape, nothing. */
enum { MIXTURE_MORE = CARD_RANKS * CARD_SUITS + DRAW_COLOURS * DRAW_SHAPES + 1 };

/* Place `at` of t's next batch: its scene and a caption. */
void mixture_place(const struct train *t, int at, struct draw_scene *scene,
                   struct draw_caption *caption);

/* The other captions of t's next batch, each saying all that there is to say: [MIXTURE_MORE]. */
void mixture_captions(const struct train *t, struct draw_caption *captions);

#endif
