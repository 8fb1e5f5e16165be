/* timeline.c - the parts of one forward pass in the order of their beginning: what each takes, and
 * how near its products come to the peak. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "bench.h"
#include "filler.h"
#include "watch.h"

enum { PASSES_LEAST = 5, PASSES_MOST = 50 };
static const double passes_seconds = 1;

/* ---- Rows ---------------------------------------------------------------------------------- */

struct total {
    const char *name;
    size_t calls;
    double begin, cpu, operations;
    double ideal; /* seconds at the peak */
};

static void print_total(const struct total *t, double of)
{
    char bar[33] = "################################";
    double share = t->cpu / of;

    bar[(size_t)(share < 0 ? 0 : share > 1 ? 32 : 32 * share + 0.5)] = '\0';
    printf("  %-13s %5zu", t->name, t->calls);
    if (t->begin >= 0) {
        printf(" %9.3f", 1e3 * t->begin);
    } else {
        printf(" %9s", "");
    }
    printf(" %9.3f %5.1f %%", 1e3 * t->cpu, 100 * share);
    if (t->operations > 0 && t->cpu > 0) {
        printf(" %8.1f %4.0f %%", 1e-9 * t->operations / t->cpu, 100 * t->ideal / t->cpu);
    } else {
        printf(" %8s %6s", "", "");
    }
    printf("  %s\n", bar);
}

static void put_part(struct bench *bench, const struct watch_part *p, const struct filler *input,
                     int threads)
{
    struct bench_row row = bench_row_new("part", p->name);
    double cpu = p->pack + p->compute;

    row.set = bench->sets[0].name;
    row.input = input->name;
    row.batch = (double)input->n;
    row.threads = threads;
    row.calls = (double)p->calls;
    row.begins = 1e3 * p->begin;
    row.ms = 1e3 * (p->end - p->begin);
    row.cpu = 1e3 * cpu;
    if (p->block >= 0) {
        row.block = p->block;
    }
    if (p->linear != NULL) {
        row.gemm = p->real->name;
    }
    if (p->operations > 0) {
        row.operations = p->operations;
        row.gflops = 1e-9 * p->operations / cpu;
        row.peak = p->peak;
        row.share = row.gflops / p->peak;
    }
    bench_put(bench, &row);
}

/* Parts of one name together, in the order of their first call; packing by itself. */
static void print_totals(const struct watch *t, double wall, int threads)
{
    static const char *const names[] = {"patch_embed", "attn_in", "attention",    "attn_out",
                                        "c_fc",        "c_proj",  "pool_project", "layer_norm"};
    struct total packing = {.name = "packing", .begin = -1}, rest = {.name = "else, idle"};
    double all = 0, of = wall * threads;

    printf("  %-13s %5s %9s %9s %7s %8s %6s\n", "part", "calls", "begins ms", "CPU ms", "share",
           "GFLOP/s", "of peak");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct total total = {.name = names[i], .begin = -1};
        for (size_t j = 0; j < t->n; j++) {
            const struct watch_part *p = &t->parts[j];
            if (p->calls != 0 && strcmp(p->name, names[i]) == 0) {
                total.begin = total.begin < 0 ? p->begin : fmin(total.begin, p->begin);
                total.calls += p->calls;
                total.cpu += p->compute;
                total.operations += p->operations;
                total.ideal += p->peak > 0 ? 1e-9 * p->operations / p->peak : 0;
                packing.cpu += p->pack;
            }
        }
        if (total.calls != 0) {
            print_total(&total, of);
            all += total.cpu;
        }
    }
    print_total(&packing, of);
    rest.begin = -1;
    rest.cpu = of - all - packing.cpu;
    print_total(&rest, of);
}

/* What each part is held against, on one thread.  False: no memory. */
static bool find_peaks(struct bench *bench, struct watch *t)
{
    const struct kernels_linear wide = {
        .in = 1024, .out = 1024, .in_padded = 1024, .out_padded = 1024, .dtype = KERNELS_F32};
    struct threads_pool *one;

    if (threads_pool_new(1, 0, &one) != CLIPC_OK) {
        return false;
    }
    for (size_t i = 0; i < t->n; i++) {
        const struct kernels_gemm *gemm = t->parts[i].real;
        gemm = gemm != NULL ? gemm : kernels_choose(&t->real, &wide, KERNELS_EXACT);
        t->parts[i].peak = roofs_peak(&bench->roofs, one, gemm);
    }
    threads_pool_free(one);
    return true;
}

/* ---- One input ----------------------------------------------------------------------------- */

/* One pass; the parts' times are its own.  Negative: it failed. */
static double pass(struct watch *t, clipc_session *s, const struct filler *input)
{
    watch_reset(t);
    int status = filler_encode(input, s);
    return status == CLIPC_OK ? base_seconds() - t->start : -1;
}

/* The fastest of some passes: the one that others on this machine held up least. */
static double fastest_pass(struct watch *t, clipc_session *s, const struct filler *input,
                           struct watch_part *best)
{
    double least = pass(t, s, input), spent = 0; /* warms up */

    for (int i = 0; least >= 0 && i < PASSES_MOST && (i < PASSES_LEAST || spent < passes_seconds);
         i++) {
        double wall = pass(t, s, input);
        spent += wall;
        if (i == 0 || wall < least) {
            least = wall;
            memcpy(best, t->parts, t->n * sizeof *best);
        }
    }
    return least;
}

static int report(struct bench *bench, struct watch *t, clipc_session *s,
                  const struct filler *input)
{
    struct watch_part *best = malloc(t->n * sizeof *best), *parts = t->parts;
    double wall = best != NULL ? fastest_pass(t, s, input, best) : -1;
    int code = best == NULL ? cli_error("out of memory") : CLI_DONE;

    if (code == CLI_DONE && wall < 0) {
        code = cli_error("%s", clipc_errmsg());
    } else if (code == CLI_DONE) {
        t->parts = best;
        if (!bench->cli->json) {
            printf("\none pass by %s, %zu x %s, %d thread%s: %.3f ms, the fastest of some\n",
                   bench->sets[0].name, input->n, input->name, s->threads,
                   s->threads == 1 ? "" : "s", 1e3 * wall);
            print_totals(t, wall, s->threads);
        }
        for (size_t i = 0; i < t->n; i++) {
            if (best[i].calls != 0) {
                put_part(bench, &best[i], input, s->threads);
            }
        }
        t->parts = parts;
    }
    free(best);
    return code;
}

static int run_input(struct bench *bench, const clipc_model *model, bool image)
{
    struct clipc_options options = bench->cli->session;
    struct watch t = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct filler input;
    clipc_session *s = NULL;
    int code = CLI_DONE;

    options.kernels = bench->sets[0].name;
    options.batch = options.batch != 0 ? options.batch : 1;
    if (!filler_new(&input, model, image, (size_t)options.batch, 8)) {
        return cli_error("out of memory");
    }
    if (clipc_session_new(model, &options, &s) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    } else {
        code = watch_begin(&t, s, image) && find_peaks(bench, &t) ? report(bench, &t, s, &input)
                                                                  : cli_error("out of memory");
    }
    clipc_session_free(s);
    free(t.parts);
    filler_free(&input);
    return code;
}

int bench_timeline(struct bench *bench, const clipc_model *model)
{
    struct clipc_model_info info = {.size = sizeof info};
    int code = CLI_DONE;

    clipc_model_info(model, &info);
    if (info.image_size > 0) {
        code = run_input(bench, model, true);
    }
    if (code == CLI_DONE && info.context_length > 0) {
        code = run_input(bench, model, false);
    }
    return code;
}
