/* vision.h - the image tower: patches -> class token, positions -> ln_pre -> blocks -> class row ->
 * ln_post -> projection.  Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", figure
 * 1, and openai/CLIP clip/model.py, class VisionTransformer. */
#ifndef CLIPC_VISION_H
#define CLIPC_VISION_H

#include "../../weights/format.h"
#include "map.h"
#include "transformer.h"

struct vision {
    size_t image_size, patch_size, grid, tokens; /* tokens: grid * grid, and the class token */
    struct linear patch_embed;                   /* [width, 3 patch patch]; bias or NULL */
    const float *class_embedding;                /* [width], or NULL: no class token */
    const float *positional_embedding;           /* [tokens, width] */
    bool pre_ln;
    struct kernels_layer_norm ln_pre, ln_post; /* [width] */
    struct transformer blocks;
    enum format_pool pool;
    bool norm_pooled;    /* ln_post is of the pooled row and not of all */
    struct map_head map; /* with FORMAT_POOL_MAP */
    size_t embed_dim;
    struct linear projection; /* [embed_dim, width]; panels NULL: none, width = embed_dim */
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

/* From all rows of the last block to the ones that stand for the images: a.x[n, width], with
 * ln_post done.  What is left is the projection (pool.h). */
void vision_pool(const struct vision *v, const struct engine *e, const struct vision_buffers *b,
                 const struct sequences *s);

#endif
