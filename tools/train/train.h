/* train.h - the training run: its state, a step, checkpoints, evaluation, export. */
#ifndef CLIPC_TRAIN_H
#define CLIPC_TRAIN_H

#include "bpe.h"
#include "draw.h"
#include "model.h"

enum { TRAIN_CONTEXT = 32 };

struct train_options {
    const char *folder; /* checkpoints and the exported model */
    int steps, batch, threads;
    double rate; /* peak learning rate */
    int faces;   /* cards in the world: 0 (shapes only), 12 (aces, sevens, kings: a pilot) or 52 */
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
/* Every word of the captions; with those of cards unless faces is 0. */
void train_vocabulary(struct bpe *bpe, int faces);
/* Rank and suit of face i of `faces`. */
void train_face(int faces, int i, int *rank, int *suit);
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
/* Top-1 of the faces' prompts over n cards of unseen seeds. */
double train_evaluate_cards(const struct train *t, int n);

/* Bytes [size, size, 3] to normalised planes [3, size, size], mean and deviation 0.5. */
void train_pixels(const uint8_t *rgb, int size, float *pixels);

#endif
