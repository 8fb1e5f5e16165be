/* engine.h - what computes: a kernel set, workers, and scratch that every layer shares; and the
 * parts of a block cut into tasks for the workers.  The kernels know of no threads and the threads
 * of no kernels: they meet here. */
#ifndef CLIPC_ENGINE_H
#define CLIPC_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/kernels.h"
#include "../base/threads.h"

/* One for each session. */
struct engine {
    struct kernels k;
    struct threads_pool *pool;
    void *packed;           /* act_bytes of the largest layer: its packed activations */
    unsigned char *scratch; /* [workers, scratch_bytes] */
    size_t scratch_bytes;
};

/* A linear layer y = x W^T + b, bound to the mapped file. */
struct linear {
    struct kernels_linear w;         /* W [out, in] */
    const struct kernels_gemm *gemm; /* what multiplies it: by dtype, precision and shape */
    const float *bias;               /* b [out_padded] or NULL */
};

/* Rows of floats, `stride` from one to the next; how many there are, and how wide, the call
 * says. */
struct rows {
    float *at;
    size_t stride;
};

/* Sequences lie one behind the other: number s is rows starts[s] .. starts[s + 1] - 1. */
struct sequences {
    uint32_t *starts; /* [n + 1] */
    size_t n;
};

/* How a row of qkv is cut into heads, and who sees whom. */
struct heads {
    size_t n, dim; /* width = n * dim */
    bool causal;   /* row i sees rows 0 .. i of its sequence; else all */
};

/* y[n, out] = activation(ln(x[n, in]) W^T + b); ln NULL: x itself. */
void engine_linear(const struct engine *e, const struct linear *l,
                   const struct kernels_layer_norm *ln, struct rows x, size_t n,
                   enum kernels_activation activation, struct rows y);

/* The same without activation for output columns begin .. end - 1 alone, and those that share a
 * panel with them; the others of y stay as they are.  Same bits. */
void engine_linear_columns(const struct engine *e, const struct linear *l,
                           const struct kernels_layer_norm *ln, struct rows x, size_t n,
                           size_t begin, size_t end, struct rows y);

/* y[n, out] += x[n, in] W^T + b: the end of a residual branch. */
void engine_linear_add(const struct engine *e, const struct linear *l, struct rows x, size_t n,
                       struct rows y);

/* x[n, width] = ln(x), in place. */
void engine_layer_norm(const struct engine *e, const struct kernels_layer_norm *ln, struct rows x,
                       size_t n, size_t width);

/* y[rows, width] from qkv[rows, 3 width] (queries, keys, values): in each sequence and head h,
 * y_h = softmax(q_h k_h^T / sqrt(dim)) v_h.  Vaswani et al. 2017, equation 1. */
void engine_attention(const struct engine *e, const struct heads *heads, struct rows qkv,
                      const struct sequences *s, struct rows y);

/* For one position of each sequence only: y[s.n, width] from q[s.n, width], the queries of
 * positions[i] of sequence i, and the keys and values of qkv.  y may be q. */
void engine_attention_at(const struct engine *e, const struct heads *heads, struct rows q,
                         struct rows qkv, const struct sequences *s, const uint32_t *positions,
                         struct rows y);

#endif
