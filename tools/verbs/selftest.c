/* selftest.c - `clipc selftest`: is every kernel set of this CPU exact?  The vectors in the
 * weight file (or, with --deep, every layer recomputed in double) against what each set
 * computes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../measure/errors.h"
#include "../measure/gflop.h"
#include "../measure/golden.h"
#include "../../weights/weights.h"
#include "../cli/cli.h"
#include "verbs.h"
#include "../measure/oracle.h"
#include "../cli/json_put.h"

static const struct cli_verb verb = {
    "selftest", "[FILE] [options]",
    "Compute with each kernel set of this CPU the vectors that the weight file carries, and hold "
    "them\n"
    "against those; check the file's content, too.  --deep recomputes every layer in double\n"
    "precision instead (slow) and shows how far from it each set is.  int8 weights are tried\n"
    "with exact products and with those of 8-bit activations (fast), which has a wider limit.\n\n"
    "  clipc selftest model.clipc\n"
    "  clipc selftest --deep --kernels avx2",
    CLI_MODEL | CLI_THREADS | CLI_KERNELS | CLI_JSON};

struct job {
    struct cli *cli;
    struct weights w;
    clipc_model *model;
    float *pixels; /* [3, S, S] */
    int32_t ids[GOLDEN_IDS];
    uint32_t n_ids;
    double *image, *text; /* [embed_dim] wanted vectors, NULL: none */
    struct json_records records;
    bool failed;
};

static void report(struct job *job, const struct clipc_session_info *info, const char *what,
                   struct errors e)
{
    bool fast = info->precision == CLIPC_PRECISION_FAST;
    bool ok =
        fast ? e.one_minus_cosine <= ERRORS_MAX_FAST
             : e.max_abs <= ERRORS_MAX_ABS && e.one_minus_cosine <= ERRORS_MAX_ONE_MINUS_COSINE;

    job->failed |= !ok;
    if (job->cli->json) {
        json_records_next(&job->records);
        printf("{\"kernels\": \"%s\", \"threads\": %d, \"what\": \"%s\", \"precision\": \"%s\", "
               "\"max_abs\": ",
               info->kernels, info->threads, what, fast ? "fast" : "exact");
        json_put_float(stdout, e.max_abs);
        printf(", \"one_minus_cosine\": ");
        json_put_float(stdout, e.one_minus_cosine);
        printf(", \"ok\": %s}", ok ? "true" : "false");
    } else {
        printf("  %-8s %-6s %2d thread%s%s  max abs %8.1e  1 - cosine %8.1e   %s\n", info->kernels,
               what, info->threads, info->threads == 1 ? " " : "s", fast ? "  fast" : "", e.max_abs,
               e.one_minus_cosine, ok ? "ok" : "FAIL");
    }
}

/* ---- --deep: layer by layer ---------------------------------------------------------------- */

/* The oracle's activations in order, then the session's beside them. */
struct layer {
    char name[64];
    double *x; /* [rows, width] */
    size_t rows, width;
};
struct layers {
    struct layer *list;
    size_t n, room, next;
    struct job *job;
    const char *set;
    bool no_memory;
};

static void keep_layer(void *arg, const char *name, const double *x, size_t rows, size_t width)
{
    struct layers *l = arg;

    if (l->n == l->room) {
        size_t room = 2 * l->room + 64;
        struct layer *list = realloc(l->list, room * sizeof *list);
        if (list == NULL) {
            l->no_memory = true;
            return;
        }
        l->list = list;
        l->room = room;
    }
    struct layer *layer = &l->list[l->n];
    layer->x = malloc(rows * width * sizeof *x);
    if (layer->x == NULL) {
        l->no_memory = true;
        return;
    }
    memcpy(layer->x, x, rows * width * sizeof *x);
    snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->rows = rows;
    layer->width = width;
    l->n++;
}

static void compare_layer(void *arg, const char *name, const float *x, size_t rows, size_t width,
                          size_t stride)
{
    struct layers *l = arg;
    double dot = 0, ww = 0, gg = 0, worst = 0;

    if (l->next >= l->n || strcmp(l->list[l->next].name, name) != 0) {
        return;
    }
    const struct layer *want = &l->list[l->next++];
    for (size_t i = 0; i < rows * width && rows == want->rows && width == want->width; i++) {
        double a = want->x[i], b = (double)x[i / width * stride + i % width];
        worst = fmax(worst, fabs(a - b));
        dot += a * b;
        ww += a * a;
        gg += b * b;
    }
    if (!l->job->cli->json) {
        printf("  %-8s %-36s  max abs %8.1e  cosine %.12f\n", l->set, name, worst,
               dot / sqrt(ww * gg));
    }
}

static int deep_reference(struct job *job, struct layers *vision, struct layers *text)
{
    const struct format_header *h = &job->w.header;
    double gflop = gflop_of(h, job->n_ids);
    int status = CLIPC_OK;

    /* The oracle's plain loops run at some 1.5 GFLOP/s on the CPUs of its day. */
    fprintf(stderr, "clipc: recomputing %.1f GFLOP in double, about %.0f s\n", gflop,
            gflop / 1.5 + 1);
    if (h->vision.layers != 0) {
        job->image = calloc(h->embed_dim, sizeof *job->image);
        status = job->image == NULL
                     ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                     : oracle_image(&job->w, job->pixels, job->image, keep_layer, vision);
    }
    if (status == CLIPC_OK && h->text.layers != 0) {
        job->text = calloc(h->embed_dim, sizeof *job->text);
        status = job->text == NULL
                     ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                     : oracle_text(&job->w, job->ids, job->n_ids, job->text, keep_layer, text);
    }
    return status == CLIPC_OK && (vision->no_memory || text->no_memory)
               ? base_fail(CLIPC_ERROR_MEMORY, "out of memory for the activations")
               : status;
}

/* ---- The stored vectors -------------------------------------------------------------------- */

static double *stored(const struct weights *w, const char *name)
{
    const struct format_record *r = weights_find(w, name);
    double *v;

    if (r == NULL || r->dtype != FORMAT_F32 || r->rows != 1 || r->cols != w->header.embed_dim) {
        return NULL;
    }
    const float *data = weights_data(w, r);
    v = malloc(r->cols * sizeof *v);
    for (uint32_t i = 0; v != NULL && i < r->cols; i++) {
        v[i] = (double)data[i];
    }
    return v;
}

/* Open the file and make its inputs; CLI_DONE, or CLI_FAILED after a message. */
static int open_job(struct job *job)
{
    const char *path = job->cli->model_path;
    size_t size;
    const void *demo = demo_model(&size);
    int status = path != NULL ? weights_open(path, &job->w)
                 : size != 0  ? weights_open_memory(demo, size, &job->w)
                             : base_fail(CLIPC_ERROR_IO, "this build has no embedded model; name a "
                                                         "weight file");

    if (status != CLIPC_OK) {
        return path != NULL ? cli_not_opened(path) : cli_error("%s", clipc_errmsg());
    }
    if (weights_verify(&job->w) != CLIPC_OK) {
        return cli_error("%s: %s", path != NULL ? path : "embedded model", clipc_errmsg());
    }
    const struct format_header *h = &job->w.header;
    job->model = cli_open_model(job->cli);
    if (job->model == NULL) {
        return CLI_FAILED;
    }
    job->pixels = malloc((size_t)3 * h->image_size * h->image_size * sizeof(float) + 1);
    if (job->pixels == NULL) {
        return cli_error("out of memory");
    }
    if (h->vision.layers != 0) {
        golden_pixels(h, job->pixels);
    }
    job->n_ids = h->text.layers != 0 ? golden_ids(h, job->ids) : 0;
    return CLI_DONE;
}

/* The vectors that are right: recomputed, or those of the file. */
static int reference(struct job *job, bool deep, struct layers *vision, struct layers *text)
{
    if (deep) {
        return deep_reference(job, vision, text) == CLIPC_OK ? CLI_DONE
                                                             : cli_error("%s", clipc_errmsg());
    }
    job->image = stored(&job->w, "golden.image_vector");
    job->text = stored(&job->w, "golden.text_vector");
    return job->image != NULL || job->text != NULL
               ? CLI_DONE
               : cli_error("this weight file carries no vectors: use --deep, or convert with "
                           "--goldens");
}

/* Both towers with this set at this precision. */
static int run_set(struct job *job, const char *set, int precision, struct layers *vision,
                   struct layers *text)
{
    struct clipc_options options = job->cli->session;
    size_t dim = (size_t)clipc_dim(job->model);
    float *v = malloc(dim * sizeof *v);
    struct clipc_session_info info = {.size = sizeof info};
    int code = v != NULL ? CLI_DONE : cli_error("out of memory");

    options.kernels = set;
    options.precision = precision;
    options.batch = 1;
    options.full_context = 1;
    for (int tower = 0; tower < 2 && code == CLI_DONE; tower++) {
        struct layers *layers = tower == 0 ? vision : text;
        const double *want = tower == 0 ? job->image : job->text;
        clipc_session *session = NULL;
        if (want == NULL) {
            continue;
        }
        options.trace = layers->n > 0 ? compare_layer : NULL;
        options.trace_arg = layers;
        layers->next = 0;
        layers->set = set;
        int status = clipc_session_new(job->model, &options, &session);
        if (status == CLIPC_OK) {
            status = tower == 0 ? clipc_encode_pixels(session, job->pixels, 1, v)
                                : clipc_encode_tokens(session, job->ids, 1, job->n_ids, v);
        }
        if (status != CLIPC_OK) {
            code = cli_error("%s", clipc_errmsg());
        }
        if (status == CLIPC_OK || status == CLIPC_ERROR_NUMBER) {
            clipc_session_info(session, &info);
            report(job, &info, tower == 0 ? "image" : "text", errors_of(want, v, dim));
        }
        clipc_session_free(session);
    }
    free(v);
    return code;
}

static bool holds_q8(const struct weights *w)
{
    return weights_tower_dtype(w, "vision") == FORMAT_Q8 ||
           weights_tower_dtype(w, "text") == FORMAT_Q8;
}

/* Each set that this CPU has, or the one that --kernels names; of int8 both ways to multiply. */
static int run_sets(struct job *job, struct layers *vision, struct layers *text)
{
    const char *name, *only = job->cli->session.kernels;
    int supported, code = CLI_DONE;
    size_t tried = 0;

    for (size_t i = 0; code == CLI_DONE && (name = clipc_kernels(i, &supported)) != NULL; i++) {
        struct kernels k; /* found: this CPU has the set, and its library loads */
        if (only != NULL ? strcmp(only, name) == 0 : supported && kernels_find(name, &k)) {
            code = run_set(job, name, CLIPC_PRECISION_EXACT, vision, text);
            if (code == CLI_DONE && holds_q8(&job->w)) {
                code = run_set(job, name, CLIPC_PRECISION_FAST, vision, text);
            }
            tried++;
        } else if (only == NULL && !job->cli->json) {
            printf("  %-8s skipped: this CPU (or library) does not have it\n", name);
        }
    }
    return tried > 0 ? code
                     : cli_error("no kernel set '%s' in this build; clipc info --build lists them",
                                 only != NULL ? only : "");
}

static int run(struct job *job, bool deep)
{
    struct layers vision = {.job = job}, text = {.job = job};
    int code = open_job(job);

    if (code == CLI_DONE) {
        code = reference(job, deep, &vision, &text);
    }
    if (code == CLI_DONE && job->cli->json) {
        json_records_begin(&job->records, stdout, 0);
        code = run_sets(job, &vision, &text);
        json_records_end(&job->records);
    } else if (code == CLI_DONE) {
        say(stdout, job->w.header.name);
        printf(": content matches its SHA-256; limits %.0e and %.0e", ERRORS_MAX_ABS,
               ERRORS_MAX_ONE_MINUS_COSINE);
        if (holds_q8(&job->w)) {
            printf(", fast %.0e", ERRORS_MAX_FAST);
        }
        putchar('\n');
        code = run_sets(job, &vision, &text);
    }
    for (size_t i = 0; i < vision.n; i++) {
        free(vision.list[i].x);
    }
    for (size_t i = 0; i < text.n; i++) {
        free(text.list[i].x);
    }
    free(vision.list);
    free(text.list);
    return code == CLI_DONE && job->failed ? CLI_FAILED : code;
}

int cmd_selftest(int argc, char **argv)
{
    bool deep = false;
    const struct cli_option options[] = {
        {"deep", CLI_FLAG, &deep, NULL, "recompute every layer in double precision"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct job job = {.cli = &cli};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items > 1) {
        code = cli_usage(&cli, "wants one FILE");
    } else {
        if (cli.n_items == 1) {
            cli_name_model(&cli, cli.items[0].value);
        }
        code = run(&job, deep);
    }
    free(job.pixels);
    free(job.image);
    free(job.text);
    clipc_close(job.model);
    weights_close(&job.w);
    cli_free(&cli);
    return code;
}
