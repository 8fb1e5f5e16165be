/* roof.h - the two limits of a kernel on this machine: what its instruction does when nothing else
 * holds it up, and what memory delivers (the roofline model: Williams, Waterman & Patterson 2009).
 * Both are measured, because clocks change with the load and with the width of the vectors. */
#ifndef CLIPC_ROOF_H
#define CLIPC_ROOF_H

#include <stddef.h>

#include "../../kernels/kernels.h"
#include "../../src/base/threads.h"

enum { ROOF_MOST = 64 };

struct roof_peak {
    const struct kernels_gemm *gemm;
    int threads;
    double gflops;
};

/* Begins as all zeros but for `memory`. */
struct roofs {
    struct roof_peak peaks[ROOF_MOST];
    size_t n;
    const void *memory; /* larger than the caches, read by roofs_bandwidth */
    size_t bytes;
    double noise; /* how far apart the medians of one and the same loop were, of their least */
};

/* Seconds that this thread computed: what others did meanwhile on its CPU does not count. */
double roof_cpu_seconds(void);

/* GFLOP/s of gemm's own instruction on all threads of `pool`: the best try so far, which later
 * calls may raise.  A gemm of a library, which has no such loop, is held against the float gemm of
 * the best set of this CPU. */
double roofs_peak(struct roofs *roofs, struct threads_pool *pool, const struct kernels_gemm *gemm);

/* Bytes a second that all threads of `pool` read together: the best of some tries. */
double roofs_bandwidth(const struct roofs *roofs, struct threads_pool *pool);

/* Measure `noise`, on one thread: the spread of the medians of five groups of short loops. */
void roofs_noise(struct roofs *roofs, const struct kernels_gemm *gemm);

/* Sorts x: [n]. */
double roof_median(double *x, size_t n);

/* The value of sorted x: [n] that a share of them is at or below: 0.95 is the slowest of 20 but
 * one. */
double roof_quantile(const double *sorted, size_t n, double share);

#endif
