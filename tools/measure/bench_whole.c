/* bench_whole.c - whole encodes and the memory of sessions.  Sets take turns within each round, so
 * that what else the machine does hits all of them alike. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/base/base.h"
#include "../../src/session.h"
#include "bench.h"
#include "gflop.h"
#include "filler.h"

enum { ROUNDS_LEAST = 5, ROUNDS_MOST = 100 };
static const double encode_seconds = 2; /* for all sets; ROUNDS_LEAST however long they take */

/* Of all threads of this process. */
static double process_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What one set is timed with. */
struct runner {
    clipc_session *session;
    double wall[ROUNDS_MOST], cpu[ROUNDS_MOST];
};

static int open_runners(const struct bench *bench, const clipc_model *model, int batch, int threads,
                        struct runner *runners)
{
    for (size_t s = 0; s < bench->n; s++) {
        struct clipc_options options = bench->cli->session;
        options.kernels = bench->sets[s].name;
        options.threads = threads;
        options.batch = batch;
        if (clipc_session_new(model, &options, &runners[s].session) != CLIPC_OK) {
            return cli_error("%s", clipc_errmsg());
        }
    }
    return CLI_DONE;
}

/* The rounds that it took, or 0 after a message. */
static size_t time_runners(size_t n, struct runner *runners, const struct filler *input)
{
    double spent = 0;
    size_t rounds = 0;
    bool warm = false;

    while (rounds < ROUNDS_MOST && (rounds < ROUNDS_LEAST || spent < encode_seconds)) {
        for (size_t s = 0; s < n; s++) {
            double wall = base_seconds(), cpu = process_seconds();
            if (filler_encode(input, runners[s].session) != CLIPC_OK) {
                cli_error("%s", clipc_errmsg());
                return 0;
            }
            runners[s].wall[rounds] = base_seconds() - wall;
            runners[s].cpu[rounds] = process_seconds() - cpu;
            spent += warm ? runners[s].wall[rounds] : 0;
        }
        rounds += warm;
        warm = true;
    }
    return rounds;
}

/* The gemm of most of the work: what the blocks are multiplied by. */
static const struct kernels_gemm *main_gemm(const clipc_session *s, bool image)
{
    const struct transformer *t = image ? &s->vision.blocks : &s->text.blocks;

    return t->blocks[t->layers - 1].c_fc.gemm;
}

static struct bench_row encode_row(struct bench *bench, const clipc_model *model,
                                   const struct filler *input, struct runner *runner, size_t rounds,
                                   const char *set)
{
    struct bench_row row = bench_row_new("encode", input->name);
    const struct clipc_session *s = runner->session;
    const struct format_header *h = &model->weights.header;
    size_t ids = s->pads ? s->text.context : input->ids; /* SigLIP computes its padding */
    double gflop = input->image ? gflop_image(h) : gflop_text(h, ids);

    row.set = set;
    row.model = h->name;
    row.batch = (double)input->n;
    row.threads = s->threads;
    row.operations = 1e9 * gflop * (double)input->n;
    bench_times(&row, runner->wall, rounds);
    row.cpu = 1e3 * roof_median(runner->cpu, rounds);
    row.per_second = 1e3 * (double)input->n / row.ms;
    row.gflops = 1e-6 * row.operations / (s->threads == 1 ? row.cpu : row.ms);
    row.peak = roofs_peak(&bench->roofs, s->engine.pool, main_gemm(s, input->image));
    row.share = row.gflops / row.peak;
    return row;
}

static void print_row(const struct bench_row *r)
{
    printf("  %3.0f x %-12s %2.0f thread%s %-12s %9.3f %9.3f %9.3f %10.1f %8.1f %4.0f %% %4.0f %%",
           r->batch, r->name, r->threads, r->threads > 1 ? "s" : " ", r->set, r->ms, r->p95, r->cpu,
           r->per_second, r->gflops, 100 * r->share, 100 * r->spread);
    if (isfinite(r->against)) {
        printf(" %6.2fx", r->against);
    }
    putchar('\n');
    fflush(stdout);
}

static int run_encode(struct bench *bench, const clipc_model *model, const struct filler *input,
                      int threads)
{
    struct runner *runners = calloc(bench->n, sizeof *runners);
    struct bench_row rows[BENCH_SETS];
    double reference = (double)NAN;
    size_t rounds = 0;
    int code = runners == NULL ? cli_error("out of memory")
                               : open_runners(bench, model, (int)input->n, threads, runners);

    if (code == CLI_DONE) {
        rounds = time_runners(bench->n, runners, input);
        code = rounds == 0 ? CLI_FAILED : CLI_DONE;
    }
    for (size_t s = 0; s < bench->n && code == CLI_DONE; s++) {
        const char *set = bench->sets[s].name;
        rows[s] = encode_row(bench, model, input, &runners[s], rounds, set);
        reference =
            bench->against != NULL && strcmp(set, bench->against) == 0 ? rows[s].ms : reference;
    }
    for (size_t s = 0; s < bench->n && code == CLI_DONE; s++) {
        rows[s].against = reference / rows[s].ms;
        bench_put(bench, &rows[s]);
        if (!bench->cli->json) {
            print_row(&rows[s]);
        }
    }
    for (size_t s = 0; runners != NULL && s < bench->n; s++) {
        clipc_session_free(runners[s].session);
    }
    free(runners);
    return code;
}

/* Scratch of a session for so many images or texts, and the second copy of the weights of blas. */
static int put_memory(struct bench *bench, const clipc_model *model)
{
    for (size_t s = 0; s < bench->n; s++) {
        struct clipc_options options = bench->cli->session;
        struct clipc_session_info info = {.size = sizeof info};
        struct bench_row row = bench_row_new("memory", "session");
        clipc_session *session;
        options.kernels = bench->sets[s].name;
        if (clipc_session_new(model, &options, &session) != CLIPC_OK) {
            return cli_error("%s", clipc_errmsg());
        }
        clipc_session_info(session, &info);
        clipc_session_free(session);
        row.set = bench->sets[s].name;
        row.batch = info.batch;
        row.threads = info.threads;
        row.memory = (double)info.memory;
        row.unpacked = (double)info.unpacked;
        bench_put(bench, &row);
        if (!bench->cli->json && info.unpacked != 0) {
            printf(
                "  memory of a session: %-8s %7.1f MB, and %.1f MB of weights unpacked once more\n",
                row.set, 1e-6 * (double)(info.memory - info.unpacked),
                1e-6 * (double)info.unpacked);
        } else if (!bench->cli->json) {
            printf("  memory of a session: %-8s %7.1f MB\n", row.set, 1e-6 * (double)info.memory);
        }
    }
    return CLI_DONE;
}

/* Pictures, texts of 8 ids and of the most: one and 8 of them, or --batch of them. */
static int run_threads(struct bench *bench, const clipc_model *model, int threads)
{
    struct clipc_model_info info = {.size = sizeof info};
    const size_t ids[] = {8, CLIPC_MAX_CONTEXT};
    int wanted = bench->cli->session.batch, code = CLI_DONE;

    clipc_model_info(model, &info);
    for (size_t kind = 0; kind < 3; kind++) {
        bool image = kind == 0;
        for (size_t i = 0; i < (wanted != 0 ? 1 : 2) && code == CLI_DONE; i++) {
            size_t n = wanted != 0 ? (size_t)wanted : i == 0 ? 1 : 8;
            struct filler input;
            if (image ? info.image_size == 0 : info.context_length == 0) {
                continue;
            }
            if (!filler_new(&input, model, image, n, image ? 0 : ids[kind - 1])) {
                return cli_error("out of memory");
            }
            code = run_encode(bench, model, &input, threads);
            filler_free(&input);
        }
    }
    return code;
}

int bench_whole(struct bench *bench, const clipc_model *model)
{
    struct clipc_session_info session = {.size = sizeof session};
    clipc_session *probe = cli_open_session(bench->cli, model);
    int code = CLI_DONE;

    if (probe == NULL) {
        return CLI_FAILED;
    }
    clipc_session_info(probe, &session);
    clipc_session_free(probe);
    if (!bench->cli->json) {
        printf("\nwhole encodes with ");
        say(stdout, model->weights.header.name);
        printf("\n  %-42s %9s %9s %9s %10s %8s %6s %6s\n", "", "median ms", "p95 ms", "CPU ms",
               "a second", "GFLOP/s", "of peak", "spread");
    }
    if (bench->cli->session.threads == 0 && session.threads > 1) {
        code = run_threads(bench, model, 1);
    }
    code = code == CLI_DONE ? run_threads(bench, model, session.threads) : code;
    return code == CLI_DONE ? put_memory(bench, model) : code;
}
