/* spec.c - the one list of tensors that a header asks for. */
#include <stdio.h>

#include "weights.h"

struct lister {
    weights_spec_fn fn;
    void *arg;
    const char *tower;
    int status;
};

static void emit(struct lister *l, const char *name, uint32_t rows, uint32_t cols,
                 enum format_layout layout, bool linear)
{
    struct weights_spec spec = {.rows = rows, .cols = cols, .layout = layout, .linear = linear};

    if (l->status == 0) {
        snprintf(spec.name, sizeof spec.name, "%.6s.%.20s", l->tower, name);
        l->status = l->fn(l->arg, &spec);
    }
}

static void emit_norm(struct lister *l, const char *name, uint32_t width)
{
    char full[FORMAT_NAME_BYTES];

    snprintf(full, sizeof full, "%.16s.weight", name);
    emit(l, full, 1, width, FORMAT_ROWS, false);
    snprintf(full, sizeof full, "%.16s.bias", name);
    emit(l, full, 1, width, FORMAT_ROWS, false);
}

static void emit_linear(struct lister *l, uint32_t layer, const char *name, uint32_t out,
                        uint32_t in)
{
    char full[FORMAT_NAME_BYTES];

    snprintf(full, sizeof full, "%02u.%.10s.weight", layer % 1000, name);
    emit(l, full, out, in, FORMAT_PANELS, true);
    snprintf(full, sizeof full, "%02u.%.10s.bias", layer % 1000, name);
    emit(l, full, 1, out, FORMAT_ROWS, false);
}

static void emit_blocks(struct lister *l, const struct format_tower *t)
{
    char name[FORMAT_NAME_BYTES];

    for (uint32_t i = 0; i < t->layers && l->status == 0; i++) {
        snprintf(name, sizeof name, "%02u.ln_1", i % 1000);
        emit_norm(l, name, t->width);
        emit_linear(l, i, "attn_in", 3 * t->width, t->width);
        emit_linear(l, i, "attn_out", t->width, t->width);
        snprintf(name, sizeof name, "%02u.ln_2", i % 1000);
        emit_norm(l, name, t->width);
        emit_linear(l, i, "c_fc", t->mlp_width, t->width);
        emit_linear(l, i, "c_proj", t->width, t->mlp_width);
    }
}

int weights_each_spec(const struct format_header *h, weights_spec_fn fn, void *arg)
{
    struct lister l = {fn, arg, "vision", 0};
    const struct format_tower *v = &h->vision, *t = &h->text;

    if (v->layers != 0) {
        emit(&l, "patch_embed", v->width, 3 * h->patch_size * h->patch_size, FORMAT_PANELS, true);
        emit(&l, "class_embedding", 1, v->width, FORMAT_ROWS, false);
        emit(&l, "positional_embedding", v->positions, v->width, FORMAT_ROWS, false);
        if (v->flags & FORMAT_PRE_LN) {
            emit_norm(&l, "ln_pre", v->width);
        }
        emit_blocks(&l, v);
        emit_norm(&l, "ln_post", v->width);
        emit(&l, "projection", h->embed_dim, v->width, FORMAT_PANELS, true);
    }
    if (t->layers != 0) {
        l.tower = "text";
        emit(&l, "token_embedding", h->vocab_size, t->width, FORMAT_ROWS, true);
        emit(&l, "positional_embedding", t->positions, t->width, FORMAT_ROWS, false);
        emit_blocks(&l, t);
        emit_norm(&l, "ln_post", t->width);
        emit(&l, "projection", h->embed_dim, t->width, FORMAT_PANELS, true);
    }
    return l.status;
}
