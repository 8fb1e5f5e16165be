/* batch.h - one training step: scenes drawn, both towers forward, loss, backward, AdamW.  Cut into
 * a shard for each worker; gradients are added in one order, so threads decide nothing but time. */
#ifndef CLIPC_TRAIN_BATCH_H
#define CLIPC_TRAIN_BATCH_H

#include "../../src/base/threads.h"
#include "train.h"

struct shard;
struct batch {
    struct train *t;
    struct shard *shards; /* [threads] */
    int per_shard, length;
    struct draw_scene *scenes;     /* [batch] */
    struct draw_caption *captions; /* [batch] */
    int phase;
};

void batch_new(struct batch *b, struct train *t);
void batch_free(struct batch *b);

/* The next step of b->t: its weights, moments, average, step number and running means. */
void batch_step(struct batch *b, struct threads_pool *pool);

#endif
