/* histogram.h - how long things took, for Prometheus. */
#ifndef CLIPC_HISTOGRAM_H
#define CLIPC_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_BUCKETS = 12 };

/* Zeroed at first; its owner locks it. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* between two bounds, the last above all */
    uint64_t total;
    double sum; /* seconds */
};

void histogram_add(struct histogram *histogram, double seconds);

/* The lines NAME_bucket, NAME_sum, NAME_count; labels: "model=\"a\"", or "". */
void histogram_print(const struct histogram *histogram, FILE *f, const char *name,
                     const char *labels);

#endif
