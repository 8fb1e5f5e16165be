/* bench_whole.c - whole encodes and the memory of sessions: sets take turns, figures are
 * medians. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "bench.h"

struct encode {
    const char *name;
    bool image;
    size_t n, ids; /* batch; ids of each text */
};

/* Milliseconds of the median round for each set. */
static int time_encode(struct bench *job, const clipc_model *model, const struct encode *e,
                       int threads, double *ms)
{
    struct clipc_model_info info = {.size = sizeof info};
    clipc_session *sessions[BENCH_SETS] = {NULL};
    double times[BENCH_SETS][BENCH_ROUNDS];
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
    for (int r = -1; r < BENCH_ROUNDS && code == CLI_DONE; r++) {
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
        ms[s] = code == CLI_DONE ? 1e3 * bench_median(times[s], BENCH_ROUNDS) : 0;
        clipc_session_free(sessions[s]);
    }
    free(pixels);
    free(out);
    free(tokens);
    return code;
}

static void print_encode(struct bench *job, const struct encode *e, int threads, const double *ms)
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
            json_records_next(&job->records);
            printf("{\"encode\": \"%s\", \"batch\": %zu, \"threads\": %d, \"set\": \"%s\", \"ms\": "
                   "%.5g, "
                   "\"per_second\": %.5g, \"blas_over_this\": ",
                   e->name, e->n, threads, job->sets[s].name, ms[s], 1e3 * (double)e->n / ms[s]);
            json_put_float(stdout, blas > 0 ? blas / ms[s] : (double)NAN);
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

/* Scratch of a session for 8 images or texts, and the second copy of the weights of blas. */
static int print_memory(struct bench *job, const clipc_model *model)
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
            json_records_next(&job->records);
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

int bench_whole(struct bench *job)
{
    static const struct encode encodes[] = {{"image", true, 1, 0},
                                            {"8 images", true, 8, 0},
                                            {"text of 8", false, 1, 8},
                                            {"longest text", false, 1, CLIPC_MAX_CONTEXT}};
    clipc_model *model = cli_open_model(job->cli);
    struct clipc_model_info info = {.size = sizeof info};
    struct clipc_session_info session = {.size = sizeof session};
    clipc_session *probe = model != NULL ? cli_open_session(job->cli, model) : NULL;
    double ms[BENCH_SETS];
    int code = CLI_DONE;

    if (probe == NULL) {
        clipc_close(model);
        return CLI_FAILED;
    }
    clipc_session_info(probe, &session);
    clipc_session_free(probe);
    clipc_model_info(model, &info);
    if (!job->cli->json) {
        printf("\nwhole encodes with ");
        say(stdout, info.name);
        printf(": median milliseconds, and how many times faster than blas\n  %-26s", "");
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
