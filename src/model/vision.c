#include "vision.h"

#include <string.h>

int vision_bind(struct vision *v, const struct weights *w)
{
    const struct format_header *h = &w->header;

    memset(v, 0, sizeof *v);
    v->image_size = h->image_size;
    v->patch_size = h->patch_size;
    v->grid = h->image_size / h->patch_size;
    v->tokens = h->vision.positions;
    v->pre_ln = (h->vision.flags & FORMAT_PRE_LN) != 0;
    transformer_bind_linear(&v->patch_embed, w, "vision.patch_embed", false);
    transformer_bind_linear(&v->projection, w, "vision.projection", false);
    v->class_embedding = weights_data(w, weights_find(w, "vision.class_embedding"));
    v->positional_embedding = weights_data(w, weights_find(w, "vision.positional_embedding"));
    if (v->pre_ln) {
        transformer_bind_layer_norm(&v->ln_pre, w, "vision.ln_pre", h->vision.ln_eps);
    }
    transformer_bind_layer_norm(&v->ln_post, w, "vision.ln_post", h->vision.ln_eps);
    return transformer_bind(&v->blocks, w, "vision", &h->vision);
}

void vision_free(struct vision *v)
{
    transformer_free(&v->blocks);
}

int vision_each_linear(struct vision *v, transformer_linear_fn fn, void *arg)
{
    int status = fn(arg, &v->patch_embed);

    if (status == CLIPC_OK) {
        status = transformer_each_linear(&v->blocks, fn, arg);
    }
    return status == CLIPC_OK ? fn(arg, &v->projection) : status;
}

void vision_layout(const struct vision *v, size_t batch, struct arena *arena,
                   struct vision_buffers *b)
{
    b->starts = arena_take(arena, batch + 1, sizeof *b->starts);
    transformer_layout(&v->blocks, batch * v->tokens, v->patch_embed.w.in, arena, &b->a);
}

struct patches_job {
    const struct vision *v;
    const struct vision_buffers *b;
    const float *pixels;
};

/* Row i of the batch: hidden[i] = the patch's pixels in the order channel, y, x (zeros for the
 * class token), x[i] = what patch_embed's output is added to: the position, and the class
 * embedding. */
static void patches_task(void *arg, size_t i, int worker)
{
    const struct patches_job *job = arg;
    const struct vision *v = job->v;
    size_t token = i % v->tokens, size = v->image_size, patch = v->patch_size;
    size_t width = v->blocks.width;
    const float *position = v->positional_embedding + token * width;
    float *row = job->b->a.hidden + i * job->b->a.hidden_stride;
    float *x = job->b->a.x + i * job->b->a.x_stride;

    (void)worker;
    if (token == 0) {
        memset(row, 0, 3 * patch * patch * sizeof(float));
        for (size_t j = 0; j < width; j++) {
            x[j] = v->class_embedding[j] + position[j];
        }
        return;
    }
    size_t top = (token - 1) / v->grid * patch, left = (token - 1) % v->grid * patch;
    const float *image = job->pixels + i / v->tokens * 3 * size * size;
    for (size_t c = 0; c < 3; c++) {
        for (size_t y = 0; y < patch; y++) {
            memcpy(row + (c * patch + y) * patch, image + (c * size + top + y) * size + left,
                   patch * sizeof(float));
        }
    }
    memcpy(x, position, width * sizeof(float));
}

/* The patches' embedding before positions, which the pass itself never writes down. */
static void trace_patches(const struct vision *v, const struct engine *e,
                          const struct vision_buffers *b)
{
    if (e->trace != NULL) {
        transformer_linear(e, &v->patch_embed, NULL, b->a.hidden, b->a.hidden_stride, v->tokens,
                           KERNELS_LINEAR, NULL, e->trace_buffer, b->a.x_stride);
        transformer_trace(e, "vision", -1, "00_patch_embed", e->trace_buffer + b->a.x_stride,
                          v->tokens - 1, v->blocks.width, b->a.x_stride);
    }
}

void vision_forward(const struct vision *v, const struct engine *e, const struct vision_buffers *b,
                    const float *pixels, size_t n, float *embeddings)
{
    size_t rows = n * v->tokens, width = v->blocks.width, embed_dim = v->projection.w.out;
    size_t stride = b->a.x_stride;
    struct patches_job patches = {v, b, pixels};

    for (size_t i = 0; i <= n; i++) {
        b->starts[i] = (uint32_t)(i * v->tokens);
    }
    threads_parallel_for(e->pool, rows, patches_task, &patches);
    trace_patches(v, e, b);
    transformer_linear(e, &v->patch_embed, NULL, b->a.hidden, b->a.hidden_stride, rows,
                       KERNELS_LINEAR, b->a.x, b->a.x, stride);
    transformer_trace(e, "vision", -1, "01_with_class_and_pos", b->a.x, v->tokens, width, stride);
    if (v->pre_ln) {
        transformer_layer_norm(e, &v->ln_pre, b->a.x, stride, rows, width);
        transformer_trace(e, "vision", -1, "02_ln_pre", b->a.x, v->tokens, width, stride);
    }
    transformer_forward(&v->blocks, e, &b->a, b->starts, n, "vision");

    for (size_t i = 0; i < n; i++) { /* the class token's row of each image */
        memcpy(b->a.attn + i * stride, b->a.x + i * v->tokens * stride, width * sizeof(float));
    }
    transformer_layer_norm(e, &v->ln_post, b->a.attn, stride, n, width);
    transformer_trace(e, "vision", -1, "98_ln_post_of_class_token", b->a.attn, 1, width, stride);
    transformer_linear(e, &v->projection, NULL, b->a.attn, stride, n, KERNELS_LINEAR, NULL,
                       embeddings, embed_dim);
    transformer_trace(e, "vision", -1, "99_projected", embeddings, 1, embed_dim, embed_dim);
}
