/* outliers.h - is an embedding unlike the latest ones, or unusually typical of them?
 *
 * The statistics of Roboflow's workflow block identify_outliers@v1: its inputs, defaults, outputs
 * and formulas.  The last window_size embeddings, this one included and each scaled to length 1,
 * are taken as a sample of a von Mises-Fisher distribution, whose mean direction is estimated by
 * mu = sum / |sum|.  Its density grows with the dot product with mu, so that t = mu . x orders the
 * embeddings by it (the concentration changes no order and is not needed):
 *
 *     percentile = share of the window whose t is below this one's
 *     outlier: percentile < threshold or percentile > 1 - threshold
 *
 * As there, the embedding is in its own window: of n, percentiles are 0, 1/n, ... (n - 1)/n, the
 * least typical is an outlier however little it differs, and embeddings that are all the same are
 * all at 0.  Where there is no mean direction (one embedding, or the sum is 0), mu = x.  Products
 * that differ by no more than their rounding are the same (those of two embeddings always are).
 *
 *     struct outliers *o = outliers_new(&outliers_defaults, clipc_dim(model));
 *     struct outliers_result r;
 *     while (next embedding) {
 *         if (outliers_add(o, embedding, &r) && r.is_outlier) ...
 *     }
 *     outliers_free(o);
 */
#ifndef CLIPC_OUTLIERS_H
#define CLIPC_OUTLIERS_H

#include <stdbool.h>
#include <stddef.h>

struct outliers_options {
    double threshold_percentile; /* 0 .. 1 */
    size_t warmup;               /* none of the first warmup - 1 embeddings is an outlier */
    size_t window_size;          /* 1 .. UNIT_MOST_ROWS */
};

/* 0.05, 3, 32. */
extern const struct outliers_options outliers_defaults;

struct outliers_result {
    bool is_outlier, warming_up;
    double percentile; /* 0 .. 1; small: unlike the others; 0.5 while warming up */
};

/* What is wrong with the options, as a phrase that follows their name; NULL: nothing. */
const char *outliers_wrong(const struct outliers_options *options);

/* Statistics of embeddings of `dim` floats.  `options` are right.  NULL without memory. */
struct outliers;
struct outliers *outliers_new(const struct outliers_options *options, size_t dim);
void outliers_free(struct outliers *outliers);

/* Take in one embedding: [dim], of any length, and judge it.  false, and nothing changes, when a
 * NaN or an infinity is in it: it is no sample. */
bool outliers_add(struct outliers *outliers, const float *embedding,
                  struct outliers_result *result);

#endif
