/* train.h - the training run: its state, a step, checkpoints, evaluation, export. */
#ifndef CLIPC_TRAIN_H
#define CLIPC_TRAIN_H

#include "vocabulary.h"
#include "draw.h"
#include "model.h"

enum { TRAIN_CONTEXT = 32 };
enum { TRAIN_RAMP = 1500 };  /* steps over which scenes grow harder */
#define TRAIN_MUON_RATE 0.01 /* of the blocks' matrices, at the start; both fall to zero */
#define TRAIN_ADAM_RATE 1e-3

struct train_options {
    const char *folder; /* checkpoints and the exported model */
    int steps, batch, threads;
    uint64_t seed;
    int stop_at; /* leave after this step, as if interrupted; 0: at the end */
};

/* Running means: the loss, in-batch top-1, and what the head on images says rightly. */
struct train_means {
    double loss, hits, right[DRAW_GROUPS];
};

struct train {
    struct train_options o;
    struct vocabulary vocabulary;
    struct model_layout layout;
    float *params, *first, *second, *average; /* [total]: weights, moments, their mean */
    int step;
    struct train_means means;
};

/* Every word of the captions. */
void train_vocabulary(struct vocabulary *vocabulary);
void train_new(struct train *t, const struct train_options *o);
void train_free(struct train *t);
/* Run to the end, from the folder's checkpoint when there is one.  0, or -1 after saying why. */
int train_run(struct train *t);
/* FOLDER/hf: a HuggingFace CLIPModel of the averaged weights. */
int train_export(const struct train *t);
/* 0 when FOLDER's checkpoint was read, 1 when there is none, -1 after saying why. */
int train_load(struct train *t);
int train_save(const struct train *t);
/* Top-1 of 52 faces on 208 cards and of 108 prompts on 216 shapes of unseen seeds, with the
 * averaged weights. */
void train_evaluate(const struct train *t, double *cards, double *shapes);

#endif
