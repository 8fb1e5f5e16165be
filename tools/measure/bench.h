/* bench.h - what the parts of `clipc bench` share: what is measured, and the row that each figure
 * becomes in every form of the output. */
#ifndef CLIPC_BENCH_H
#define CLIPC_BENCH_H

#include "../../kernels/kernels.h"
#include "../cli/cli.h"
#include "../cli/json_put.h"
#include "roof.h"
#include "shapes.h"

enum { BENCH_SETS = 12 };

struct bench_set {
    struct kernels k;
    const char *name;
    const struct kernels *own; /* with what it has itself only */
};

/* One figure.  A number that is NaN and a text that is NULL say nothing. */
struct bench_row {
    const char *kind; /* machine, peak, bandwidth, layer, part, encode, start, memory */
    const char *name; /* of the layer, the part, the encode ... */
    const char *set, *gemm, *model, *input, *dtype, *precision, *compiler;
    double block, batch, threads, rows, in, out, calls;
    double operations, bytes;            /* of one run; bytes: weights and activations */
    double begins, ms, least, p95, cpu;  /* ms: the median */
    double spread;                       /* from quartile to quartile, of the median */
    double per_second;                   /* images or texts */
    double gflops, peak, share;          /* of the instruction's peak */
    double gbs, bandwidth, memory_share; /* GB/s, and the share of what memory gave */
    const char *limit;                   /* which of the two is nearer: compute, memory */
    double against;                      /* how many times faster than the set of --against */
    double memory, unpacked;             /* bytes */
};

struct bench {
    struct cli *cli;
    struct bench_set sets[BENCH_SETS];
    size_t n;
    const char *against; /* a set's name, or NULL */
    int shape, dtype;    /* of the layers: 0 the default, else 1 + their place in the choices */
    struct roofs roofs;
    struct json_records records;
    FILE *csv;                /* NULL: none */
    struct bench_row *layers; /* [n_layers]: kept for the picture */
    size_t n_layers;
};

/* All NaN and NULL, but for the kind and the name. */
struct bench_row bench_row_new(const char *kind, const char *name);

/* The row in JSON on stdout, if that was asked for, and in the CSV file. */
void bench_put(struct bench *bench, const struct bench_row *row);

/* The CSV's line of names. */
void bench_csv_head(FILE *f);

/* Share of the peak, share of the bandwidth, and which of the two it is: from operations, bytes,
 * ms, peak and bandwidth. */
void bench_judge(struct bench_row *row);

/* Median, 95th percentile and spread of seconds: [n], which it sorts. */
void bench_times(struct bench_row *row, double *seconds, size_t n);

/* Single layers for each kernel set, type of weights and thread count; CLI_DONE or CLI_FAILED after
 * a message. */
int bench_layers(struct bench *bench);

/* One forward pass of `model` by part, with the first set. */
int bench_timeline(struct bench *bench, const clipc_model *model);

/* Whole images and texts, and the memory of sessions. */
int bench_whole(struct bench *bench, const clipc_model *model);

/* A process's start to its first vector, and what it holds at most: this program run anew on the
 * weight file `path` (NULL: the embedded model). */
int bench_start(struct bench *bench, const clipc_model *model, const char *path);

/* The layers' rows as a picture: GFLOP/s over operations for each byte, under the roofs. */
void roofline_svg(FILE *f, const struct bench *bench, const char *machine);

#endif
