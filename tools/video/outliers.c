/* outliers.c - the mean direction of a window of embeddings, and the rank of the latest by its dot
 * product with it. */
#include "outliers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

const struct outliers_options outliers_defaults = {
    .threshold_percentile = 0.05,
    .warmup = 3,
    .window_size = 32,
};

struct outliers {
    struct outliers_options options;
    size_t samples;
    double *unit, *mean; /* [dim] */
    struct unit_window window;
};

const char *outliers_wrong(const struct outliers_options *options)
{
    if (!(options->threshold_percentile >= 0 && options->threshold_percentile <= 1)) {
        return "threshold_percentile: from 0 to 1";
    }
    if (options->window_size < 1 || options->window_size > UNIT_MOST_ROWS) {
        return "window_size: from 1 to 4096";
    }
    return NULL;
}

struct outliers *outliers_new(const struct outliers_options *options, size_t dim)
{
    struct outliers *o = calloc(1, sizeof *o);

    if (o == NULL) {
        return NULL;
    }
    o->options = *options;
    o->unit = calloc(2 * dim, sizeof *o->unit);
    if (o->unit == NULL || !unit_window_init(&o->window, options->window_size, dim)) {
        outliers_free(o);
        return NULL;
    }
    o->mean = o->unit + dim;
    return o;
}

void outliers_free(struct outliers *outliers)
{
    if (outliers != NULL) {
        unit_window_free(&outliers->window);
        free(outliers->unit);
        free(outliers);
    }
}

/* o->mean = the mean direction of the window; where there is none, the latest embedding. */
static void fit_mean(struct outliers *o)
{
    const struct unit_window *w = &o->window;
    double length;

    memset(o->mean, 0, w->dim * sizeof *o->mean);
    for (size_t row = 0; row < w->n; row++) {
        for (size_t i = 0; i < w->dim; i++) {
            o->mean[i] += w->rows[row * w->dim + i];
        }
    }
    length = sqrt(unit_dot(o->mean, o->mean, w->dim));
    if (w->n < 2 || length <= 0) {
        memcpy(o->mean, o->unit, w->dim * sizeof *o->mean);
        return;
    }
    for (size_t i = 0; i < w->dim; i++) {
        o->mean[i] /= length;
    }
}

bool outliers_add(struct outliers *outliers, const float *embedding, struct outliers_result *result)
{
    struct outliers *o = outliers;
    const struct unit_window *w = &o->window;
    double threshold = o->options.threshold_percentile, t;
    size_t below = 0;

    if (!unit_of(o->unit, embedding, w->dim)) {
        return false;
    }
    unit_window_add(&o->window, o->unit);
    o->samples++;
    if (o->samples < o->options.warmup) {
        *result = (struct outliers_result){.warming_up = true, .percentile = 0.5};
        return true;
    }
    fit_mean(o);
    t = unit_dot(o->mean, o->unit, w->dim) - unit_rounding(w->dim);
    for (size_t row = 0; row < w->n; row++) {
        below += unit_dot(o->mean, w->rows + row * w->dim, w->dim) < t;
    }
    result->warming_up = false;
    result->percentile = (double)below / (double)w->n;
    result->is_outlier = result->percentile < threshold || result->percentile > 1 - threshold;
    return true;
}
