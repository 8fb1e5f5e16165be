/* roof.c - peaks, bandwidth and noise.  Limits are the best of their tries; a thread counts its own
 * CPU time, so that a busy machine shows what the core can do and not who else was there. */
#include "roof.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/base/base.h"

enum { PEAK_STEPS = 20000, THREADS_MOST = 1024, NOISE_GROUPS = 5, NOISE_LOOPS = 21 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double roof_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

double roof_quantile(const double *sorted, size_t n, double share)
{
    size_t i = (size_t)ceil(share * (double)n);

    return sorted[i > 0 ? i - 1 : 0];
}

double roof_cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Multiply-adds ------------------------------------------------------------------------- */

struct peak_job {
    const struct kernels_gemm *gemm;
    double rates[THREADS_MOST]; /* operations a second of each task */
};

static double peak_once(const struct kernels_gemm *gemm)
{
    float sink[3] = {1, 0.5f, 0.25f};
    double start = roof_cpu_seconds();
    size_t operations = gemm->peak(sink, PEAK_STEPS);

    return (double)operations / (roof_cpu_seconds() - start);
}

static void peak_task(void *arg, size_t i, int worker)
{
    struct peak_job *job = arg;

    (void)worker;
    job->rates[i] = peak_once(job->gemm);
}

/* The gemm itself, or the best float one where it has no loop of its own. */
static const struct kernels_gemm *own_or_best(const struct kernels_gemm *gemm)
{
    const struct kernels_linear wide = {
        .in = 1024, .out = 1024, .in_padded = 1024, .out_padded = 1024, .dtype = KERNELS_F32};
    struct kernels best;

    return gemm->peak == NULL && kernels_find(NULL, &best)
               ? kernels_choose(&best, &wide, KERNELS_EXACT)
               : gemm;
}

static int threads_of(const struct threads_pool *pool)
{
    int n = threads_pool_size(pool);

    return n < THREADS_MOST ? n : THREADS_MOST;
}

double roofs_peak(struct roofs *roofs, struct threads_pool *pool, const struct kernels_gemm *gemm)
{
    struct peak_job job = {.gemm = own_or_best(gemm)};
    int threads = threads_of(pool);
    size_t i = 0;

    while (i < roofs->n && (roofs->peaks[i].gemm != gemm || roofs->peaks[i].threads != threads)) {
        i++;
    }
    bool known = i < roofs->n;
    if (!known && roofs->n == ROOF_MOST) {
        return 0;
    }
    struct roof_peak *peak = &roofs->peaks[i];
    if (!known) {
        roofs->n++;
        *peak = (struct roof_peak){gemm, threads, 0};
    }
    for (int tries = known ? 3 : 60; tries > 0 && job.gemm->peak != NULL; tries--) {
        double sum = 0;
        threads_parallel_for(pool, (size_t)threads, peak_task, &job);
        for (int t = 0; t < threads; t++) {
            sum += 1e-9 * job.rates[t];
        }
        peak->gflops = fmax(peak->gflops, sum);
    }
    return peak->gflops;
}

void roofs_noise(struct roofs *roofs, const struct kernels_gemm *gemm)
{
    double medians[NOISE_GROUPS];

    gemm = own_or_best(gemm);
    for (int g = 0; g < NOISE_GROUPS; g++) {
        double times[NOISE_LOOPS];
        for (int i = 0; i < NOISE_LOOPS; i++) {
            float sink[3] = {1, 0.5f, 0.25f};
            double start = base_seconds();
            gemm->peak(sink, PEAK_STEPS);
            times[i] = base_seconds() - start;
        }
        medians[g] = roof_median(times, NOISE_LOOPS);
    }
    roof_median(medians, NOISE_GROUPS);
    roofs->noise = medians[NOISE_GROUPS - 1] / medians[0] - 1;
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* Eight numbers at a time: the compiler makes vectors of it. */
typedef uint64_t wide __attribute__((vector_size(64), may_alias));

struct stream_job {
    const wide *memory;
    size_t each;                 /* of them, for a task */
    uint64_t sums[THREADS_MOST]; /* so that the reading is for something */
    double rates[THREADS_MOST];  /* bytes a second */
};

static void stream_task(void *arg, size_t i, int worker)
{
    struct stream_job *job = arg;
    const wide *p = job->memory + i * job->each;
    wide a = {0}, b = {0};
    double start = roof_cpu_seconds();

    (void)worker;
    for (size_t n = 0; n + 2 <= job->each; n += 2) {
        a += p[n];
        b += p[n + 1];
    }
    a += b;
    job->sums[i] = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
    job->rates[i] = (double)(job->each * sizeof *p) / (roof_cpu_seconds() - start);
}

double roofs_bandwidth(const struct roofs *roofs, struct threads_pool *pool)
{
    size_t threads = (size_t)threads_of(pool);
    struct stream_job job = {.memory = roofs->memory,
                             .each = roofs->bytes / sizeof(wide) / threads};
    double best = 0;

    for (int tries = 0; tries < 8; tries++) {
        double sum = 0;
        threads_parallel_for(pool, threads, stream_task, &job);
        for (size_t t = 0; t < threads; t++) {
            sum += job.rates[t];
        }
        best = fmax(best, sum);
    }
    return best;
}
