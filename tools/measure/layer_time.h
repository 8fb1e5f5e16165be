/* layer_time.h - one linear layer, by the engine that runs it in a model: packing and products. */
#ifndef CLIPC_LAYER_TIME_H
#define CLIPC_LAYER_TIME_H

#include "../../src/model/engine.h"
#include "bench.h"

enum { LAYER_ROUNDS = 15, LAYER_VARIANTS = 2 * BENCH_SETS };

/* What all layers share. */
struct layer_bank {
    struct threads_pool *pool;
    int threads;
    double bandwidth;
    unsigned char *weights; /* [bytes] */
    size_t bytes, next;
};

/* One set and one precision of one layer. */
struct layer_variant {
    const struct bench_set *set;
    const char *precision;
    struct engine engine;
    struct linear linear;
    unsigned char *prepared; /* [copies] of weight_bytes, where the gemm has that */
    size_t copies;
    double times[LAYER_ROUNDS];
};

struct layer_job {
    const struct shape_layer *layer;
    struct layer_variant variants[LAYER_VARIANTS];
    size_t n;
    float *x, *y, *bias, *scale;
};

/* Weights for any layer; the rest of the bank is the caller's to fill.  False: no memory. */
bool layer_bank_new(struct layer_bank *bank);

/* All that it takes to run `layer` with weights of `dtype`: a variant for each set's own gemm,
 * exact and (where that is another) fast.  False: no memory, and nothing to free. */
bool layer_job_new(struct layer_job *job, const struct bench *bench, const struct layer_bank *bank,
                   const struct shape_layer *layer, enum kernels_dtype dtype);
void layer_job_free(struct layer_job *job);

/* Seconds of each round into the variants' times; how many rounds there were. */
size_t layer_job_time(struct layer_job *job, struct layer_bank *bank);

/* Weights as the gemm reads them, activations in and out, and what is added to. */
double layer_bytes(const struct layer_variant *variant, const struct shape_layer *layer);

#endif
