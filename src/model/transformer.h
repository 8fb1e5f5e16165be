/* transformer.h - the residual attention block, `layers` times: the only inference copy of it in
 * the program.  Both towers are this, with different edges (vision.h, text.h).
 *
 *     for each block:
 *         x += attn_out(attention(attn_in(ln_1(x))))
 *         x += c_proj(activation(c_fc(ln_2(x))))
 *
 * Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
 * Supervision", and openai/CLIP clip/model.py, class ResidualAttentionBlock. */
#ifndef CLIPC_TRANSFORMER_H
#define CLIPC_TRANSFORMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/kernels.h"
#include "../../weights/weights.h"
#include "../base/base.h"
#include "../clipc.h"
#include "../base/threads.h"

/* A linear layer with its bias, bound to the mapped file. */
struct linear {
    struct kernels_linear w;         /* [out, in] */
    const struct kernels_gemm *gemm; /* what multiplies it: by dtype, precision and shape */
    const float *bias;               /* [out_padded] or NULL */
};

struct block {
    struct kernels_layer_norm ln_1, ln_2; /* [width] */
    struct linear attn_in;                /* [3 width, width]: q, k, v */
    struct linear attn_out;               /* [width, width] */
    struct linear c_fc;                   /* [mlp_width, width] */
    struct linear c_proj;                 /* [width, mlp_width] */
};

struct transformer {
    size_t width, heads, head_dim, layers, mlp_width;
    enum kernels_activation activation;
    bool causal;
    struct block *blocks; /* [layers], base_alloc */
};

/* What computes: a kernel set, workers, and scratch that every layer shares.  One for each session.
 */
struct engine {
    struct kernels k;
    struct threads_pool *pool;
    void *packed;           /* act_bytes of the largest layer */
    unsigned char *scratch; /* [workers, scratch_bytes] */
    size_t scratch_bytes;
    clipc_trace_fn trace; /* NULL: none */
    void *trace_arg;
    float *trace_buffer; /* [trace_rows, trace_stride], only when tracing */
};

/* Buffers of one forward pass over at most `rows` rows, cut from the session's arena.  Strides are
 * the true widths rounded up to KERNELS_PAD. */
struct activations {
    float *x;    /* [rows, x_stride]      the residual stream */
    float *qkv;  /* [rows, qkv_stride]    attn_in's output */
    float *attn; /* [rows, x_stride]      attention's output */
    float
        *hidden; /* [rows, hidden_stride] c_fc's output; patches and pooled rows before and after */
    size_t x_stride, qkv_stride, hidden_stride;
};

/* Point `t` at the tensors of `tower` ("vision" or "text"), which weights_open has checked. */
int transformer_bind(struct transformer *t, const struct weights *w, const char *tower,
                     const struct format_tower *header);
void transformer_free(struct transformer *t);

/* One linear layer or layer norm by name ("vision.ln_pre"). */
void transformer_bind_linear(struct linear *l, const struct weights *w, const char *name,
                             bool has_bias);
void transformer_bind_layer_norm(struct kernels_layer_norm *ln, const struct weights *w,
                                 const char *name, float eps);

/* Call fn for each linear layer of `t`. */
typedef int (*transformer_linear_fn)(void *arg, struct linear *l);
int transformer_each_linear(struct transformer *t, transformer_linear_fn fn, void *arg);

/* Count (arena without base) or cut (with base) the buffers for `rows` rows. `hidden_width`: at
 * least this many floats in a row of hidden. */
void transformer_layout(const struct transformer *t, size_t rows, size_t hidden_width,
                        struct arena *arena, struct activations *a);

/* All blocks over a->x.  Sequence s is rows starts[s] .. starts[s + 1] - 1; n_sequences of them. */
void transformer_forward(const struct transformer *t, const struct engine *e,
                         const struct activations *a, const uint32_t *starts, size_t n_sequences,
                         const char *tower);

/* y[rows, y_stride] = residual + activation(linear(ln(x)) + bias); ln and residual may be NULL. */
void transformer_linear(const struct engine *e, const struct linear *l,
                        const struct kernels_layer_norm *ln, const float *x, size_t x_stride,
                        size_t rows, enum kernels_activation activation, const float *residual,
                        float *y, size_t y_stride);

/* x = ln(x), every row. */
void transformer_layer_norm(const struct engine *e, const struct kernels_layer_norm *ln, float *x,
                            size_t x_stride, size_t rows, size_t width);

/* Hand x: [rows, width] to the session's trace as "tower.name" or, with block >= 0,
 * "tower.blockNN.name". */
void transformer_trace(const struct engine *e, const char *tower, int block, const char *name,
                       const float *x, size_t rows, size_t width, size_t stride);

#endif
