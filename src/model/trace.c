/* trace.c - the forward pass as the reference would print it: the names are those of the
 * reference's modules in the order of their calls, 0_in to 8_out within a block:
 *
 *     0_in                    x                                   [rows, width]
 *     1_ln_1                  ln_1(x)
 *     2_attn_out              attn(ln_1(x)), out_proj included
 *     3_after_attn_residual   x + that: the block's x from here on
 *     4_ln_2                  ln_2(x)
 *     5_fc                    c_fc(ln_2(x))                       [rows, mlp_width]
 *     6_act                   the activation of that
 *     7_mlp_out               c_proj of that                      [rows, width]
 *     8_out                   x + that
 *
 * 1, 2, 4, 5 and 7 exist nowhere in a fast pass (transformer.c says why).  They are computed once
 * more, by the same gemm on the shown rows only: the rule at the head of kernels/kernels.h makes
 * that the same bits.  The fast pass knows nothing of it. */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#include "../base/base.h"
#include "pool.h"

/* A tracer of one tower: where its names begin, and how many rows are shown. */
struct view {
    const struct trace *trace;
    const struct engine *e;
    const char *tower;
    int block; /* -1: outside the blocks */
    size_t rows;
};

/* One activation at a time is in the buffer: it is shown before the next is made. */
size_t trace_floats(const struct transformer *t, size_t rows)
{
    size_t widest = t->mlp_width > t->width ? t->mlp_width : t->width;

    return rows * base_round_up(widest, KERNELS_PAD);
}

/* x[rows, width] as "tower.name", or "tower.blockNN.name". */
static void show(const struct view *v, const char *name, struct rows x, size_t rows, size_t width)
{
    char full[64];

    if (v->block >= 0) {
        snprintf(full, sizeof full, "%s.block%02d.%s", v->tower, v->block, name);
    } else {
        snprintf(full, sizeof full, "%s.%s", v->tower, name);
    }
    v->trace->fn(v->trace->arg, full, x.at, rows, width, x.stride);
}

/* ln(x), which a pass has only in packed form or for pooled rows. */
static void show_norm(const struct view *v, const char *name, const struct kernels_layer_norm *ln,
                      struct rows x, size_t width)
{
    struct rows copy = {v->trace->buffer, base_round_up(width, KERNELS_PAD)};

    for (size_t r = 0; r < v->rows; r++) {
        memcpy(copy.at + r * copy.stride, x.at + r * x.stride, width * sizeof(float));
    }
    engine_layer_norm(v->e, ln, copy, v->rows, width);
    show(v, name, copy, v->rows, width);
}

/* l(ln(x)) before the activation, or before it is added to the residual stream. */
static struct rows recompute(const struct view *v, const struct linear *l,
                             const struct kernels_layer_norm *ln, struct rows x)
{
    struct rows y = {v->trace->buffer, base_round_up(l->w.out, KERNELS_PAD)};

    engine_linear(v->e, l, ln, x, v->rows, KERNELS_LINEAR, y);
    return y;
}

/* Block i by its two halves, as transformer_forward runs them, and the last one for all rows.  2
 * and 7 are recomputed behind their half: its input, a->attn or a->hidden, is still there; x is
 * not, and so is shown before. */
static void show_block(struct view *v, const struct transformer *t, size_t i,
                       const struct activations *a, const struct sequences *s)
{
    const struct block *b = &t->blocks[i];
    const size_t width = t->width;

    v->block = (int)i;
    show(v, "0_in", a->x, v->rows, width);
    show_norm(v, "1_ln_1", &b->ln_1, a->x, width);
    transformer_attention(t, b, v->e, a, s);
    show(v, "2_attn_out", recompute(v, &b->attn_out, NULL, a->attn), v->rows, width);
    show(v, "3_after_attn_residual", a->x, v->rows, width);

    show_norm(v, "4_ln_2", &b->ln_2, a->x, width);
    show(v, "5_fc", recompute(v, &b->c_fc, &b->ln_2, a->x), v->rows, t->mlp_width);
    transformer_mlp(t, b, v->e, a, s->starts[s->n]);
    show(v, "6_act", a->hidden, v->rows, t->mlp_width);
    show(v, "7_mlp_out", recompute(v, &b->c_proj, NULL, a->hidden), v->rows, width);
    show(v, "8_out", a->x, v->rows, width);
    v->block = -1;
}

/* vision_forward's steps one by one; the numbers in front keep files in order of computation. */
void trace_vision(const struct trace *trace, const struct vision *v, const struct engine *e,
                  const struct vision_buffers *b, const float *pixels, size_t n, float *embeddings)
{
    const struct sequences s = vision_embed(v, e, b, pixels, n);
    const size_t width = v->blocks.width, dim = v->embed_dim;
    struct view view = {trace, e, "vision", -1, v->tokens};

    struct rows patches = recompute(&view, &v->patch_embed, NULL, b->a.hidden);
    size_t first = v->class_embedding != NULL; /* the class token's row is no patch */
    patches.at += first * patches.stride;
    show(&view, "00_patch_embed", patches, v->tokens - first, width);
    show(&view, "01_with_class_and_pos", b->a.x, v->tokens, width);
    if (v->pre_ln) {
        engine_layer_norm(e, &v->ln_pre, b->a.x, n * v->tokens, width);
        show(&view, "02_ln_pre", b->a.x, v->tokens, width);
    }
    for (size_t i = 0; i < v->blocks.layers; i++) {
        show_block(&view, &v->blocks, i, &b->a, &s);
    }
    if (v->pool != FORMAT_POOL_CLASS && !v->norm_pooled) {
        show_norm(&view, "97_ln_post", &v->ln_post, b->a.x, width);
    }
    vision_pool(v, e, b, &s);
    show(&view, v->pool == FORMAT_POOL_CLASS ? "98_ln_post_of_class_token" : "98_pooled", b->a.x, 1,
         width);
    pool_project(e, &v->projection, b->a.x, n, width, embeddings);
    show(&view, "99_projected", (struct rows){embeddings, dim}, 1, dim);
}

/* text_forward's.  view.rows is the first text's length: up to its end token, or all of it. */
void trace_text(const struct trace *trace, const struct text *t, const struct engine *e,
                const struct text_buffers *b, const struct text_batch *batch, float *embeddings)
{
    const struct sequences s = text_embed(t, b, batch);
    const size_t width = t->blocks.width, dim = t->embed_dim;
    struct view view = {trace, e, "text", -1, s.starts[1]};
    struct rows tokens = {trace->buffer, b->a.x.stride};

    for (size_t i = 0; i < view.rows; i++) {
        text_token_row(t, batch->tokens[i], tokens.at + i * tokens.stride);
    }
    show(&view, "00_token_embed", tokens, view.rows, width);
    show(&view, "01_embeddings", b->a.x, view.rows, width);
    for (size_t i = 0; i < t->blocks.layers; i++) {
        show_block(&view, &t->blocks, i, &b->a, &s);
    }
    show_norm(&view, "98_ln_final", &t->ln_post, b->a.x, width);
    pool_rows(b->a.x, &s, b->pooled, width, b->a.x);
    engine_layer_norm(e, &t->ln_post, b->a.x, s.n, width);
    pool_project(e, &t->projection, b->a.x, s.n, width, embeddings);
    show(&view, "99_projected", (struct rows){embeddings, dim}, 1, dim);
}
