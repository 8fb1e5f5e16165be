/* bench.h - what the parts of `clipc bench` share. */
#ifndef CLIPC_BENCH_H
#define CLIPC_BENCH_H

#include "../../kernels/kernels.h"
#include "../cli/cli.h"
#include "../cli/json_put.h"

enum { BENCH_ROUNDS = 15, BENCH_SETS = 8 };

struct bench_set {
    struct kernels k;
    const char *name;
    double peak[2]; /* GFLOP/s of multiply-adds alone: of floats, of int8 */
};

struct bench {
    struct cli *cli;
    struct bench_set sets[BENCH_SETS];
    size_t n;
    struct json_records records;
};

/* Sorts x: [n]. */
double bench_median(double *x, size_t n);

/* One layer of each kind, for each kernel set: GFLOP/s and share of the peak. */
void bench_kernels(struct bench *bench);

/* Whole images and texts, and the memory of sessions; CLI_DONE or CLI_FAILED after a message. */
int bench_whole(struct bench *bench);

#endif
