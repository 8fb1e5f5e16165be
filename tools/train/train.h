/* train.h - the training run: its state, a step, checkpoints, evaluation, export. */
#ifndef CLIPC_TRAIN_H
#define CLIPC_TRAIN_H

#include "bpe.h"
#include "draw.h"
#include "model.h"

enum { TRAIN_CONTEXT = 32, TRAIN_IMAGE = 64 };

struct train_options {
    const char *folder; /* checkpoints and the exported model */
    int steps, batch, threads;
    double rate; /* peak learning rate */
    uint64_t seed;
    int stop_at; /* leave after this step, as if interrupted; 0: at the end */
};

struct train {
    struct train_options o;
    struct bpe bpe;
    struct model_layout layout;
    float *params, *first, *second, *average; /* [total]: weights, Adam's moments, their mean */
    int step;
    double loss, hits; /* running means */
};

/* `p`, or the end of the program when it is NULL. */
void *train_need(void *p);
void train_vocabulary(struct bpe *bpe);
void train_new(struct train *t, const struct train_options *o);
void train_free(struct train *t);
/* Run to the end, from the folder's checkpoint when there is one.  0, or -1 after saying why. */
int train_run(struct train *t);
/* FOLDER/hf: a HuggingFace CLIPModel of the averaged weights. */
int train_export(const struct train *t);
/* 0 when FOLDER's checkpoint was read, 1 when there is none, -1 after saying why. */
int train_load(struct train *t);
int train_save(const struct train *t);
/* Top-1 of 108 prompts over n scenes of unseen seeds, tables on stdout; returns the share right. */
double train_evaluate(const struct train *t, int n, bool tables);

/* Bytes [size, size, 3] to normalised planes [3, size, size], mean and deviation 0.5. */
void train_pixels(const uint8_t *rgb, int size, float *pixels);

#endif
