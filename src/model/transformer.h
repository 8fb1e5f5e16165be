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

#include "engine.h"

/* Names as in openai/CLIP; attn_in is MultiheadAttention's in_proj. */
struct block {
    struct kernels_layer_norm ln_1, ln_2; /* [width] */
    struct linear attn_in;                /* [3 width, width]: q, k, v */
    struct linear attn_out;               /* [width, width] */
    struct linear c_fc;                   /* [mlp_width, width] */
    struct linear c_proj;                 /* [width, mlp_width] */
};

struct transformer {
    size_t width, layers, mlp_width;
    struct heads heads;
    enum kernels_activation activation;
    struct block *blocks; /* [layers], base_alloc */
};

/* Buffers of one forward pass over at most `rows` rows, cut from the session's arena.  Strides are
 * the true widths rounded up to KERNELS_PAD.  hidden lies over qkv and attn: it is written when
 * they have been read for the last time. */
struct activations {
    struct rows x;      /* [rows, width]     the residual stream */
    struct rows qkv;    /* [rows, 3 width]   attn_in's output */
    struct rows attn;   /* [rows, width]     attention's output; the last block's queries */
    struct rows hidden; /* [rows, mlp_width] c_fc's output; patches before the blocks */
};

/* All blocks over a->x. */
void transformer_forward(const struct transformer *t, const struct engine *e,
                         const struct activations *a, const struct sequences *s);

/* The same for those who read only row pooled[i] of each sequence i: that is row i of a->x
 * afterwards, and nothing else of the last block is computed.  Same bits. */
void transformer_forward_pooled(const struct transformer *t, const struct engine *e,
                                const struct activations *a, const struct sequences *s,
                                const uint32_t *pooled);

/* The two halves of block b, for those who look between them (trace.c). */
void transformer_attention(const struct transformer *t, const struct block *b,
                           const struct engine *e, const struct activations *a,
                           const struct sequences *s);
void transformer_mlp(const struct transformer *t, const struct block *b, const struct engine *e,
                     const struct activations *a, size_t rows);

#endif
