/* vision.h - the image tower: patches -> class token, positions -> ln_pre -> blocks -> class row ->
 * ln_post -> projection.  Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", figure
 * 1, and openai/CLIP clip/model.py, class VisionTransformer. */
#ifndef CLIPC_VISION_H
#define CLIPC_VISION_H

#include "transformer.h"

struct vision {
    size_t image_size, patch_size, grid, tokens; /* tokens = grid * grid + 1 */
    struct linear patch_embed;                   /* [width, 3 patch patch], no bias */
    const float *class_embedding;                /* [width] */
    const float *positional_embedding;           /* [tokens, width] */
    bool pre_ln;
    struct kernels_layer_norm ln_pre, ln_post; /* [width] */
    struct transformer blocks;
    struct linear projection; /* [embed_dim, width], no bias */
};

struct vision_buffers {
    struct activations a;
    uint32_t *starts; /* [batch + 1] */
    uint32_t *pooled; /* [batch], all 0: the class token's position */
};

/* embeddings: [n, embed_dim] from pixels: [n, 3, image_size, image_size]; n <= batch. */
void vision_forward(const struct vision *v, const struct engine *e, const struct vision_buffers *b,
                    const float *pixels, size_t n, float *embeddings);

/* Its first step, for trace.c: a.x[n tokens, width] = class token and patches, with positions;
 * a.hidden keeps the patches.  Returns the n sequences. */
struct sequences vision_embed(const struct vision *v, const struct engine *e,
                              const struct vision_buffers *b, const float *pixels, size_t n);

/* And its last: embeddings from the pooled rows x[n, width], which ln_post normalises in place. */
void vision_project(const struct vision *v, const struct engine *e, struct rows x, size_t n,
                    float *embeddings);

#endif
