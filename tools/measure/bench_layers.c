/* bench_layers.c - linear layers one by one, for each kernel set, type of weights, precision and
 * thread count, each against its two limits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "../../src/base/base.h"
#include "../../src/base/cpus.h"
#include "layer_time.h"

/* ---- Rows ---------------------------------------------------------------------------------- */

static void print_row(const struct bench_row *r)
{
    printf("  %-10s %-11s %5.0f x %4.0f x %4.0f  %-4s %-14s %8.1f %4.0f %% %4.0f %% %7.1f %4.0f %% "
           " %-7s",
           r->input, r->name, r->rows, r->in, r->out, r->dtype, r->gemm, r->gflops, 100 * r->share,
           100 * r->share * r->ms / r->least, r->gbs, 100 * r->memory_share,
           r->limit != NULL ? r->limit : "");
    if (isfinite(r->against)) {
        printf(" %6.2fx", r->against);
    }
    putchar('\n');
    fflush(stdout);
}

static bool keep(struct bench *bench, const struct bench_row *row)
{
    struct bench_row *more = realloc(bench->layers, (bench->n_layers + 1) * sizeof *bench->layers);

    if (more == NULL) {
        return false;
    }
    bench->layers = more;
    bench->layers[bench->n_layers++] = *row;
    return true;
}

/* Of the set that the others are held against, exact: milliseconds, or NaN. */
static double reference_ms(const struct bench *bench, struct layer_job *job, size_t rounds)
{
    for (size_t v = 0; bench->against != NULL && v < job->n; v++) {
        if (strcmp(job->variants[v].set->name, bench->against) == 0) {
            return 1e3 * roof_median(job->variants[v].times, rounds);
        }
    }
    return (double)NAN;
}

static int run_layer(struct bench *bench, struct layer_bank *bank, const struct shape *shape,
                     size_t batch, const struct shape_layer *l, enum kernels_dtype dtype)
{
    struct layer_job *job = malloc(sizeof *job);
    int code = CLI_DONE;

    if (job == NULL || !layer_job_new(job, bench, bank, l, dtype)) {
        free(job);
        return cli_error("bench: no memory for %zu x %zu x %zu", l->rows, l->in, l->out);
    }
    size_t rounds = layer_job_time(job, bank);
    double reference = reference_ms(bench, job, rounds);
    for (size_t i = 0; i < job->n && code == CLI_DONE; i++) {
        struct layer_variant *v = &job->variants[i];
        struct bench_row row = bench_row_new("layer", l->name);
        row.set = v->set->name;
        row.gemm = v->linear.gemm->name;
        row.model = shape->name;
        row.input = l->input;
        row.dtype = pack_dtype(dtype)->name;
        row.precision = v->precision;
        row.batch = (double)batch;
        row.threads = bank->threads;
        row.rows = (double)l->rows;
        row.in = (double)l->in;
        row.out = (double)l->out;
        row.operations = shape_operations(l);
        row.bytes = layer_bytes(v, l);
        row.peak = roofs_peak(&bench->roofs, bank->pool, v->linear.gemm);
        row.bandwidth = bank->bandwidth;
        bench_times(&row, v->times, rounds);
        bench_judge(&row);
        row.against = reference / row.ms;
        bench_put(bench, &row);
        if (!bench->cli->json) {
            print_row(&row);
        }
        code = keep(bench, &row) ? CLI_DONE : cli_error("out of memory");
    }
    layer_job_free(job);
    free(job);
    return code;
}

/* The limits before the layers: those of each gemm that will be held against one. */
static void put_roofs(struct bench *bench, const struct layer_bank *bank)
{
    struct bench_row row = bench_row_new("bandwidth", "read");

    row.threads = bank->threads;
    row.gbs = bank->bandwidth;
    bench_put(bench, &row);
    if (!bench->cli->json) {
        printf("\n%d thread%s: memory gives %.1f GB/s; multiply-adds alone, in GFLOP/s:",
               bank->threads, bank->threads == 1 ? "" : "s", bank->bandwidth);
    }
    for (size_t s = 0; s < bench->n; s++) {
        for (size_t i = 0; bench->sets[s].own->gemms[i] != NULL; i++) {
            const struct kernels_gemm *gemm = bench->sets[s].own->gemms[i];
            if (gemm->peak == NULL) {
                continue;
            }
            row = bench_row_new("peak", gemm->name);
            row.set = bench->sets[s].name;
            row.threads = bank->threads;
            row.gflops = roofs_peak(&bench->roofs, bank->pool, gemm);
            bench_put(bench, &row);
            if (!bench->cli->json) {
                printf(" %s %.1f", gemm->name, row.gflops);
            }
        }
    }
    if (!bench->cli->json) {
        putchar('\n');
    }
}

static bool wants_dtype(const struct bench *bench, enum kernels_dtype dtype)
{
    if (bench->dtype == 0) { /* what most files hold */
        return dtype == KERNELS_F16 || dtype == KERNELS_Q8;
    }
    return bench->dtype == (int)dtype || pack_dtype((enum kernels_dtype)bench->dtype) == NULL;
}

static int run_shape(struct bench *bench, struct layer_bank *bank, const struct shape *shape,
                     size_t batch)
{
    struct shape_layer layers[SHAPE_LAYERS];
    int code = CLI_DONE;

    shape_layers(shape, batch, layers);
    if (!bench->cli->json) {
        printf("\n%s, batch %zu, %d thread%s\n", shape->name, batch, bank->threads,
               bank->threads == 1 ? "" : "s");
        printf("  %-22s %5s x %4s x %4s  %-4s %-14s %8s %6s %6s %7s %6s  limit\n", "layer", "rows",
               "in", "out", "type", "gemm", "GFLOP/s", "of peak", "best", "GB/s", "of mem");
    }
    for (enum kernels_dtype d = KERNELS_F32; pack_dtype(d) != NULL; d++) {
        for (size_t i = 0; wants_dtype(bench, d) && i < SHAPE_LAYERS && code == CLI_DONE; i++) {
            code = run_layer(bench, bank, shape, batch, &layers[i], d);
        }
    }
    return code;
}

/* Everything at one thread count. */
static int run_threads(struct bench *bench, struct layer_bank *bank, int threads)
{
    static const size_t batches[] = {1, 8, 32};
    size_t first = bench->shape != 0 ? (size_t)bench->shape - 1 : 0;
    bool all = shapes_all[first].name == NULL; /* the choice behind the last shape */
    int wanted = bench->cli->session.batch, code = CLI_DONE;

    if (threads_pool_new(threads, 0, &bank->pool) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    bank->threads = threads_pool_size(bank->pool);
    bank->bandwidth = 1e-9 * roofs_bandwidth(&bench->roofs, bank->pool);
    put_roofs(bench, bank);
    for (size_t i = all ? 0 : first; code == CLI_DONE && shapes_all[i].name != NULL; i++) {
        for (size_t b = 0; b < (all ? 3 : 2) && code == CLI_DONE; b++) {
            size_t batch = wanted != 0 ? (size_t)wanted : batches[b];
            code = run_shape(bench, bank, &shapes_all[i], batch);
            b += wanted != 0 ? 3 : 0;
        }
        if (!all) {
            break;
        }
    }
    threads_pool_free(bank->pool);
    return code;
}

int bench_layers(struct bench *bench)
{
    struct layer_bank bank = {.threads = 1};
    int most = bench->cli->session.threads, code;

    if (!layer_bank_new(&bank)) {
        return cli_error("bench: no memory for the weights of the layers");
    }
    bench->roofs.memory = bank.weights;
    bench->roofs.bytes = bank.bytes;
    code = most != 0 ? run_threads(bench, &bank, most) : run_threads(bench, &bank, 1);
    if (code == CLI_DONE && most == 0 && cpus_available() > 1) {
        code = run_threads(bench, &bank, 0);
    }
    base_free(bank.weights);
    return code;
}
