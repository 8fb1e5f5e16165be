/* shapes.c - the linear layers of well-known models: Radford et al. 2021, table 20, and OpenCLIP's
 * ViT-H-14. */
#include "shapes.h"

const struct shape shapes_all[] = {
    {"vit-b-32", 32, 50, 768, 512, KERNELS_QUICK_GELU},
    {"vit-b-16", 16, 197, 768, 512, KERNELS_QUICK_GELU},
    {"vit-l-14", 14, 257, 1024, 768, KERNELS_QUICK_GELU},
    {"vit-l-14-336", 14, 577, 1024, 768, KERNELS_QUICK_GELU},
    {"vit-h-14", 14, 257, 1280, 1024, KERNELS_GELU_ERF},
    {NULL, 0, 0, 0, 0, KERNELS_LINEAR},
};

/* The four of a block over `rows` rows of `width`. */
static void block_layers(const char *input, size_t rows, size_t width,
                         enum kernels_activation activation, struct shape_layer *to)
{
    const size_t mlp = 4 * width;

    to[0] = (struct shape_layer){input, "attn_in", rows, width, 3 * width, KERNELS_LINEAR, false};
    to[1] = (struct shape_layer){input, "attn_out", rows, width, width, KERNELS_LINEAR, true};
    to[2] = (struct shape_layer){input, "c_fc", rows, width, mlp, activation, false};
    to[3] = (struct shape_layer){input, "c_proj", rows, mlp, width, KERNELS_LINEAR, true};
}

void shape_layers(const struct shape *s, size_t batch, struct shape_layer layers[SHAPE_LAYERS])
{
    const size_t rows = batch * s->tokens, pixels = 3 * s->patch * s->patch;

    layers[0] =
        (struct shape_layer){"image", "patch_embed", rows, pixels, s->width, KERNELS_LINEAR, true};
    block_layers("image", rows, s->width, s->c_fc_activation, layers + 1);
    block_layers("text of 8", 8 * batch, s->text_width, s->c_fc_activation, layers + 5);
    block_layers("text of 77", 77 * batch, s->text_width, s->c_fc_activation, layers + 9);
}

double shape_operations(const struct shape_layer *l)
{
    return 2 * (double)l->rows * (double)l->in * (double)l->out;
}
