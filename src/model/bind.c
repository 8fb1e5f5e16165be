/* bind.c - names of tensors to pointers into the mapped file, and buffers into the session's arena.
 * The names are those of weights/format.h.  No weight is copied: what a layer multiplies with is
 * the file's own pages, so a second process with the same model shares them, and a session costs no
 * more memory than its activations (but for the kernel set blas, which wants rows and not
 * panels). */
#include "bind.h"

#include <stdio.h>
#include <string.h>

/* ---- Names to pointers --------------------------------------------------------------------- */

/* The record "name" + "suffix", which is there: weights_open has looked for all that are bound. */
static const struct format_record *find(const struct weights *w, const char *name,
                                        const char *suffix)
{
    char full[80];

    snprintf(full, sizeof full, "%s%s", name, suffix);
    return weights_find(w, full);
}

/* W [out, in] and b [out_padded] of "name.weight" and "name.bias": y = x W^T + b, W as nn.Linear
 * has it, in panels (kernels/pack.h). */
static void bind_linear(struct linear *l, const struct weights *w, const char *name, bool has_bias)
{
    const struct format_record *r = find(w, name, ".weight");

    memset(l, 0, sizeof *l);
    l->w = weights_linear(w, r);
    l->bias = has_bias ? weights_data(w, find(w, name, ".bias")) : NULL;
}

/* gamma [width] and beta [width] of "name.weight" and "name.bias". */
static void bind_norm(struct kernels_layer_norm *ln, const struct weights *w, const char *name,
                      float eps)
{
    ln->gamma = weights_data(w, find(w, name, ".weight"));
    ln->beta = weights_data(w, find(w, name, ".bias"));
    ln->eps = eps;
}

/* The linear layers and ln_2 of "PREFIX.attn_in.weight" and so on. */
static void bind_block(struct block *b, const struct weights *w, const char *prefix, float eps)
{
    const struct {
        const char *name;
        struct linear *l;
    } linears[] = {{"attn_in", &b->attn_in},
                   {"attn_out", &b->attn_out},
                   {"c_fc", &b->c_fc},
                   {"c_proj", &b->c_proj}};
    char name[64]; /* more than any name */

    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s.%s", prefix, linears[i].name);
        bind_linear(linears[i].l, w, name, true);
    }
    snprintf(name, sizeof name, "%s.ln_2", prefix);
    bind_norm(&b->ln_2, w, name, eps);
}

/* The sizes of a tower's transformer, from its part of the header.  All heads are equally wide: 64
 * in openai/CLIP (heads = width // 64), 80 in OpenCLIP's ViT-H/14. */
static int bind_blocks(struct transformer *t, const struct weights *w, const char *tower,
                       const struct format_tower *header)
{
    memset(t, 0, sizeof *t);
    t->width = header->width;
    t->heads.n = header->heads;
    t->heads.dim = header->width / header->heads;
    t->heads.causal = (header->flags & FORMAT_CAUSAL) != 0;
    t->layers = header->layers;
    t->mlp_width = header->mlp_width;
    t->activation = (enum kernels_activation)header->activation;
    t->blocks = base_alloc(t->layers * sizeof *t->blocks);
    if (t->blocks == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "session: no memory for %zu blocks", t->layers);
    }
    for (size_t i = 0; i < t->layers; i++) {
        char name[32]; /* "vision.07" */
        snprintf(name, sizeof name, "%s.%02zu", tower, i);
        bind_block(&t->blocks[i], w, name, header->ln_eps);
        strcat(name, ".ln_1");
        bind_norm(&t->blocks[i].ln_1, w, name, header->ln_eps);
    }
    return CLIPC_OK;
}

/* "TOWER.projection", if it has one. */
static void bind_projection(struct linear *l, const struct weights *w, const char *name,
                            uint32_t flags)
{
    if (flags & FORMAT_PROJECTION) {
        bind_linear(l, w, name, (flags & FORMAT_PROJECTION_BIAS) != 0);
    }
}

/* positions: one row for each patch, grid * grid, and one in front for a class token. */
int bind_vision(struct vision *v, const struct weights *w)
{
    const struct format_header *h = &w->header;

    memset(v, 0, sizeof *v);
    v->image_size = h->image_size;
    v->patch_size = h->patch_size;
    v->grid = h->image_size / h->patch_size;
    v->tokens = h->vision.positions;
    v->pre_ln = (h->vision.flags & FORMAT_PRE_LN) != 0;
    v->pool = (enum format_pool)h->vision.pool;
    v->norm_pooled = (h->vision.flags & FORMAT_POST_LN_POOLED) != 0;
    v->embed_dim = h->embed_dim;
    bind_linear(&v->patch_embed, w, "vision.patch_embed",
                (h->vision.flags & FORMAT_PATCH_BIAS) != 0);
    bind_projection(&v->projection, w, "vision.projection", h->vision.flags);
    if (h->vision.flags & FORMAT_CLASS_TOKEN) {
        v->class_embedding = weights_data(w, weights_find(w, "vision.class_embedding"));
    }
    v->positional_embedding = weights_data(w, weights_find(w, "vision.positional_embedding"));
    if (v->pre_ln) {
        bind_norm(&v->ln_pre, w, "vision.ln_pre", h->vision.ln_eps);
    }
    bind_norm(&v->ln_post, w, "vision.ln_post", h->vision.ln_eps);
    if (v->pool == FORMAT_POOL_MAP) {
        v->map.probe = weights_data(w, weights_find(w, "vision.map.probe"));
        bind_block(&v->map.block, w, "vision.map", h->vision.ln_eps);
    }
    return bind_blocks(&v->blocks, w, "vision", &h->vision);
}

/* "text.ln_post" is the references' ln_final (openai/CLIP) and final_layer_norm (transformers). */
int bind_text(struct text *t, const struct weights *w)
{
    const struct format_header *h = &w->header;
    const struct format_record *tokens = weights_find(w, "text.token_embedding");

    memset(t, 0, sizeof *t);
    t->context = h->text.positions;
    t->vocab_size = h->vocab_size;
    t->eot_id = (int32_t)h->eot_id;
    t->pool = (enum format_pool)h->text.pool;
    t->token_embedding = weights_data(w, tokens);
    t->token_dtype = (enum format_dtype)tokens->dtype;
    t->positional_embedding = weights_data(w, weights_find(w, "text.positional_embedding"));
    bind_norm(&t->ln_post, w, "text.ln_post", h->text.ln_eps);
    t->embed_dim = h->embed_dim;
    bind_projection(&t->projection, w, "text.projection", h->text.flags);
    return bind_blocks(&t->blocks, w, "text", &h->text);
}

void bind_free(struct transformer *t)
{
    base_free(t->blocks);
    t->blocks = NULL;
}

/* ---- Every linear layer -------------------------------------------------------------------- */

static int each_of_block(struct block *b, bind_linear_fn fn, void *arg)
{
    struct linear *all[] = {&b->attn_in, &b->attn_out, &b->c_fc, &b->c_proj};
    int status = CLIPC_OK;

    for (size_t i = 0; i < 4 && status == CLIPC_OK; i++) {
        status = fn(arg, all[i]);
    }
    return status;
}

/* In the order of a forward pass; which gemm a layer gets and what scratch it wants is asked so. */
static int each_block(struct transformer *t, bind_linear_fn fn, void *arg)
{
    int status = CLIPC_OK;

    for (size_t i = 0; i < t->layers && status == CLIPC_OK; i++) {
        status = each_of_block(&t->blocks[i], fn, arg);
    }
    return status;
}

static int each_projection(struct linear *l, bind_linear_fn fn, void *arg)
{
    return l->w.panels != NULL ? fn(arg, l) : CLIPC_OK;
}

int bind_each_vision(struct vision *v, bind_linear_fn fn, void *arg)
{
    int status = fn(arg, &v->patch_embed);

    if (status == CLIPC_OK) {
        status = each_block(&v->blocks, fn, arg);
    }
    if (status == CLIPC_OK && v->pool == FORMAT_POOL_MAP) {
        status = each_of_block(&v->map.block, fn, arg);
    }
    return status == CLIPC_OK ? each_projection(&v->projection, fn, arg) : status;
}

int bind_each_text(struct text *t, bind_linear_fn fn, void *arg)
{
    int status = each_block(&t->blocks, fn, arg);

    return status == CLIPC_OK ? each_projection(&t->projection, fn, arg) : status;
}

/* ---- Buffers ------------------------------------------------------------------------------- */

/* [rows, width] floats.  Strides are padded to whole cache lines, so that no two rows share one and
 * workers that write neighbouring rows do not wait for each other's. */
static struct rows take_rows(struct arena *arena, size_t rows, size_t width)
{
    size_t stride = base_round_up(width, KERNELS_PAD);

    return (struct rows){arena_take(arena, rows, stride * sizeof(float)), stride};
}

/* hidden_width: at least this many floats in a row of hidden.
 *
 * A row holds width (x) + max(3 width + width, mlp_width) floats: with CLIP's mlp_width = 4 width
 * hidden fits exactly over qkv and attn, and a batch of 8 of ViT-B/32 (400 rows of 768) has 6 MB
 * where buffers of their own would take 11. */
static void take_activations(const struct transformer *t, size_t rows, size_t hidden_width,
                             struct arena *arena, struct activations *a)
{
    a->x = take_rows(arena, rows, t->width);
    size_t start = arena->used, end;
    a->qkv = take_rows(arena, rows, 3 * t->width);
    a->attn = take_rows(arena, rows, t->width);
    end = arena->used;
    arena->used = start; /* hidden is written when qkv and attn have been read for the last time */
    a->hidden = take_rows(arena, rows, t->mlp_width > hidden_width ? t->mlp_width : hidden_width);
    arena->used = arena->used > end ? arena->used : end;
}

/* Before the blocks hidden holds the patches, [batch tokens, 3 patch patch]. */
void bind_vision_buffers(const struct vision *v, size_t batch, struct arena *arena,
                         struct vision_buffers *b)
{
    b->starts = arena_take(arena, batch + 1, sizeof *b->starts);
    b->pooled = arena_take(arena, batch, sizeof *b->pooled);
    take_activations(&v->blocks, batch * v->tokens, v->patch_embed.w.in, arena, &b->a);
}

/* For texts that fill the context; shorter ones use the front of it. */
void bind_text_buffers(const struct text *t, size_t batch, struct arena *arena,
                       struct text_buffers *b)
{
    b->starts = arena_take(arena, batch + 1, sizeof *b->starts);
    b->pooled = arena_take(arena, batch, sizeof *b->pooled);
    take_activations(&t->blocks, batch * t->context, 0, arena, &b->a);
}
