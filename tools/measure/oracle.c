/* oracle.c - the forward pass in double, from papers and references alone: plain loops over the
 * file's tensors, nothing fused or shared with src/model and kernels but the way out of panels. */
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
    struct kernels_linear w = weights_linear(p->w, r);
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

/* x[rows + 1, width], rows of an image and room for one more -> y[width]: multi-head attention of
 * one query, the probe, then a residual network (modeling_siglip.py,
 * SiglipMultiheadAttentionPoolingHead). */
static void map_head(struct pass *p, double *x, size_t rows, double *y)
{
    size_t w = p->t->width, mlp = p->t->mlp_width;
    double *qkv = take(p, (rows + 1) * 3 * w), *weights = take(p, rows), *a = take(p, w);
    double *hidden = take(p, mlp);

    if (p->status == CLIPC_OK) {
        const float *probe = vector(p, "map.probe", "");
        for (size_t i = 0; i < w; i++) {
            x[rows * w + i] = (double)probe[i];
        }
        linear(p, "map.attn_in", true, x, rows + 1, qkv);
        for (size_t h = 0; h < p->t->heads; h++) {
            attend(p, qkv, rows, rows, h, weights, a);
        }
        linear(p, "map.attn_out", true, a, 1, y);
        layer_norm(p, "map.ln_2", y, 1, a);
        linear(p, "map.c_fc", true, a, 1, hidden);
        for (size_t j = 0; j < mlp; j++) {
            hidden[j] = activation(hidden[j], p->t->activation);
        }
        linear(p, "map.c_proj", true, hidden, 1, a);
        for (size_t i = 0; i < w; i++) {
            y[i] += a[i];
        }
    }
    free(qkv), free(weights), free(a), free(hidden);
}

/* What the blocks gave, x[tokens + 1, width], the last row empty -> y[width]. */
static void pool_image(struct pass *p, double *x, size_t tokens, double *y)
{
    size_t w = p->t->width, first = (p->t->flags & FORMAT_CLASS_TOKEN) != 0;
    bool norm_last = (p->t->flags & FORMAT_POST_LN_POOLED) != 0;

    if (p->t->pool == FORMAT_POOL_CLASS) {
        layer_norm(p, "ln_post", x, 1, y);
        trace(p, -1, "98_ln_post_of_class_token", y, 1, w);
        return;
    }
    if (!norm_last) {
        layer_norm(p, "ln_post", x, tokens, x);
        trace(p, -1, "97_ln_post", x, tokens, w);
    }
    if (p->t->pool == FORMAT_POOL_MAP) {
        map_head(p, x, tokens, y);
    } else {
        for (size_t i = 0; i < w; i++) {
            y[i] = 0;
            for (size_t r = first; r < tokens; r++) {
                y[i] += x[r * w + i] / (double)(tokens - first);
            }
        }
    }
    if (norm_last) {
        layer_norm(p, "ln_post", y, 1, y);
    }
    trace(p, -1, "98_pooled", y, 1, w);
}

/* The projection, where there is one. */
static void project(struct pass *p, const double *y, double *to)
{
    if (p->t->flags & FORMAT_PROJECTION) {
        linear(p, "projection", (p->t->flags & FORMAT_PROJECTION_BIAS) != 0, y, 1, to);
    } else {
        memcpy(to, y, p->t->width * sizeof *to);
    }
    trace(p, -1, "99_projected", to, 1, p->w->header.embed_dim);
}

int oracle_image(const struct weights *w, const float *pixels, double *image, oracle_trace_fn fn,
                 void *arg)
{
    const struct format_header *h = &w->header;
    struct pass p = {w, &h->vision, "vision", fn, arg, CLIPC_OK};
    size_t tokens = h->vision.positions, width = h->vision.width;
    size_t first = (h->vision.flags & FORMAT_CLASS_TOKEN) != 0;
    double *patches = take(&p, (tokens - first) * 3 * h->patch_size * h->patch_size);
    double *x = take(&p, (tokens + 1) * width), *y = take(&p, width);

    if (p.status == CLIPC_OK) {
        const float *positions = vector(&p, "positional_embedding", "");
        cut_patches(h, pixels, patches);
        linear(&p, "patch_embed", (h->vision.flags & FORMAT_PATCH_BIAS) != 0, patches,
               tokens - first, x + first * width);
        trace(&p, -1, "00_patch_embed", x + first * width, tokens - first, width);
        for (size_t i = 0; i < first * width; i++) {
            x[i] = (double)vector(&p, "class_embedding", "")[i];
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
        pool_image(&p, x, tokens, y);
        project(&p, y, image);
    }
    free(patches);
    free(x);
    free(y);
    return p.status;
}

/* OpenAI's argmax of the ids, or the first end token. */
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

int oracle_text(const struct weights *w, const int32_t *ids, size_t n_ids, double *text,
                oracle_trace_fn fn, void *arg)
{
    const struct format_header *h = &w->header;
    struct pass p = {w, &h->text, "text", fn, arg, CLIPC_OK};
    size_t width = h->text.width;
    size_t n = h->text.flags & FORMAT_PAD_TO_CONTEXT ? h->text.positions : n_ids;
    const struct format_record *table = weights_find(w, "text.token_embedding");
    double *x = take(&p, n * width), *y = take(&p, n * width);

    if (p.status == CLIPC_OK) {
        const float *positions = vector(&p, "positional_embedding", "");
        const void *tokens = weights_data(w, table);
        enum kernels_dtype dtype = (enum kernels_dtype)table->dtype;
        for (size_t i = 0; i < n * width; i++) {
            size_t id = i / width < n_ids ? (size_t)ids[i / width] : h->pad_id;
            float value; /* a row of one */
            pack_table_row(&value, dtype, tokens, id * width + i % width, 1);
            x[i] = (double)value;
        }
        trace(&p, -1, "00_token_embed", x, n, width);
        for (size_t i = 0; i < n * width; i++) {
            x[i] += (double)positions[i];
        }
        trace(&p, -1, "01_embeddings", x, n, width);
        blocks(&p, x, n);
        layer_norm(&p, "ln_post", x, n, y);
        trace(&p, -1, "98_ln_final", y, n, width);
        size_t row = h->text.pool == FORMAT_POOL_LAST ? n - 1 : pooled_row(h, ids, n_ids);
        project(&p, y + row * width, text);
    }
    free(x);
    free(y);
    return p.status;
}
