/* gflop.c - how much work a model is. */
#include "gflop.h"

static double tower_gflop(const struct format_tower *t, double rows)
{
    double w = t->width, per_row = w * (4 * w + 2 * (double)t->mlp_width) + 2 * rows * w;

    return 2e-9 * rows * t->layers * per_row;
}

double gflop_image(const struct format_header *h)
{
    double patches =
        2e-9 * h->vision.positions * 3.0 * h->patch_size * h->patch_size * h->vision.width;

    return h->vision.layers != 0 ? tower_gflop(&h->vision, h->vision.positions) + patches : 0;
}

double gflop_text(const struct format_header *h, size_t n_ids)
{
    return h->text.layers != 0 ? tower_gflop(&h->text, (double)n_ids) : 0;
}

double gflop_of(const struct format_header *h, size_t n_ids)
{
    return gflop_image(h) + gflop_text(h, n_ids);
}
