/* model_tmpl.h - forward and backward of both towers around their blocks.  The file that includes
 * it defines REAL, GEMM (cblas_sgemm or cblas_dgemm), NAME(x), which appends the precision,
 * softmax(x, n) in place, and quick_gelu(y, x, n). */
#include "block_tmpl.h"
#include "heads_tmpl.h"

struct NAME(model_work) {
    const struct model_layout *layout;
    struct tower vision, text;
    REAL *patches;                    /* [n * (tokens - 1), 3 patch patch] */
    REAL *pre, *pre_scale, *embedded; /* ln_pre: normalised, 1 / deviation, its output */
    struct heads heads;
    const int *ids;
    int length;
};

/* ---- Towers -------------------------------------------------------------------------------- */

/* From w->blocks[0].x to w->vectors: blocks, pooled rows, final LayerNorm, projection, length 1. */
static void tower_forward(struct tower *w, const REAL *params, int embed)
{
    int width = w->t.width;

    for (int i = 0; i < w->t.layers; i++) {
        block_forward(w, params, i, i + 1 < w->t.layers ? w->blocks[i + 1].x : w->x);
    }
    for (int i = 0; i < w->n; i++) {
        memcpy(w->pooled + i * width, w->x + (size_t)w->rows_of[i] * (size_t)width,
               (size_t)width * sizeof(REAL));
    }
    norm(params + w->ln_post, w->pooled, w->n, width, w->ln, w->scale, w->normed);
    gemm(0, 1, w->n, embed, width, 1, w->normed, width, params + w->projection, width, 0, w->raw,
         embed);
    for (int i = 0; i < w->n; i++) {
        REAL sum = 0;
        for (int j = 0; j < embed; j++) {
            sum += w->raw[i * embed + j] * w->raw[i * embed + j];
        }
        w->length[i] = (REAL)sqrt((double)sum) + (REAL)1e-12;
        for (int j = 0; j < embed; j++) {
            w->vectors[i * embed + j] = w->raw[i * embed + j] / w->length[i];
        }
    }
}

static void clear_gradients(struct tower *w)
{
    size_t width = (size_t)w->t.width;

    memset(w->d_normed, 0, (size_t)w->n * width * sizeof *w->d_normed);
    memset(w->d_x, 0, (size_t)(w->n * w->tokens) * width * sizeof *w->d_x);
}

/* To w->d_x: the gradient of blocks[0].x.  w->d_normed and w->d_x hold what the heads add to the
 * gradients of w->normed and w->x. */
static void tower_backward(struct tower *w, const REAL *params, const REAL *d_vectors, REAL *grads,
                           int embed)
{
    int width = w->t.width;
    REAL *d_raw = w->d_raw, *d_pooled = d_raw + w->n * embed;

    for (int i = 0; i < w->n; i++) {
        const REAL *v = w->vectors + i * embed, *d = d_vectors + i * embed;
        REAL along = 0;
        for (int j = 0; j < embed; j++) {
            along += v[j] * d[j];
        }
        for (int j = 0; j < embed; j++) {
            d_raw[i * embed + j] = (d[j] - v[j] * along) / w->length[i];
        }
    }
    gemm(1, 0, embed, width, w->n, 1, d_raw, embed, w->normed, width, 1, grads + w->projection,
         width);
    gemm(0, 0, w->n, width, embed, 1, d_raw, embed, params + w->projection, width, 1, w->d_normed,
         width);
    memset(d_pooled, 0, (size_t)(w->n * width) * sizeof *d_pooled);
    norm_back(params + w->ln_post, grads + w->ln_post, w->ln, w->scale, w->d_normed, w->n, width,
              d_pooled);
    for (int i = 0; i < w->n; i++) {
        REAL *d_x = w->d_x + (size_t)w->rows_of[i] * (size_t)width;
        for (int j = 0; j < width; j++) {
            d_x[j] += d_pooled[i * width + j];
        }
    }
    for (int i = w->t.layers - 1; i >= 0; i--) {
        block_backward(w, params, grads, i, w->scratch);
    }
}

/* ---- Images -------------------------------------------------------------------------------- */

void NAME(model_images)(struct NAME(model_work) * w, const REAL *params, const REAL *pixels, int n,
                        REAL *vectors)
{
    const struct model_config *c = &w->layout->config;
    int size = c->image, patch = c->patch, grid = size / patch, in = 3 * patch * patch;
    int width = c->vision.width, tokens = grid * grid + 1;
    const REAL *class = params + model_offset(w->layout, "vision_model.embeddings.class_embedding");
    const REAL *place =
        params + model_offset(w->layout, "vision_model.embeddings.position_embedding.weight");
    const REAL *weight =
        params + model_offset(w->layout, "vision_model.embeddings.patch_embedding.weight");

    w->vision.n = n;
    w->vision.tokens = tokens;
    for (int i = 0; i < n * (tokens - 1); i++) {
        int t = i % (tokens - 1);
        const REAL *from = pixels + (size_t)(i / (tokens - 1)) * (size_t)(3 * size * size);
        for (int j = 0; j < in; j++) {
            int ch = j / (patch * patch), y = j / patch % patch, x = j % patch;
            w->patches[(size_t)i * (size_t)in + (size_t)j] =
                from[(ch * size + t / grid * patch + y) * size + t % grid * patch + x];
        }
    }
    for (int i = 0; i < n; i++) {
        REAL *x = w->embedded + (size_t)(i * tokens) * (size_t)width;
        memcpy(x, class, (size_t)width * sizeof(REAL));
        gemm(0, 1, tokens - 1, width, in, 1, w->patches + (size_t)(i * (tokens - 1)) * (size_t)in,
             in, weight, in, 0, x + width, width);
        for (int j = 0; j < tokens * width; j++) {
            x[j] += place[j];
        }
        w->vision.rows_of[i] = i * tokens;
    }
    norm(params + model_offset(w->layout, "vision_model.pre_layrnorm.weight"), w->embedded,
         n * tokens, width, w->pre, w->pre_scale, w->vision.blocks[0].x);
    tower_forward(&w->vision, params, c->embed);
    memcpy(vectors, w->vision.vectors, (size_t)(n * c->embed) * sizeof(REAL));
}

void NAME(model_images_back)(struct NAME(model_work) * w, const REAL *params, const REAL *d_vectors,
                             const struct model_answers *labels, struct model_said *said,
                             REAL *grads)
{
    const struct model_config *c = &w->layout->config;
    int n = w->vision.n, tokens = w->vision.tokens, width = c->vision.width;
    int in = 3 * c->patch * c->patch;
    size_t pre = model_offset(w->layout, "vision_model.pre_layrnorm.weight");
    REAL *d_class = grads + model_offset(w->layout, "vision_model.embeddings.class_embedding");
    REAL *d_place =
        grads + model_offset(w->layout, "vision_model.embeddings.position_embedding.weight");
    REAL *d_weight =
        grads + model_offset(w->layout, "vision_model.embeddings.patch_embedding.weight");

    clear_gradients(&w->vision);
    class_head(&w->heads, &w->vision, params, grads, labels, said);
    patch_head(&w->heads, &w->vision, params, grads, labels, said);
    tower_backward(&w->vision, params, d_vectors, grads, c->embed);
    memset(w->vision.d_a, 0, (size_t)(n * tokens) * (size_t)width * sizeof(REAL));
    norm_back(params + pre, grads + pre, w->pre, w->pre_scale, w->vision.d_x, n * tokens, width,
              w->vision.d_a);
    for (int i = 0; i < n; i++) {
        const REAL *d = w->vision.d_a + (size_t)(i * tokens) * (size_t)width;
        for (int j = 0; j < width; j++) {
            d_class[j] += d[j];
        }
        for (int j = 0; j < tokens * width; j++) {
            d_place[j] += d[j];
        }
        gemm(1, 0, width, in, tokens - 1, 1, d + width, width,
             w->patches + (size_t)(i * (tokens - 1)) * (size_t)in, in, 1, d_weight, in);
    }
}

/* ---- Texts --------------------------------------------------------------------------------- */

void NAME(model_texts)(struct NAME(model_work) * w, const REAL *params, const int *ids, int length,
                       const int *ends, int n, REAL *vectors)
{
    const struct model_config *c = &w->layout->config;
    int width = c->text.width;
    const REAL *table =
        params + model_offset(w->layout, "text_model.embeddings.token_embedding.weight");
    const REAL *place =
        params + model_offset(w->layout, "text_model.embeddings.position_embedding.weight");

    w->text.n = n;
    w->text.tokens = length;
    w->ids = ids;
    for (int i = 0; i < n * length; i++) {
        REAL *x = w->text.blocks[0].x + (size_t)i * (size_t)width;
        for (int j = 0; j < width; j++) {
            x[j] =
                table[(size_t)ids[i] * (size_t)width + (size_t)j] + place[i % length * width + j];
        }
    }
    for (int i = 0; i < n; i++) {
        w->text.rows_of[i] = i * length + ends[i];
    }
    tower_forward(&w->text, params, c->embed);
    memcpy(vectors, w->text.vectors, (size_t)(n * c->embed) * sizeof(REAL));
}

void NAME(model_texts_back)(struct NAME(model_work) * w, const REAL *params, const REAL *d_vectors,
                            REAL *grads)
{
    const struct model_config *c = &w->layout->config;
    int width = c->text.width, length = w->text.tokens;
    REAL *d_table = grads + model_offset(w->layout, "text_model.embeddings.token_embedding.weight");
    REAL *d_place =
        grads + model_offset(w->layout, "text_model.embeddings.position_embedding.weight");

    clear_gradients(&w->text);
    tower_backward(&w->text, params, d_vectors, grads, c->embed);
    for (int i = 0; i < w->text.n * length; i++) {
        const REAL *d = w->text.d_x + (size_t)i * (size_t)width;
        for (int j = 0; j < width; j++) {
            d_table[(size_t)w->ids[i] * (size_t)width + (size_t)j] += d[j];
            d_place[i % length * width + j] += d[j];
        }
    }
}

/* ---- Memory -------------------------------------------------------------------------------- */

static void tower_new(struct tower *w, const struct model_layout *l, const struct model_tower *t,
                      const char *name, int n)
{
    size_t rows = (size_t)n * (size_t)t->tokens, width = (size_t)t->width, mlp = (size_t)t->mlp;
    size_t embed = (size_t)l->config.embed, tokens = (size_t)t->tokens;
    char full[120];

    w->t = *t;
    w->places = calloc((size_t)t->layers, sizeof *w->places);
    w->blocks = calloc((size_t)t->layers, sizeof *w->blocks);
    w->rows_of = calloc((size_t)n, sizeof *w->rows_of);
    if (w->places == NULL || w->blocks == NULL || w->rows_of == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    for (int i = 0; i < t->layers; i++) {
#define PLACE(part)                                                                                \
    (snprintf(full, sizeof full, "%s.encoder.layers.%d.%s.weight", name, i, part),                 \
     model_offset(l, full))
        w->places[i] = (struct places){
            PLACE("layer_norm1"), PLACE("self_attn.q_proj"), PLACE("self_attn.out_proj"),
            PLACE("layer_norm2"), PLACE("mlp.fc1"),          PLACE("mlp.fc2")};
#undef PLACE
        w->blocks[i] = (struct block){take(rows * width),
                                      take(rows * width),
                                      take(rows),
                                      take(rows * 3 * width),
                                      take(rows * (size_t)t->tokens * (size_t)t->heads),
                                      take(rows * width),
                                      take(rows * width),
                                      take(rows * width),
                                      take(rows),
                                      take(rows * mlp),
                                      take(rows * mlp)};
    }
    w->x = take(rows * width);
    w->pooled = take((size_t)n * width);
    w->ln = take((size_t)n * width);
    w->scale = take((size_t)n);
    w->normed = take((size_t)n * width);
    w->raw = take((size_t)n * embed);
    w->length = take((size_t)n);
    w->vectors = take((size_t)n * embed);
    w->d_x = take(rows * width);
    w->d_a = take(rows * width);
    w->d_qkv = take(rows * 3 * width);
    w->d_fc = take(rows * mlp);
    w->d_raw = take((size_t)n * (embed + width));
    w->d_normed = take((size_t)n * width);
    w->scratch = take(rows * width > tokens * tokens ? rows * width : tokens * tokens);
}

static void tower_free(struct tower *w)
{
    REAL *all[] = {w->x,     w->pooled, w->ln,      w->scale,    w->normed,
                   w->raw,   w->length, w->vectors, w->d_x,      w->d_a,
                   w->d_qkv, w->d_fc,   w->d_raw,   w->d_normed, w->scratch};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
    for (int i = 0; i < w->t.layers; i++) {
        struct block *b = &w->blocks[i];
        REAL *parts[] = {b->x,   b->ln1, b->scale1, b->qkv, b->p,  b->o,
                         b->mid, b->ln2, b->scale2, b->fc,  b->act};
        for (size_t j = 0; j < sizeof parts / sizeof parts[0]; j++) {
            free(parts[j]);
        }
    }
    free(w->blocks);
    free(w->places);
    free(w->rows_of);
}

struct NAME(model_work) * NAME(model_new)(const struct model_layout *l, int images, int texts)
{
    struct NAME(model_work) *w = calloc(1, sizeof *w);
    const struct model_config *c = &l->config;
    size_t rows = (size_t)images * (size_t)c->vision.tokens;

    if (w == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    w->layout = l;
    tower_new(&w->vision, l, &c->vision, "vision_model", images);
    tower_new(&w->text, l, &c->text, "text_model", texts);
    w->vision.ln_post = model_offset(l, "vision_model.post_layernorm.weight");
    w->vision.projection = model_offset(l, "visual_projection.weight");
    heads_new(&w->heads, l, rows);
    w->text.ln_post = model_offset(l, "text_model.final_layer_norm.weight");
    w->text.projection = model_offset(l, "text_projection.weight");
    w->patches = take(rows * (size_t)(3 * c->patch * c->patch));
    w->pre = take(rows * (size_t)c->vision.width);
    w->pre_scale = take(rows);
    w->embedded = take(rows * (size_t)c->vision.width);
    return w;
}

void NAME(model_free)(struct NAME(model_work) * w)
{
    tower_free(&w->vision);
    tower_free(&w->text);
    free(w->patches);
    heads_free(&w->heads);
    free(w->pre);
    free(w->pre_scale);
    free(w->embedded);
    free(w);
}
