/* vision.c - the image tower: Dosovitskiy et al. 2021, section 3.1, with what CLIP changed.
 *
 *     z_0 = [class; p_1 E; ...; p_N E] + positions     vision_embed, their equation 1
 *     z_0 = ln_pre(z_0)                                CLIP's own: Radford et al. 2021, section 2.4
 *     z_l = block_l(z_l-1)                             transformer_forward, equations 2 and 3
 *     y = projection(ln_post(z_L[class]))              vision_pool, equation 4, and pool_project,
 *                                                      W_i of CLIP's figure 3
 *
 * SigLIP and others leave out the class token, ln_pre or the projection, and pool in other ways
 * (enum format_pool).
 *
 * p_i are the pixels of patch i of N = grid * grid.  The references write p_i E as a convolution
 * whose stride and kernel are one patch (conv1 of openai/CLIP's VisionTransformer): patches do not
 * overlap, so it is a linear layer over each patch's pixels, and gets the linear layers' kernels.
 * It runs over all tokens at once, and positions are what it is added to; the class token has no
 * pixels: its row is written when the layer, whose bias it must not get, is through. */
#include "vision.h"

#include <string.h>

#include "pool.h"

/* What the tasks of vision_embed share: pixels: [n, 3, image_size, image_size]. */
struct embed_job {
    const struct vision *v;
    const struct vision_buffers *b;
    const float *pixels;
};

/* x[width] = class embedding + position 0: the row in front of the patches, which the model reads
 * the whole image from. */
static void class_token(const struct vision *v, float *x)
{
    for (size_t j = 0; j < v->blocks.width; j++) {
        x[j] = v->class_embedding[j] + v->positional_embedding[j];
    }
}

/* row[3 patch patch] = patch number p of image[3, size, size], counted row by row from the top
 * left:
 *
 *     row[(c patch + y) patch + x] = image[c][top + y][left + x]
 *
 * The order channel, y, x is that of the convolution's weights in the checkpoint, [width, 3, patch,
 * patch] flattened from its second dimension on, so that neither is ever rearranged.  Pixels right
 * of and below the last whole patch belong to none, as in a convolution without padding. */
static void cut_patch(const struct vision *v, const float *image, size_t p, float *row)
{
    size_t size = v->image_size, patch = v->patch_size;
    size_t top = p / v->grid * patch, left = p % v->grid * patch;

    for (size_t c = 0; c < 3; c++) {
        for (size_t y = 0; y < patch; y++) {
            memcpy(row + (c * patch + y) * patch, image + (c * size + top + y) * size + left,
                   patch * sizeof(float));
        }
    }
}

/* Token i of the n * tokens of a batch: its pixels (a class token's are 0) into row i of hidden:
 * [n tokens, 3 patch patch], what the layer's output is added to into row i of x: [n tokens,
 * width].  Tasks write rows of their own and so need no lock. */
static void embed_task(void *arg, size_t i, int worker)
{
    const struct embed_job *job = arg;
    const struct vision *v = job->v;
    const struct activations *a = &job->b->a;
    size_t token = i % v->tokens, width = v->blocks.width, first = v->class_embedding != NULL;
    float *row = a->hidden.at + i * a->hidden.stride, *x = a->x.at + i * a->x.stride;
    const float *image = job->pixels + i / v->tokens * 3 * v->image_size * v->image_size;

    (void)worker;
    if (token < first) {
        memset(row, 0, v->patch_embed.w.in * sizeof(float));
    } else {
        cut_patch(v, image, token - first, row);
    }
    memcpy(x, v->positional_embedding + token * width, width * sizeof(float));
}

/* x = hidden E + x, where embed_task has put the positions into x: equation 1.  Every image is one
 * sequence of `tokens` rows. */
struct sequences vision_embed(const struct vision *v, const struct engine *e,
                              const struct vision_buffers *b, const float *pixels, size_t n)
{
    struct embed_job job = {v, b, pixels};

    b->starts[0] = 0; /* the text tower may have used these buffers since */
    for (size_t i = 0; i < n; i++) {
        b->starts[i + 1] = (uint32_t)((i + 1) * v->tokens);
        b->pooled[i] = 0;
    }
    threads_parallel_for(e->pool, n * v->tokens, embed_task, &job);
    engine_linear_add(e, &v->patch_embed, b->a.hidden, n * v->tokens, b->a.x);
    for (size_t i = 0; v->class_embedding != NULL && i < n; i++) {
        class_token(v, b->a.x.at + b->starts[i] * b->a.x.stride);
    }
    return (struct sequences){b->starts, n};
}

/* ln_post of the rows that stand for the images, or of all before they are pooled.  LayerNorm goes
 * row by row, so where one row is taken that is the same and n rows are normalised of n tokens; of
 * a mean it is not: OpenCLIP's final_ln_after_pool says which. */
static void norm_rows(const struct vision *v, const struct engine *e,
                      const struct vision_buffers *b, size_t rows)
{
    engine_layer_norm(e, &v->ln_post, b->a.x, rows, v->blocks.width);
}

void vision_pool(const struct vision *v, const struct engine *e, const struct vision_buffers *b,
                 const struct sequences *s)
{
    size_t width = v->blocks.width;

    if (v->pool == FORMAT_POOL_CLASS) {
        pool_rows(b->a.x, s, b->pooled, width, b->a.x);
    } else if (!v->norm_pooled) {
        norm_rows(v, e, b, s->starts[s->n]);
    }
    if (v->pool == FORMAT_POOL_MEAN) {
        pool_mean(b->a.x, s, v->class_embedding != NULL, width, b->a.x);
    } else if (v->pool == FORMAT_POOL_MAP) {
        map_pool(&v->map, &v->blocks, e, &b->a, s, b->pooled);
    }
    if (v->pool == FORMAT_POOL_CLASS || v->norm_pooled) {
        norm_rows(v, e, b, s->n);
    }
}

/* The whole tower.  ln_pre has no linear layer behind it that could do it while packing: it is the
 * residual stream itself that is normalised, so it has a pass of its own.  The embeddings are not
 * scaled to length 1: that is left to who compares. */
void vision_forward(const struct vision *v, const struct engine *e, const struct vision_buffers *b,
                    const float *pixels, size_t n, float *embeddings)
{
    const struct sequences s = vision_embed(v, e, b, pixels, n);

    if (v->pre_ln) {
        engine_layer_norm(e, &v->ln_pre, b->a.x, n * v->tokens, v->blocks.width);
    }
    if (v->pool == FORMAT_POOL_CLASS) {
        transformer_forward_pooled(&v->blocks, e, &b->a, &s, b->pooled);
        norm_rows(v, e, b, n);
    } else {
        transformer_forward(&v->blocks, e, &b->a, &s);
        vision_pool(v, e, b, &s);
    }
    pool_project(e, &v->projection, b->a.x, n, v->blocks.width, embeddings);
}
