/* series.h - scores over time in bounded memory: when there are SERIES_POINTS of them, each two
 * neighbours become one, with their mean, least and most. */
#ifndef CLIPC_SERIES_H
#define CLIPC_SERIES_H

#include <stddef.h>

enum { SERIES_POINTS = 1024 };

struct series_value {
    float sum, least, most;
};

struct series {
    size_t n_values;             /* of a frame */
    size_t n;                    /* points, the last perhaps of fewer frames */
    size_t per, in_last;         /* frames of a point, and of the last one */
    double *times;               /* [SERIES_POINTS], of each point's first frame */
    struct series_value *points; /* [SERIES_POINTS, n_values]; sums of `per` frames */
    double last;                 /* time of the newest frame */
};

/* 0, or CLIPC_ERROR_MEMORY. */
int series_new(struct series *series, size_t n_values);
void series_free(struct series *series);

/* values: [n_values]. */
void series_add(struct series *series, double time, const double *values);

/* Value `i` of point `k`, its mean, least and most. */
struct series_value series_get(const struct series *series, size_t k, size_t i);

#endif
