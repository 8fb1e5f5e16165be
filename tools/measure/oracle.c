#include "oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"

/* One pass: weights by name, scratch from malloc (a failure is remembered and ends the pass). */
struct pass {
    const struct weights *w;
    const struct format_tower *t;
    const char *tower;
    oracle_trace_fn trace;
    void *arg;
    int status;
};

static double *take(struct pass *p, size_t n)
{
    double *x = calloc(n == 0 ? 1 : n, sizeof *x);

    if (x == NULL) {
        p->status = base_fail(CLIPC_ERROR_MEMORY, "oracle: no memory for %zu numbers", n);
    }
    return x;
}

static void trace(const struct pass *p, int block, const char *name, const double *x, size_t rows,
                  size_t width)
{
    char full[64];

    if (p->trace != NULL) {
        if (block < 0) {
            snprintf(full, sizeof full, "%s.%s", p->tower, name);
        } else {
            snprintf(full, sizeof full, "%s.block%02d.%s", p->tower, block, name);
        }
        p->trace(p->arg, full, x, rows, width);
    }
}

static const struct format_record *record(const struct pass *p, const char *name,
                                          const char *suffix)
{
    char full[64];

    snprintf(full, sizeof full, "%s.%s%s", p->tower, name, suffix);
    return weights_find(p->w, full);
}

static const float *vector(const struct pass *p, const char *name, const char *suffix)
{
    return weights_data(p->w, record(p, name, suffix));
}

/* y[rows, out] = x[rows, in] W^T + b. */
static void linear(struct pass *p, const char *name, bool bias, const double *x, size_t rows,
                   double *y)
{
    const struct format_record *r = record(p, name, ".weight");
    struct kernels_linear w = {.panels = weights_data(p->w, r),
                               .in = r->cols,
                               .out = r->rows,
                               .in_padded = r->cols_padded,
                               .out_padded = r->rows_padded,
                               .dtype = (enum kernels_dtype)r->dtype};
    const float *b = bias ? vector(p, name, ".bias") : NULL;
    float *row = malloc(w.in * sizeof *row);

    if (row == NULL) {
        p->status = base_fail(CLIPC_ERROR_MEMORY, "oracle: out of memory");
        return;
    }
    for (size_t o = 0; o < w.out; o++) {
        if (!pack_unpack_row(row, &w, o)) {
            p->status = base_fail(CLIPC_ERROR_UNSUPPORTED, "oracle: elements of type %d", w.dtype);
            break;
        }
        for (size_t i = 0; i < rows; i++) {
            const double *xi = x + i * w.in;
            double sums[8] = {0}; /* eight chains, so that the adds overlap */
            size_t k = 0;
            for (; k + 8 <= w.in; k += 8) {
                for (size_t j = 0; j < 8; j++) {
                    sums[j] += xi[k + j] * (double)row[k + j];
                }
            }
            double sum = b != NULL ? (double)b[o] : 0;
            for (; k < w.in; k++) {
                sum += xi[k] * (double)row[k];
            }
            for (size_t j = 0; j < 8; j++) {
                sum += sums[j];
            }
            y[i * w.out + o] = sum;
        }
    }
    free(row);
}

static void layer_norm(const struct pass *p, const char *name, const double *x, size_t rows,
                       double *y)
{
    const float *gamma = vector(p, name, ".weight"), *beta = vector(p, name, ".bias");
    size_t n = p->t->width;

    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < n; i++) {
            mean += x[i] / (double)n;
        }
        for (size_t i = 0; i < n; i++) {
            variance += (x[i] - mean) * (x[i] - mean) / (double)n;
        }
        double scale = 1 / sqrt(variance + (double)p->t->ln_eps);
        for (size_t i = 0; i < n; i++) {
            y[i] = (x[i] - mean) * scale * (double)gamma[i] + (double)beta[i];
        }
    }
}

static double activation(double x, uint32_t kind)
{
    if (kind == FORMAT_QUICK_GELU) {
        return x / (1 + exp(-1.702 * x));
    }
    return kind == FORMAT_GELU_ERF
               ? 0.5 * x * erfc(-x * 0.70710678118654752440)
               : 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

/* One row of one head: y[head_dim] from its query and the keys and values of rows 0 .. n - 1. */
static void attend(const struct pass *p, const double *qkv, size_t row, size_t n, size_t head,
                   double *weights, double *y)
{
    size_t w = p->t->width, hd = w / p->t->heads, column = head * hd;
    double max = -HUGE_VAL, sum = 0;

    for (size_t j = 0; j < n; j++) {
        double s = 0;
        for (size_t d = 0; d < hd; d++) {
            s += qkv[row * 3 * w + column + d] * qkv[j * 3 * w + w + column + d];
        }
        weights[j] = s / sqrt((double)hd);
        max = fmax(max, weights[j]);
    }
    for (size_t j = 0; j < n; j++) {
        weights[j] = exp(weights[j] - max);
        sum += weights[j];
    }
    memset(y + column, 0, hd * sizeof *y);
    for (size_t j = 0; j < n; j++) {
        for (size_t d = 0; d < hd; d++) {
            y[column + d] += weights[j] / sum * qkv[j * 3 * w + 2 * w + column + d];
        }
    }
}

struct buffers {
    double *a, *b, *qkv, *hidden, *weights;
};

static void block(struct pass *p, int i, double *x, size_t rows, const struct buffers *u)
{
    size_t w = p->t->width, mlp = p->t->mlp_width;
    bool causal = (p->t->flags & FORMAT_CAUSAL) != 0;
    char name[32];

#define NAME(part) (snprintf(name, sizeof name, "%02d.%s", i, part), name)
    trace(p, i, "0_in", x, rows, w);
    layer_norm(p, NAME("ln_1"), x, rows, u->a);
    trace(p, i, "1_ln_1", u->a, rows, w);
    linear(p, NAME("attn_in"), true, u->a, rows, u->qkv);
    for (size_t r = 0; r < rows; r++) {
        for (size_t h = 0; h < p->t->heads; h++) {
            attend(p, u->qkv, r, causal ? r + 1 : rows, h, u->weights, u->a + r * w);
        }
    }
    linear(p, NAME("attn_out"), true, u->a, rows, u->b);
    trace(p, i, "2_attn_out", u->b, rows, w);
    for (size_t j = 0; j < rows * w; j++) {
        x[j] += u->b[j];
    }
    trace(p, i, "3_after_attn_residual", x, rows, w);
    layer_norm(p, NAME("ln_2"), x, rows, u->a);
    trace(p, i, "4_ln_2", u->a, rows, w);
    linear(p, NAME("c_fc"), true, u->a, rows, u->hidden);
    trace(p, i, "5_fc", u->hidden, rows, mlp);
    for (size_t j = 0; j < rows * mlp; j++) {
        u->hidden[j] = activation(u->hidden[j], p->t->activation);
    }
    trace(p, i, "6_act", u->hidden, rows, mlp);
    linear(p, NAME("c_proj"), true, u->hidden, rows, u->b);
    trace(p, i, "7_mlp_out", u->b, rows, w);
    for (size_t j = 0; j < rows * w; j++) {
        x[j] += u->b[j];
    }
    trace(p, i, "8_out", x, rows, w);
#undef NAME
}

static void blocks(struct pass *p, double *x, size_t rows)
{
    size_t w = p->t->width;
    struct buffers u = {take(p, rows * w), take(p, rows * w), take(p, rows * 3 * w),
                        take(p, rows * p->t->mlp_width), take(p, rows)};

    for (uint32_t i = 0; i < p->t->layers && p->status == CLIPC_OK; i++) {
        block(p, (int)i, x, rows, &u);
    }
    free(u.a);
    free(u.b);
    free(u.qkv);
    free(u.hidden);
    free(u.weights);
}

/* The patches of the picture as rows [tokens - 1, 3 patch patch], channel, y, x. */
static void cut_patches(const struct format_header *h, const float *pixels, double *rows)
{
    size_t patch = h->patch_size, size = h->image_size, grid = size / patch;

    for (size_t t = 0; t < grid * grid; t++) {
        for (size_t c = 0; c < 3; c++) {
            for (size_t y = 0; y < patch; y++) {
                for (size_t x = 0; x < patch; x++) {
                    *rows++ = (double)
                        pixels[(c * size + t / grid * patch + y) * size + t % grid * patch + x];
                }
            }
        }
    }
}

int oracle_image(const struct weights *w, const float *pixels, double *image, oracle_trace_fn fn,
                 void *arg)
{
    const struct format_header *h = &w->header;
    struct pass p = {w, &h->vision, "vision", fn, arg, CLIPC_OK};
    size_t tokens = h->vision.positions, width = h->vision.width;
    double *patches = take(&p, (tokens - 1) * 3 * h->patch_size * h->patch_size);
    double *x = take(&p, tokens * width), *y = take(&p, tokens * width);

    if (p.status == CLIPC_OK) {
        const float *class_embedding = vector(&p, "class_embedding", "");
        const float *positions = vector(&p, "positional_embedding", "");
        cut_patches(h, pixels, patches);
        linear(&p, "patch_embed", false, patches, tokens - 1, x + width);
        trace(&p, -1, "00_patch_embed", x + width, tokens - 1, width);
        for (size_t i = 0; i < width; i++) {
            x[i] = (double)class_embedding[i];
        }
        for (size_t i = 0; i < tokens * width; i++) {
            x[i] += (double)positions[i];
        }
        trace(&p, -1, "01_with_class_and_pos", x, tokens, width);
        if (h->vision.flags & FORMAT_PRE_LN) {
            layer_norm(&p, "ln_pre", x, tokens, x);
            trace(&p, -1, "02_ln_pre", x, tokens, width);
        }
        blocks(&p, x, tokens);
        layer_norm(&p, "ln_post", x, 1, y);
        trace(&p, -1, "98_ln_post_of_class_token", y, 1, width);
        linear(&p, "projection", false, y, 1, image);
        trace(&p, -1, "99_projected", image, 1, h->embed_dim);
    }
    free(patches);
    free(x);
    free(y);
    return p.status;
}

/* Openai's argmax of the ids, or the first end token. */
static size_t pooled_row(const struct format_header *h, const int32_t *ids, size_t n)
{
    size_t best = 0;

    for (size_t i = 0; i < n; i++) {
        if (h->text.pool == FORMAT_POOL_FIRST_EOT) {
            if (ids[i] == (int32_t)h->eot_id) {
                return i;
            }
        } else if (ids[i] > ids[best]) {
            best = i;
        }
    }
    return best;
}

int oracle_text(const struct weights *w, const int32_t *ids, size_t n, double *text,
                oracle_trace_fn fn, void *arg)
{
    const struct format_header *h = &w->header;
    struct pass p = {w, &h->text, "text", fn, arg, CLIPC_OK};
    size_t width = h->text.width;
    const struct format_record *table = weights_find(w, "text.token_embedding");
    double *x = take(&p, n * width), *y = take(&p, n * width);

    if (p.status == CLIPC_OK) {
        const float *positions = vector(&p, "positional_embedding", "");
        const void *tokens = weights_data(w, table);
        for (size_t i = 0; i < n * width; i++) {
            size_t at = (size_t)ids[i / width] * width + i % width;
            x[i] = (double)(table->dtype == FORMAT_F16
                                ? pack_f16_to_f32(((const uint16_t *)tokens)[at])
                                : ((const float *)tokens)[at]);
        }
        trace(&p, -1, "00_token_embed", x, n, width);
        for (size_t i = 0; i < n * width; i++) {
            x[i] += (double)positions[i];
        }
        trace(&p, -1, "01_embeddings", x, n, width);
        blocks(&p, x, n);
        layer_norm(&p, "ln_post", x, n, y);
        trace(&p, -1, "98_ln_final", y, n, width);
        linear(&p, "projection", false, y + pooled_row(h, ids, n) * width, 1, text);
        trace(&p, -1, "99_projected", text, 1, h->embed_dim);
    }
    free(x);
    free(y);
    return p.status;
}

static double tower_gflop(const struct format_tower *t, double rows)
{
    double w = t->width, per_row = w * (4 * w + 2 * (double)t->mlp_width) + 2 * rows * w;

    return 2e-9 * rows * t->layers * per_row;
}

double oracle_gflop(const struct format_header *h, size_t n_ids)
{
    double patches =
        2e-9 * h->vision.positions * 3.0 * h->patch_size * h->patch_size * h->vision.width;

    return (h->vision.layers != 0 ? tower_gflop(&h->vision, h->vision.positions) + patches : 0) +
           (h->text.layers != 0 ? tower_gflop(&h->text, (double)n_ids) : 0);
}
