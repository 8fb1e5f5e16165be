/* shapes.h - the linear layers of well-known models, and how large they are. */
#ifndef CLIPC_SHAPES_H
#define CLIPC_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

#include "../../kernels/kernels.h"

/* A model's name as on the command line, joined by '|', in the order of shapes_all. */
#define SHAPES_NAMES "vit-b-32|vit-b-16|vit-l-14|vit-l-14-336|vit-h-14"

struct shape {
    const char *name;
    size_t patch, tokens, width; /* of the image tower: pixels of a patch's side; with class */
    size_t text_width;           /* of the text tower; either mlp is four times as wide */
    enum kernels_activation c_fc_activation;
};

/* A NULL name behind the last. */
extern const struct shape shapes_all[];

/* One layer over so many rows: y[rows, out] from x[rows, in]. */
struct shape_layer {
    const char *input; /* whose rows: "image", "text of 8", "text of 77" */
    const char *name;
    size_t rows, in, out;
    enum kernels_activation activation;
    bool residual; /* y is added to what is there */
};

enum { SHAPE_LAYERS = 13 };

/* The patch embedding and the four layers of a block, for `batch` images; the four of a text's
 * block for `batch` texts of 8 ids and of 77. */
void shape_layers(const struct shape *shape, size_t batch, struct shape_layer layers[SHAPE_LAYERS]);

/* Multiply-adds of a layer, two operations each. */
double shape_operations(const struct shape_layer *layer);

#endif
