/* vision.h - the image tower: patches -> class token, positions -> ln_pre -> blocks -> class row ->
 * ln_post -> projection.  Source: openai/CLIP clip/model.py, class VisionTransformer. */
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
};

int vision_bind(struct vision *v, const struct weights *w);
void vision_free(struct vision *v);
int vision_each_linear(struct vision *v, transformer_linear_fn fn, void *arg);

/* Buffers for `batch` images; see struct arena. */
void vision_layout(const struct vision *v, size_t batch, struct arena *arena,
                   struct vision_buffers *b);

/* embeddings: [n, embed_dim] from pixels: [n, 3, image_size, image_size]; n <= batch. */
void vision_forward(const struct vision *v, const struct engine *e, const struct vision_buffers *b,
                    const float *pixels, size_t n, float *embeddings);

#endif
