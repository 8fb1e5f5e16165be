/* changes.h - does the picture change faster or slower than it did until now?
 *
 * The statistics of Roboflow's workflow block identify_changes@v1: its inputs, defaults, outputs
 * and formulas.  Every embedding x (scaled to length 1) has a cosine with the average of those
 * before; of these cosines an average m and a standard deviation s are kept, this one included:
 *
 *     z = (cosine - m) / s      percentile = 1 - Phi(z)
 *     outlier: percentile <= threshold / 2 or percentile >= 1 - threshold / 2
 *
 * Both averages, of embeddings and of cosines, begin with their first value v and a deviation of 0,
 * and take each later one by the strategy:
 *
 *     EMA     a = (1 - f) a + f v;  s^2 = (1 - f) s^2 + f (v - a)^2          f: smoothing_factor
 *     SMA     a += (v - a) / n;  s^2 = M / (n - 1), M by Welford             n: embeddings so far
 *     window  mean and population deviation of the last window_size values after the first
 *
 * As there, n counts embeddings for the cosines too, though these are one less.  Where s is 0, or
 * no more than the rounding of the sums (a still picture), z is 0 and the percentile 0.5.
 *
 *     struct changes *c = changes_new(&changes_defaults, clipc_dim(model));
 *     struct changes_result r;
 *     while (next embedding) {
 *         if (changes_add(c, embedding, &r) && r.is_outlier) ...
 *     }
 *     changes_free(c);
 */
#ifndef CLIPC_CHANGES_H
#define CLIPC_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

enum changes_strategy { CHANGES_EMA, CHANGES_SMA, CHANGES_WINDOW };

struct changes_options {
    enum changes_strategy strategy;
    double threshold_percentile; /* 0 .. 1: the share of embeddings that are to be outliers */
    size_t warmup;               /* embeddings, from the first, of which none is an outlier */
    double smoothing_factor;     /* above 0, at most 1; EMA only */
    size_t window_size;          /* 1 .. UNIT_MOST_ROWS; CHANGES_WINDOW only */
};

/* EMA, 0.2, 3, 0.1, 10. */
extern const struct changes_options changes_defaults;

struct changes_result {
    bool is_outlier, warming_up;
    double percentile;           /* 0 .. 1; small: more like the average than usual */
    double z_score;              /* of the cosine, among the cosines */
    const double *average, *std; /* [dim] each, this embedding included; until the next call */
};

/* What is wrong with the options, as a phrase that follows their name; NULL: nothing. */
const char *changes_wrong(const struct changes_options *options);

/* Statistics of embeddings of `dim` floats.  `options` are right.  NULL without memory. */
struct changes;
struct changes *changes_new(const struct changes_options *options, size_t dim);
void changes_free(struct changes *changes);

/* Judge one embedding: [dim], of any length, by those before it, and take it in.  false, and
 * nothing changes, when a NaN or an infinity is in it: it is no sample. */
bool changes_add(struct changes *changes, const float *embedding, struct changes_result *result);

#endif
