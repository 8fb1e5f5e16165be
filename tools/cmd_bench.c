/* cmd_bench.c - `clipc bench`: how fast is this machine, kernel by kernel, and encode by encode?
 * Sets take turns within each round, so that what else the machine does hits all of them alike;
 * figures are medians. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/kernels.h"
#include "../kernels/pack.h"
#include "../src/base.h"
#include "cli.h"
#include "commands.h"
#include "config.h"
#include "out.h"

enum { ROUNDS = 15, MAX_SETS = 8 };

static const struct cli_verb verb = {
    "bench", "[options]", "",
    "Time the kernels at the model's shapes, then whole encodes, for each kernel set of this CPU.\n"
    "GFLOP/s count two operations a multiply-add; the share is of what this core's multiply-add "
    "units\n"
    "reached in this run with nothing to load or store (for blas: in the best of our sets).\n\n"
    "  clipc bench -m vit-b-32.clipc\n"
    "  clipc bench --whole --threads 1",
    CLI_MODEL | CLI_COMPUTE | CLI_JSON};

struct set {
    struct kernels k;
    const char *name;
    double peak; /* GFLOP/s */
};

struct job {
    struct cli *cli;
    struct set sets[MAX_SETS];
    size_t n;
    struct out_records records;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

/* ---- Kernels ------------------------------------------------------------------------------- */

struct problem {
    const char *name;
    size_t rows, in, out;
    enum kernels_activation activation;
    bool residual;
};

struct buffers {
    float *x, *y, *bias;
    unsigned char *panels;
    void *packed, *scratch, *prepared;
    struct kernels_linear w;
};

static void free_buffers(struct buffers *b)
{
    base_free(b->x);
    base_free(b->y);
    base_free(b->bias);
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
                                   .out_padded = (uint32_t)base_round_up(p->out, KERNELS_PANEL),
                                   .precision = KERNELS_EXACT};
    b->panels = base_alloc(bytes);
    b->x = base_alloc(p->rows * p->in * sizeof(float));
    b->y = base_alloc(p->rows * p->out * sizeof(float));
    b->bias = base_alloc(b->w.out_padded * sizeof(float));
    b->packed = base_alloc(k->act_bytes(&b->w, p->rows));
    b->scratch = base_alloc(k->gemm_scratch(&b->w));
    b->prepared = base_alloc(k->weight_bytes != NULL ? k->weight_bytes(&b->w) : 0);
    if (b->panels == NULL || b->x == NULL || b->y == NULL || b->bias == NULL || b->packed == NULL ||
        b->scratch == NULL || b->prepared == NULL) {
        free_buffers(b);
        return false;
    }
    for (size_t i = 0; i < bytes; i++) { /* small, finite numbers in any dtype */
        b->panels[i] =
            (unsigned char)(i % (dtype == KERNELS_F16 ? 2 : 4) == (dtype == KERNELS_F16 ? 1u : 3u)
                                ? 0x3c
                                : i * 37);
    }
    for (size_t i = 0; i < p->rows * p->in; i++) {
        b->x[i] = (float)(i % 17) - 8;
    }
    b->w.panels = b->panels;
    if (k->weight_prepare != NULL) {
        k->weight_prepare(&b->w, b->prepared);
        b->w.prepared = b->prepared;
    }
    return true;
}

static void once(const struct kernels *k, struct buffers *b, const struct problem *p)
{
    struct kernels_epilogue e = {.bias = b->bias,
                                 .residual = p->residual ? b->y : NULL,
                                 .residual_stride = p->out,
                                 .y = b->y,
                                 .y_stride = p->out,
                                 .activation = p->activation};

    k->act_pack(&b->w, b->packed, b->x, p->in, p->rows, 0, p->rows, NULL);
    k->gemm(&b->w, 0, b->w.out_padded / KERNELS_PANEL, p->rows, 0, p->rows, b->packed, &e,
            b->scratch);
}

/* GFLOP/s of the median round for each set. */
static bool time_problem(const struct job *job, const struct problem *p, enum kernels_dtype dtype,
                         double *gflops)
{
    struct buffers buffers[MAX_SETS];
    double times[MAX_SETS][ROUNDS], flop = 2e-9 * (double)p->rows * (double)p->in * (double)p->out;

    for (size_t s = 0; s < job->n; s++) {
        if (!make_buffers(&buffers[s], &job->sets[s].k, p, dtype)) {
            while (s-- > 0) {
                free_buffers(&buffers[s]);
            }
            return false;
        }
    }
    for (int r = -1; r < ROUNDS; r++) { /* round -1 warms up */
        for (size_t s = 0; s < job->n; s++) {
            double start = base_seconds();
            once(&job->sets[s].k, &buffers[s], p);
            if (r >= 0) {
                times[s][r] = base_seconds() - start;
            }
        }
    }
    for (size_t s = 0; s < job->n; s++) {
        gflops[s] = flop / median(times[s], ROUNDS);
        free_buffers(&buffers[s]);
    }
    return true;
}

/* Raise each set's peak to the best of some more tries: it is a limit, so the best counts. */
static void measure_peaks(struct job *job)
{
    for (size_t s = 0; s < job->n; s++) {
        for (int i = 0; i < 10; i++) {
            float sink[3] = {1, 0.5f, 0.25f};
            double start = base_seconds();
            size_t operations = job->sets[s].k.peak(sink, 20000);
            job->sets[s].peak =
                fmax(job->sets[s].peak, 1e-9 * (double)operations / (base_seconds() - start));
        }
    }
}

static void print_kernel(struct job *job, const struct problem *p, const char *dtype,
                         const double *gflops)
{
    if (job->cli->json) {
        for (size_t s = 0; s < job->n; s++) {
            out_next(&job->records);
            printf(
                "{\"kernel\": \"%s\", \"rows\": %zu, \"in\": %zu, \"out\": %zu, \"dtype\": \"%s\", "
                "\"set\": \"%s\", \"gflops\": %.4g, \"share\": %.4g}",
                p->name, p->rows, p->in, p->out, dtype, job->sets[s].name, gflops[s],
                gflops[s] / job->sets[s].peak);
        }
        return;
    }
    printf("  %-12s %4zu x %4zu x %4zu %s", p->name, p->rows, p->in, p->out, dtype);
    for (size_t s = 0; s < job->n; s++) {
        printf("  %8.1f %3.0f %%", gflops[s], 100 * gflops[s] / job->sets[s].peak);
    }
    putchar('\n');
    fflush(stdout);
}

static void bench_kernels(struct job *job)
{
    static const size_t batches[] = {1, 8};
    double gflops[MAX_SETS];

    for (int i = 0; i < 10; i++) {
        measure_peaks(job);
    }
    if (!job->cli->json) {
        printf("kernels of one layer of ViT-B/32, one thread, GFLOP/s and share of peak\n  %-35s",
               "");
        for (size_t s = 0; s < job->n; s++) {
            printf("  %14s", job->sets[s].name);
        }
        printf("\n  %-35s", "multiply-adds alone (the peak)");
        for (size_t s = 0; s < job->n; s++) {
            printf("  %8.1f      ", job->sets[s].peak);
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
            for (int d = KERNELS_F32; d <= KERNELS_F16; d++) {
                measure_peaks(job);
                if (time_problem(job, &problems[i], (enum kernels_dtype)d, gflops)) {
                    print_kernel(job, &problems[i], d == KERNELS_F16 ? "f16" : "f32", gflops);
                }
            }
        }
    }
}

/* ---- Whole encodes ------------------------------------------------------------------------- */

struct encode {
    const char *name;
    bool image;
    size_t n, ids; /* batch; ids of each text */
};

/* Milliseconds of the median round for each set. */
static int time_encode(struct job *job, const clipc_model *model, const struct encode *e,
                       int threads, double *ms)
{
    struct clipc_model_info info = {.size = sizeof info};
    clipc_session *sessions[MAX_SETS] = {NULL};
    double times[MAX_SETS][ROUNDS];
    int code = CLI_DONE;

    clipc_model_info(model, &info);
    size_t image = 3 * (size_t)info.image_size * (size_t)info.image_size;
    size_t ids = e->ids < (size_t)info.context_length ? e->ids : (size_t)info.context_length;
    float *pixels = calloc(e->n * image + 1, sizeof *pixels);
    float *out = malloc(e->n * (size_t)info.dim * sizeof *out);
    int32_t *tokens = calloc(e->n * ids + 1, sizeof *tokens);
    if (pixels == NULL || out == NULL || tokens == NULL) {
        code = cli_error("out of memory");
    }
    for (size_t i = 0; code == CLI_DONE && i < e->n * image; i++) {
        pixels[i] = (float)(i % 251) / 125 - 1;
    }
    for (size_t i = 0; code == CLI_DONE && i < e->n * ids;
         i++) { /* the end token closes each text */
        tokens[i] = i % ids == ids - 1 ? info.vocab_size - 1 : (int32_t)(i % 200);
    }
    for (size_t s = 0; s < job->n && code == CLI_DONE; s++) {
        struct clipc_options options = job->cli->session;
        options.kernels = job->sets[s].name;
        options.threads = threads;
        options.batch = (int)e->n;
        if (clipc_session_new(model, &options, &sessions[s]) != CLIPC_OK) {
            code = cli_error("%s", clipc_errmsg());
        }
    }
    for (int r = -1; r < ROUNDS && code == CLI_DONE; r++) {
        for (size_t s = 0; s < job->n && code == CLI_DONE; s++) {
            double start = base_seconds();
            if ((e->image ? clipc_encode_pixels(sessions[s], pixels, e->n, out)
                          : clipc_encode_tokens(sessions[s], tokens, e->n, ids, out)) != CLIPC_OK) {
                code = cli_error("%s", clipc_errmsg());
            }
            if (r >= 0) {
                times[s][r] = base_seconds() - start;
            }
        }
    }
    for (size_t s = 0; s < job->n; s++) {
        ms[s] = code == CLI_DONE ? 1e3 * median(times[s], ROUNDS) : 0;
        clipc_session_free(sessions[s]);
    }
    free(pixels);
    free(out);
    free(tokens);
    return code;
}

static void print_encode(struct job *job, const struct encode *e, int threads, const double *ms)
{
    double blas = 0;

    for (size_t s = 0; s < job->n; s++) {
        blas = strcmp(job->sets[s].name, "blas") == 0 ? ms[s] : blas;
    }
    if (!job->cli->json) {
        printf("  %-16s %d thread%s", e->name, threads, threads == 1 ? " " : "s");
    }
    for (size_t s = 0; s < job->n; s++) {
        if (job->cli->json) {
            out_next(&job->records);
            printf("{\"encode\": \"%s\", \"batch\": %zu, \"threads\": %d, \"set\": \"%s\", \"ms\": "
                   "%.5g, "
                   "\"per_second\": %.5g, \"blas_over_this\": ",
                   e->name, e->n, threads, job->sets[s].name, ms[s], 1e3 * (double)e->n / ms[s]);
            out_float(stdout, blas > 0 ? blas / ms[s] : (double)NAN);
            putchar('}');
        } else {
            printf("  %9.2f ms", ms[s]);
            if (blas > 0) {
                printf(" %5.2fx", blas / ms[s]);
            }
        }
    }
    if (!job->cli->json) {
        putchar('\n');
        fflush(stdout);
    }
}

/* Scratch of a session for 8 images or texts, and the second copy of the weights that blas makes.
 */
static int print_memory(struct job *job, const clipc_model *model)
{
    for (size_t s = 0; s < job->n; s++) {
        struct clipc_options options = job->cli->session;
        struct clipc_session_info info = {.size = sizeof info};
        clipc_session *session;
        options.kernels = job->sets[s].name;
        if (clipc_session_new(model, &options, &session) != CLIPC_OK) {
            return cli_error("%s", clipc_errmsg());
        }
        clipc_session_info(session, &info);
        clipc_session_free(session);
        if (job->cli->json) {
            out_next(&job->records);
            printf("{\"memory\": %zu, \"unpacked\": %zu, \"batch\": %d, \"threads\": %d, "
                   "\"set\": \"%s\"}",
                   info.memory, info.unpacked, info.batch, info.threads, job->sets[s].name);
        } else if (info.unpacked != 0) {
            printf("  memory: %-8s %7.1f MB, and %.1f MB of weights unpacked once more\n",
                   job->sets[s].name, 1e-6 * (double)(info.memory - info.unpacked),
                   1e-6 * (double)info.unpacked);
        } else {
            printf("  memory: %-8s %7.1f MB\n", job->sets[s].name, 1e-6 * (double)info.memory);
        }
    }
    return CLI_DONE;
}

static int bench_whole(struct job *job)
{
    static const struct encode encodes[] = {{"image", true, 1, 0},
                                            {"8 images", true, 8, 0},
                                            {"text of 8", false, 1, 8},
                                            {"text of 77", false, 1, 77}};
    clipc_model *model = cli_open_model(job->cli);
    struct clipc_model_info info = {.size = sizeof info};
    struct clipc_session_info session = {.size = sizeof session};
    clipc_session *probe = model != NULL ? cli_open_session(job->cli, model) : NULL;
    double ms[MAX_SETS];
    int code = CLI_DONE;

    if (probe == NULL) {
        clipc_close(model);
        return CLI_FAILED;
    }
    clipc_session_info(probe, &session);
    clipc_session_free(probe);
    clipc_model_info(model, &info);
    if (!job->cli->json) {
        printf("\nwhole encodes with %s: median milliseconds, and how many times faster than "
               "blas\n  %-26s",
               info.name, "");
        for (size_t s = 0; s < job->n; s++) {
            printf("  %12s      ", job->sets[s].name);
        }
        putchar('\n');
    }
    for (int threads = 1; threads <= session.threads && code == CLI_DONE;
         threads = threads < session.threads ? session.threads : threads + 1) {
        for (size_t i = 0; i < sizeof encodes / sizeof encodes[0] && code == CLI_DONE; i++) {
            if (encodes[i].image ? info.image_size > 0 : info.context_length > 0) {
                code = time_encode(job, model, &encodes[i], threads, ms);
                if (code == CLI_DONE) {
                    print_encode(job, &encodes[i], threads, ms);
                }
            }
        }
    }
    code = code == CLI_DONE ? print_memory(job, model) : code;
    clipc_close(model);
    return code;
}

static void print_machine(void)
{
    char line[256], name[200] = "unknown CPU";
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            snprintf(name, sizeof name, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    printf("clipc %s, %s, %s\n", clipc_version(), CONFIG_COMPILER, name);
}

int cmd_bench(int argc, char **argv)
{
    bool whole = false, scalar = false;
    const struct cli_option options[] = {
        {"whole", CLI_FLAG, &whole, NULL, "only whole encodes, no single kernels"},
        {"scalar", CLI_FLAG, &scalar, NULL, "the scalar set too (it takes long)"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct job job = {.cli = &cli};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    for (size_t i = 0; kernels_all[i] != NULL && job.n < MAX_SETS; i++) {
        struct set *set = &job.sets[job.n];
        const char *name = kernels_all[i]->name, *only = cli.session.kernels;
        if ((only != NULL ? strcmp(only, name) == 0 : scalar || strcmp(name, "scalar") != 0) &&
            kernels_find(name, &set->k)) {
            set->name = name;
            job.n++;
        }
    }
    if (job.n == 0) {
        code = cli_error("no such kernel set on this CPU; clipc info lists them");
    } else {
        if (cli.json) {
            out_begin(&job.records, stdout, 0);
        } else {
            print_machine();
        }
        if (!whole) {
            bench_kernels(&job);
        }
        code = bench_whole(&job);
        if (cli.json) {
            out_end(&job.records);
        }
    }
    cli_free(&cli);
    return code;
}
