/* transformer.c - the residual attention block, and the loop over it.
 *
 * Each line below is one line of the paper's figure (Vaswani et al. 2017, figure 1, the left half;
 * Dosovitskiy et al. 2021, figure 1, on the right).  LayerNorm has no line of its own: it is done
 * while a linear layer packs its input, as the activation and the residual sum are done while it
 * writes its output, so that no row is read or written once more than it must be.
 *
 * Vaswani et al. normalise behind each sum; CLIP's blocks, like GPT-2's (Radford et al. 2019,
 * section 2.3), normalise in front of each half, and the residual stream x runs through all layers
 * with nothing but sums in it.
 *
 * Multiply-adds of a block for each row: 3 W^2 + W^2 + 2 W M in the linear layers (W = width, M =
 * mlp_width, 4 W in CLIP: 12 W^2) and 2 L W in attention over L rows: with L = 50 (ViT-B/32) that
 * is 1 % of them, which is why attention is cut so simply (engine.c) and gemm is not. */
#include "transformer.h"

#include "pool.h"

/* x[rows, width] += attn_out(attention(attn_in(ln_1(x)))): rows of a sequence look at one another.
 * Multi-head attention of Vaswani et al. 2017, section 3.2.2: attn_in makes the queries, keys and
 * values of all heads in one product, qkv[rows, 3 width], and attn_out is their W^O. */
void transformer_attention(const struct transformer *t, const struct block *b,
                           const struct engine *e, const struct activations *a,
                           const struct sequences *s)
{
    size_t rows = s->starts[s->n];

    engine_linear(e, &b->attn_in, &b->ln_1, a->x, rows, KERNELS_LINEAR, a->qkv);
    engine_attention(e, &t->heads, a->qkv, s, a->attn);
    engine_linear_add(e, &b->attn_out, a->attn, rows, a->x);
}

/* x[rows, width] += c_proj(activation(c_fc(ln_2(x)))): each row by itself.  The position-wise
 * network of section 3.3, with a GELU (Hendrycks & Gimpel 2016) where they have max(0, x); hidden
 * is [rows, mlp_width]. */
void transformer_mlp(const struct transformer *t, const struct block *b, const struct engine *e,
                     const struct activations *a, size_t rows)
{
    engine_linear(e, &b->c_fc, &b->ln_2, a->x, rows, t->activation, a->hidden);
    engine_linear_add(e, &b->c_proj, a->hidden, rows, a->x);
}

/* x = block_end(... block_1(x)).  Rows of all sequences of a batch go through a layer
 * together, so that its weights are read from memory once for hundreds of rows and not once for
 * each sequence. */
static void run_blocks(const struct transformer *t, size_t end, const struct engine *e,
                       const struct activations *a, const struct sequences *s)
{
    for (size_t i = 0; i < end; i++) {
        transformer_attention(t, &t->blocks[i], e, a, s);
        transformer_mlp(t, &t->blocks[i], e, a, s->starts[s->n]);
    }
}

void transformer_forward(const struct transformer *t, const struct engine *e,
                         const struct activations *a, const struct sequences *s)
{
    run_blocks(t, t->layers, e, a, s);
}

/* Of the last block the other rows are seen through their keys and values alone, and those are made
 * of what the block before gave.  Of the 12 W^2 of a row (above) 10 are for queries, attn_out and
 * the network: with 12 layers 7 % of all work. */
void transformer_forward_pooled(const struct transformer *t, const struct engine *e,
                                const struct activations *a, const struct sequences *s,
                                const uint32_t *pooled)
{
    const struct block *b = &t->blocks[t->layers - 1];
    const size_t width = t->width;

    run_blocks(t, t->layers - 1, e, a, s);
    engine_linear_columns(e, &b->attn_in, &b->ln_1, a->x, s->starts[s->n], width, 3 * width,
                          a->qkv);
    pool_rows(a->x, s, pooled, width, a->x);
    engine_linear_columns(e, &b->attn_in, &b->ln_1, a->x, s->n, 0, width, a->attn);
    engine_attention_at(e, &t->heads, a->attn, a->qkv, s, pooled, a->attn);
    engine_linear_add(e, &b->attn_out, a->attn, s->n, a->x);
    transformer_mlp(t, b, e, a, s->n);
}
