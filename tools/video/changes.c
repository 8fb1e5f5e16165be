/* changes.c - an average and a deviation of embeddings, the same of their cosines with that
 * average, and how unusual the latest cosine is. */
#include "changes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

const struct changes_options changes_defaults = {
    .strategy = CHANGES_EMA,
    .threshold_percentile = 0.2,
    .warmup = 3,
    .smoothing_factor = 0.1,
    .window_size = 10,
};

/* Running statistics of vectors of `dim` numbers, each place by itself. */
struct series {
    size_t dim;
    bool begun;
    double *average, *spread, *std; /* [dim]; spread: the variance (EMA), Welford's M (SMA) */
    struct unit_window window;      /* CHANGES_WINDOW only */
};

struct changes {
    struct changes_options options;
    size_t samples;
    double *unit;                    /* [dim] */
    struct series embedding, cosine; /* of dim and of 1 */
};

const char *changes_wrong(const struct changes_options *options)
{
    if (!(options->threshold_percentile >= 0 && options->threshold_percentile <= 1)) {
        return "threshold_percentile: from 0 to 1";
    }
    if (!(options->smoothing_factor > 0 && options->smoothing_factor <= 1)) {
        return "smoothing_factor: above 0, at most 1";
    }
    if (options->window_size < 1 || options->window_size > UNIT_MOST_ROWS) {
        return "window_size: from 1 to 4096";
    }
    return NULL;
}

static bool series_init(struct series *s, const struct changes_options *options, size_t dim)
{
    s->dim = dim;
    s->average = calloc(3 * dim, sizeof *s->average);
    if (s->average == NULL) {
        return false;
    }
    s->spread = s->average + dim;
    s->std = s->spread + dim;
    return options->strategy != CHANGES_WINDOW ||
           unit_window_init(&s->window, options->window_size, dim);
}

static void series_free(struct series *s)
{
    free(s->average);
    unit_window_free(&s->window);
}

static void add_ema(struct series *s, const double *x, double factor)
{
    for (size_t i = 0; i < s->dim; i++) {
        s->average[i] = (1 - factor) * s->average[i] + factor * x[i];
        double off = x[i] - s->average[i];
        s->spread[i] = (1 - factor) * s->spread[i] + factor * off * off;
        s->std[i] = sqrt(s->spread[i]);
    }
}

static void add_sma(struct series *s, const double *x, double count)
{
    for (size_t i = 0; i < s->dim; i++) {
        double off = x[i] - s->average[i];
        s->average[i] += off / count;
        s->spread[i] += off * (x[i] - s->average[i]);
        s->std[i] = sqrt(s->spread[i] / (count - 1));
    }
}

static void add_to_window(struct series *s, const double *x)
{
    const struct unit_window *w = &s->window;
    double share;

    unit_window_add(&s->window, x);
    share = 1.0 / (double)w->n;
    memset(s->average, 0, s->dim * sizeof *s->average);
    memset(s->spread, 0, s->dim * sizeof *s->spread);
    for (size_t row = 0; row < w->n; row++) {
        for (size_t i = 0; i < s->dim; i++) {
            s->average[i] += w->rows[row * s->dim + i] * share;
        }
    }
    for (size_t row = 0; row < w->n; row++) {
        for (size_t i = 0; i < s->dim; i++) {
            double off = w->rows[row * s->dim + i] - s->average[i];
            s->spread[i] += off * off * share;
        }
    }
    for (size_t i = 0; i < s->dim; i++) {
        s->std[i] = sqrt(s->spread[i]);
    }
}

/* `count`: embeddings so far, this one included. */
static void series_add(struct series *s, const struct changes_options *options, const double *x,
                       size_t count)
{
    if (!s->begun) {
        memcpy(s->average, x, s->dim * sizeof *x);
        s->begun = true;
    } else if (options->strategy == CHANGES_EMA) {
        add_ema(s, x, options->smoothing_factor);
    } else if (options->strategy == CHANGES_SMA) {
        add_sma(s, x, (double)count);
    } else {
        add_to_window(s, x);
    }
}

struct changes *changes_new(const struct changes_options *options, size_t dim)
{
    struct changes *c = calloc(1, sizeof *c);

    if (c == NULL) {
        return NULL;
    }
    c->options = *options;
    c->unit = calloc(dim, sizeof *c->unit);
    if (c->unit == NULL || !series_init(&c->embedding, options, dim) ||
        !series_init(&c->cosine, options, 1)) {
        changes_free(c);
        return NULL;
    }
    return c;
}

void changes_free(struct changes *changes)
{
    if (changes != NULL) {
        series_free(&changes->embedding);
        series_free(&changes->cosine);
        free(changes->unit);
        free(changes);
    }
}

/* z of the cosine of c->unit with the average so far, the cosine taken in. */
static double z_of_cosine(struct changes *c)
{
    size_t dim = c->embedding.dim;
    const double *average = c->embedding.average;
    double lengths = sqrt(unit_dot(c->unit, c->unit, dim)) * sqrt(unit_dot(average, average, dim));
    double cosine = lengths > 0 ? unit_dot(c->unit, average, dim) / lengths : 0;

    series_add(&c->cosine, &c->options, &cosine, c->samples + 1);
    if (*c->cosine.std <= unit_rounding(dim)) {
        return 0; /* what differs between these cosines is the rounding of their sums */
    }
    return (cosine - *c->cosine.average) / *c->cosine.std;
}

bool changes_add(struct changes *changes, const float *embedding, struct changes_result *result)
{
    struct changes *c = changes;
    double half = c->options.threshold_percentile / 2;
    struct changes_result r = {.warming_up = c->samples < c->options.warmup,
                               .average = c->embedding.average,
                               .std = c->embedding.std};

    if (!unit_of(c->unit, embedding, c->embedding.dim)) {
        return false;
    }
    r.z_score = c->samples == 0 ? 0 : z_of_cosine(c);
    r.percentile = 0.5 * erfc(r.z_score / sqrt(2)); /* 1 - Phi(z) */
    r.is_outlier = !r.warming_up && (r.percentile <= half || r.percentile >= 1 - half);
    series_add(&c->embedding, &c->options, c->unit, c->samples + 1);
    c->samples++;
    *result = r;
    return true;
}
