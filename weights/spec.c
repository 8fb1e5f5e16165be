/* spec.c - the one list of tensors that a header asks for. */
#include <stdio.h>
#include <string.h>

#include "weights.h"

struct lister {
    weights_spec_fn fn;
    void *arg;
    char prefix[FORMAT_NAME_BYTES]; /* "vision." or "vision.03." */
    bool block;                     /* is it the prefix of a block? */
    int status;
};

static void emit(struct lister *l, const char *part, const char *suffix,
                 const struct weights_spec *shape)
{
    struct weights_spec spec = *shape;

    if (l->status != CLIPC_OK) {
        return;
    }
    int n = snprintf(spec.name, sizeof spec.name, "%s%s%s", l->prefix, part, suffix);
    l->status = n >= 0 && (size_t)n < sizeof spec.name
                    ? l->fn(l->arg, &spec)
                    : base_fail(CLIPC_ERROR_FORMAT, "tensor name '%s%s%s' is longer than %zu bytes",
                                l->prefix, part, suffix, sizeof spec.name - 1);
}

static void emit_vector(struct lister *l, const char *part, const char *suffix, uint32_t n)
{
    emit(l, part, suffix, &(struct weights_spec){.rows = 1, .cols = n, .layout = FORMAT_VECTOR});
}

/* `linear`: in the dtype of the linear layers. */
static void emit_rows(struct lister *l, const char *part, uint32_t rows, uint32_t cols, bool linear)
{
    emit(l, part, "",
         &(struct weights_spec){
             .rows = rows, .cols = cols, .layout = FORMAT_ROWS, .linear = linear});
}

static void emit_norm(struct lister *l, const char *part, uint32_t width)
{
    emit_vector(l, part, ".weight", width);
    emit_vector(l, part, ".bias", width);
}

static void emit_linear(struct lister *l, const char *part, uint32_t out, uint32_t in, bool bias)
{
    emit(l, part, ".weight",
         &(struct weights_spec){
             .rows = out, .cols = in, .layout = FORMAT_PANELS, .linear = true, .block = l->block});
    if (bias) {
        emit_vector(l, part, ".bias", out);
    }
}

/* What a block has but its ln_1. */
static void emit_block(struct lister *l, const struct format_tower *t)
{
    emit_linear(l, "attn_in", 3 * t->width, t->width, true);
    emit_linear(l, "attn_out", t->width, t->width, true);
    emit_norm(l, "ln_2", t->width);
    emit_linear(l, "c_fc", t->mlp_width, t->width, true);
    emit_linear(l, "c_proj", t->width, t->mlp_width, true);
}

static void emit_blocks(struct lister *l, const char *tower, const struct format_tower *t)
{
    for (uint32_t i = 0; i < t->layers && l->status == CLIPC_OK; i++) {
        snprintf(l->prefix, sizeof l->prefix, "%s.%02u.", tower, i);
        l->block = true;
        emit_norm(l, "ln_1", t->width);
        emit_block(l, t);
        l->block = false;
    }
    snprintf(l->prefix, sizeof l->prefix, "%s.", tower);
}

/* Behind the blocks. */
static void emit_end(struct lister *l, const struct format_tower *t, uint32_t embed_dim)
{
    emit_norm(l, "ln_post", t->width);
    if (t->pool == FORMAT_POOL_MAP) {
        strcpy(l->prefix, "vision.map.");
        emit_vector(l, "probe", "", t->width);
        emit_block(l, t);
        strcpy(l->prefix, "vision.");
    }
    if (t->flags & FORMAT_PROJECTION) {
        emit_linear(l, "projection", embed_dim, t->width, (t->flags & FORMAT_PROJECTION_BIAS) != 0);
    }
}

int weights_each_spec(const struct format_header *h, weights_spec_fn fn, void *arg)
{
    struct lister l = {.fn = fn, .arg = arg, .prefix = "vision."};
    const struct format_tower *v = &h->vision, *t = &h->text;

    if (v->layers != 0) {
        emit_linear(&l, "patch_embed", v->width, 3 * h->patch_size * h->patch_size,
                    (v->flags & FORMAT_PATCH_BIAS) != 0);
        if (v->flags & FORMAT_CLASS_TOKEN) {
            emit_vector(&l, "class_embedding", "", v->width);
        }
        emit_rows(&l, "positional_embedding", v->positions, v->width, false);
        if (v->flags & FORMAT_PRE_LN) {
            emit_norm(&l, "ln_pre", v->width);
        }
        emit_blocks(&l, "vision", v);
        emit_end(&l, v, h->embed_dim);
    }
    if (t->layers != 0) {
        strcpy(l.prefix, "text.");
        emit_rows(&l, "token_embedding", h->vocab_size, t->width, true);
        emit_rows(&l, "positional_embedding", t->positions, t->width, false);
        emit_blocks(&l, "text", t);
        emit_end(&l, t, h->embed_dim);
    }
    return l.status;
}

void weights_part_name(char name[FORMAT_NAME_BYTES], const char *weight, const char *suffix)
{
    const char *dot = strrchr(weight, '.');

    snprintf(name, FORMAT_NAME_BYTES, "%.*s%s",
             (int)(dot != NULL ? (size_t)(dot - weight) : strlen(weight)), weight, suffix);
}

const struct format_record *weights_part(const struct weights *w, const char *weight,
                                         const char *suffix)
{
    char name[FORMAT_NAME_BYTES];

    weights_part_name(name, weight, suffix);
    return weights_find(w, name);
}

/* Rows and columns are the true sizes, and what is multiplied over; the padded ones say where the
 * next panel begins. */
struct kernels_linear weights_linear(const struct weights *w, const struct format_record *r)
{
    struct kernels_linear l = {.panels = weights_data(w, r),
                               .out = r->rows,
                               .in = r->cols,
                               .out_padded = r->rows_padded,
                               .in_padded = r->cols_padded,
                               .dtype = (enum kernels_dtype)r->dtype};

    if (r->dtype == FORMAT_Q8) {
        const struct format_record *smooth = weights_part(w, r->name, ".smooth");
        l.scale = weights_data(w, weights_part(w, r->name, ".scale"));
        l.sums = weights_data(w, weights_part(w, r->name, ".sums"));
        l.smooth = smooth != NULL ? weights_data(w, smooth) : NULL;
    }
    return l;
}

struct tower_dtype {
    const struct weights *w;
    const char *tower;
    uint32_t all;
    bool q8; /* any */
};

static int merge_dtype(void *arg, const struct weights_spec *spec)
{
    struct tower_dtype *t = arg;

    if (spec->layout == FORMAT_PANELS && strncmp(spec->name, t->tower, strlen(t->tower)) == 0) {
        uint32_t dtype = weights_find(t->w, spec->name)->dtype;
        t->all = t->all == 0 || t->all == dtype ? dtype : WEIGHTS_MIXED;
        t->q8 |= dtype == FORMAT_Q8;
    }
    return CLIPC_OK;
}

uint32_t weights_tower_dtype(const struct weights *w, const char *tower)
{
    struct tower_dtype t = {w, tower, 0, false};

    weights_each_spec(&w->header, merge_dtype, &t);
    return t.q8 ? FORMAT_Q8 : t.all;
}
