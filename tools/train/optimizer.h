/* optimizer.h - a step of the weights: Muon (Jordan and others, "Muon: An optimizer for hidden
 * layers in neural networks", 2024) for the matrices of the blocks, AdamW (Loshchilov and Hutter,
 * "Decoupled Weight Decay Regularization", 2019) for the rest, and an exponential average of
 * all of them. */
#ifndef CLIPC_TRAIN_OPTIMIZER_H
#define CLIPC_TRAIN_OPTIMIZER_H

#include "../../src/base/threads.h"
#include "train.h"

/* t's weights, moments and average after the sum of n gradients [total] each (the first of them is
 * changed).  The same sums whatever the number of threads. */
void optimizer_step(struct train *t, struct threads_pool *pool, float *const *grads, int n);

#endif
