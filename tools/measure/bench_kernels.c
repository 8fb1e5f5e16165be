/* bench_kernels.c - gemm at the shapes of one layer of ViT-B/32, for each kernel set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "../../src/base/base.h"
#include "bench.h"

struct problem {
    const char *name;
    size_t rows, in, out;
    enum kernels_activation activation;
    bool residual;
};

struct buffers {
    float *x, *y, *bias, *scale;
    unsigned char *panels;
    void *packed, *scratch, *prepared;
    struct kernels_linear w;
    const struct kernels_gemm *gemm;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

static void free_buffers(struct buffers *b)
{
    base_free(b->x);
    base_free(b->y);
    base_free(b->bias);
    base_free(b->scale);
    base_free(b->panels);
    base_free(b->packed);
    base_free(b->scratch);
    base_free(b->prepared);
}

static bool make_buffers(struct buffers *b, const struct kernels *k, const struct problem *p,
                         enum kernels_dtype dtype)
{
    size_t bytes = pack_bytes(dtype, p->out, p->in);

    memset(b, 0, sizeof *b);
    b->w = (struct kernels_linear){.in = (uint32_t)p->in,
                                   .out = (uint32_t)p->out,
                                   .dtype = dtype,
                                   .in_padded = (uint32_t)base_round_up(p->in, KERNELS_PAD),
                                   .out_padded = (uint32_t)base_round_up(p->out, KERNELS_PANEL)};
    const struct kernels_gemm *gemm = b->gemm =
        kernels_choose(k, &b->w, dtype == KERNELS_Q8 ? KERNELS_FAST : KERNELS_EXACT);
    b->panels = base_alloc(bytes);
    b->x = base_alloc(p->rows * p->in * sizeof(float));
    b->y = base_alloc(p->rows * p->out * sizeof(float));
    b->bias = base_alloc(b->w.out_padded * sizeof(float)); /* zeros, and so are q8's sums */
    b->scale = base_alloc(b->w.out_padded * sizeof(float));
    b->packed = base_alloc(gemm->act_bytes(&b->w, p->rows));
    b->scratch = base_alloc(gemm->gemm_scratch(&b->w));
    b->prepared = base_alloc(gemm->weight_bytes != NULL ? gemm->weight_bytes(&b->w) : 0);
    if (b->panels == NULL || b->x == NULL || b->y == NULL || b->bias == NULL || b->scale == NULL ||
        b->packed == NULL || b->scratch == NULL || b->prepared == NULL) {
        free_buffers(b);
        return false;
    }
    size_t element = pack_dtype(dtype)->element_bytes;
    for (size_t i = 0; i < bytes; i++) { /* small, finite numbers in any kind of float */
        b->panels[i] = (unsigned char)(i % element == element - 1 ? 0x3c : i * 37);
    }
    for (size_t i = 0; i < p->rows * p->in; i++) {
        b->x[i] = (float)(i % 17) - 8;
    }
    for (size_t o = 0; o < b->w.out_padded; o++) {
        b->scale[o] = 0.01f;
    }
    b->w.panels = b->panels;
    b->w.scale = b->scale;
    b->w.sums = (const int32_t *)(const void *)b->bias;
    if (gemm->weight_prepare != NULL) {
        gemm->weight_prepare(&b->w, b->prepared);
        b->w.prepared = b->prepared;
    }
    return true;
}

static void once(struct buffers *b, const struct problem *p)
{
    struct kernels_epilogue e = {.bias = b->bias,
                                 .residual = p->residual ? b->y : NULL,
                                 .residual_stride = p->out,
                                 .y = b->y,
                                 .y_stride = p->out,
                                 .activation = p->activation};

    b->gemm->act_pack(&b->w, b->packed, b->x, p->in, p->rows, 0, p->rows, NULL);
    b->gemm->gemm(&b->w, 0, b->w.out_padded / KERNELS_PANEL, p->rows, 0, p->rows, b->packed, &e,
                  b->scratch);
}

/* GFLOP/s of the median round for each set. */
static bool time_problem(const struct bench *job, const struct problem *p, enum kernels_dtype dtype,
                         double *gflops)
{
    struct buffers buffers[BENCH_SETS];
    double times[BENCH_SETS][BENCH_ROUNDS],
        flop = 2e-9 * (double)p->rows * (double)p->in * (double)p->out;

    for (size_t s = 0; s < job->n; s++) {
        if (!make_buffers(&buffers[s], &job->sets[s].k, p, dtype)) {
            while (s-- > 0) {
                free_buffers(&buffers[s]);
            }
            return false;
        }
    }
    for (int r = -1; r < BENCH_ROUNDS; r++) { /* round -1 warms up */
        for (size_t s = 0; s < job->n; s++) {
            double start = base_seconds();
            once(&buffers[s], p);
            if (r >= 0) {
                times[s][r] = base_seconds() - start;
            }
        }
    }
    for (size_t s = 0; s < job->n; s++) {
        gflops[s] = flop / bench_median(times[s], BENCH_ROUNDS);
        free_buffers(&buffers[s]);
    }
    return true;
}

/* Raise each set's peaks to the best of some more tries: they are limits, so the best counts.  A
 * library's gemm is held against the instruction of the best set of ours. */
static void measure_peaks(struct bench *job)
{
    for (size_t i = 0; i < 20 * job->n; i++) {
        struct bench_set *set = &job->sets[i / 20];
        struct kernels best = set->k;
        struct kernels_linear wide = {.in = 1024,
                                      .out = 1024,
                                      .in_padded = 1024,
                                      .out_padded = 1024,
                                      .dtype = i % 2 ? KERNELS_Q8 : KERNELS_F32};
        float sink[3] = {1, 0.5f, 0.25f};
        const struct kernels_gemm *gemm = kernels_choose(&best, &wide, KERNELS_FAST);
        if (gemm->peak == NULL && kernels_find(NULL, &best)) {
            gemm = kernels_choose(&best, &wide, KERNELS_FAST);
        }
        double start = base_seconds();
        size_t operations = gemm->peak(sink, 20000);
        double gflops = 1e-9 * (double)operations / (base_seconds() - start);
        set->peak[i % 2] = fmax(set->peak[i % 2], gflops);
    }
}

static void print_kernel(struct bench *job, const struct problem *p, const char *dtype,
                         const double *gflops)
{
    bool q8 = strcmp(dtype, "q8") == 0;

    if (job->cli->json) {
        for (size_t s = 0; s < job->n; s++) {
            json_records_next(&job->records);
            printf(
                "{\"kernel\": \"%s\", \"rows\": %zu, \"in\": %zu, \"out\": %zu, \"dtype\": \"%s\", "
                "\"set\": \"%s\", \"gflops\": %.4g, \"share\": %.4g}",
                p->name, p->rows, p->in, p->out, dtype, job->sets[s].name, gflops[s],
                gflops[s] / job->sets[s].peak[q8]);
        }
        return;
    }
    printf("  %-12s %4zu x %4zu x %4zu %-4s", p->name, p->rows, p->in, p->out, dtype);
    for (size_t s = 0; s < job->n; s++) {
        printf("  %8.1f %3.0f %%", gflops[s], 100 * gflops[s] / job->sets[s].peak[q8]);
    }
    putchar('\n');
    fflush(stdout);
}

void bench_kernels(struct bench *job)
{
    static const size_t batches[] = {1, 8};
    double gflops[BENCH_SETS];

    for (int i = 0; i < 10; i++) {
        measure_peaks(job);
    }
    if (!job->cli->json) {
        printf("kernels of one layer of ViT-B/32, one thread, GFLOP/s and share of peak\n  %-36s",
               "");
        for (size_t s = 0; s < job->n; s++) {
            printf("  %14s", job->sets[s].name);
        }
        printf("\n  %-36s", "multiply-adds alone (the peak)");
        for (size_t s = 0; s < job->n; s++) {
            printf("  %8.1f      ", job->sets[s].peak[0]);
        }
        putchar('\n');
    }
    for (size_t b = 0; b < 2; b++) {
        size_t rows = 50 * batches[b];
        const struct problem problems[] = {
            {"patch_embed", rows, 3072, 768, KERNELS_LINEAR, true},
            {"attn_in", rows, 768, 2304, KERNELS_LINEAR, false},
            {"attn_out", rows, 768, 768, KERNELS_LINEAR, true},
            {"c_fc", rows, 768, 3072, KERNELS_QUICK_GELU, false},
            {"c_proj", rows, 3072, 768, KERNELS_LINEAR, true},
        };
        for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
            for (enum kernels_dtype d = KERNELS_F32; pack_dtype(d) != NULL; d++) {
                measure_peaks(job);
                if (time_problem(job, &problems[i], d, gflops)) {
                    print_kernel(job, &problems[i], pack_dtype(d)->name, gflops);
                }
            }
        }
    }
}
