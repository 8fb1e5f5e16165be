/* batch.h - one step of training: drawn, forward, loss, backward, and the weights moved. */
#ifndef CLIPC_TRAIN_BATCH_H
#define CLIPC_TRAIN_BATCH_H

#include "../../src/base/threads.h"
#include "draw.h"
#include "train.h"

struct shard;
struct batch {
    struct train *t;
    struct shard *shards; /* [n_shards] of `each` pictures and `each_text` texts, the last fewer */
    int n_shards, each, each_text;
    float **grads;                     /* [n_shards] theirs */
    struct draw_scene *scenes;         /* [batch] */
    struct draw_caption *captions;     /* [texts] the pictures' own come first */
    signed char *labels;               /* [batch, DRAW_GROUPS] */
    signed char *patch_labels;         /* [batch, patches, DRAW_GROUPS] */
    struct model_answers answers;      /* their weights */
    float *pixels, *images, *d_images; /* [batch, ...] */
    float *text_vectors, *d_texts;     /* [texts, embed] */
    int *ids, *packed, *ends;          /* [texts, TRAIN_CONTEXT], [texts, length], [texts] */
    int texts, length;                 /* of this batch's longest caption */
    int phase;
};

void batch_new(struct batch *b, struct train *t);
void batch_free(struct batch *b);

/* Step number t->step; updates its weights, running means and step. */
void batch_step(struct batch *b, struct threads_pool *pool);

#endif
