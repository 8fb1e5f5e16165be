/* statistics.h - `--changes` and `--outliers`: changes.h and outliers.h for each source by itself,
 * their settings as text, their results as JSON. */
#ifndef CLIPC_STATISTICS_H
#define CLIPC_STATISTICS_H

#include <stdio.h>

#include "changes.h"
#include "outliers.h"

struct statistics_options {
    bool changes, outliers; /* which are wanted */
    struct changes_options changes_options;
    struct outliers_options outliers_options;
};

/* Settings over the defaults, as "strategy=sma,warmup=10,threshold_percentile=0.1"; text NULL: the
 * defaults.  Names are those of Roboflow's blocks; a strategy is ema, sma or window, or its name
 * there.  0, or CLIPC_ERROR_ARGUMENT with its sentence. */
int statistics_read_changes(const char *text, struct changes_options *options);
int statistics_read_outliers(const char *text, struct outliers_options *options);

/* Of one embedding; NULL: not wanted, or the embedding is no sample. */
struct statistics_result {
    const struct changes_result *changes;
    const struct outliers_result *outliers;
};

struct statistics;

/* For embeddings of `dim` floats.  NULL without memory. */
struct statistics *statistics_new(const struct statistics_options *options, size_t n_sources,
                                  size_t dim);
void statistics_free(struct statistics *statistics);

/* Results stay until the next call. */
struct statistics_result statistics_add(struct statistics *statistics, size_t source,
                                        const float *embedding);

/* `, "changes": {"is_outlier": ..., "percentile", "z_score", "average": [dim], "std": [dim],
 * "warming_up"}, "outliers": {"is_outlier", "percentile", "warming_up"}` of what is wanted; null
 * where there is no result. */
void statistics_put(FILE *f, const struct statistics *statistics,
                    const struct statistics_result *result);

#endif
