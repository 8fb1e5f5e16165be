/* verify.c - `clipc verify`: are a file's vectors those that another implementation made of the
 * same images and texts? */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"
#include "../cli/inputs.h"
#include "../cli/json_put.h"
#include "../cli/lines.h"
#include "../cli/npy.h"
#include "../cli/stream.h"
#include "../cli/value.h"
#include "../measure/errors.h"
#include "../measure/ranks.h"
#include "verbs.h"

static const struct cli_verb verb = {
    "verify", "[FILE] --against FOLDER [options]",
    "Compute the vectors of images and texts that another implementation has computed, and hold\n"
    "them against its own: the largest difference of an element, 1 - cosine (both of vectors\n"
    "scaled to length 1), and whether each image ranks the texts in the same order.  FOLDER has\n\n"
    "  image_embed.npy  [n, dim]  with pixels.npy [n, 3, size, size], and/or images.txt, a "
    "picture\n"
    "                             file in each line, from FOLDER on: then decoding and\n"
    "                             preprocessing are compared too\n"
    "  text_embed.npy   [n, dim]  with tokens.npy [n, length], and/or texts.txt, a text in each\n"
    "                             line: then the tokenizer is compared too\n\n"
    "(image_embed.f64.npy and text_embed.f64.npy go before them).  numpy.save writes such files.\n"
    "Exit 1 when a vector is further away than float32 in another order explains, or than "
    "--limit.\n\n"
    "  clipc verify model.clipc --against theirs",
    CLI_MODEL | CLI_COMPUTE | CLI_FAST_DECODE | CLI_JSON};

/* One tower's vectors: theirs, and ours of up to two kinds of input. */
struct side {
    const char *what; /* "image" or "text" */
    struct npy theirs;
    double *want; /* [rows, dim] */
    float *got;   /* [rows, dim], of the kind of input that was compared last */
    size_t rows;
    bool compared;
};

struct job {
    const struct cli *cli;
    const char *folder;
    double limit; /* of 1 - cosine; 0: the limits of errors.h */
    struct stream *stream;
    struct clipc_model_info info;
    struct side image, text;
    struct json_records records;
    bool failed;
};

/* FOLDER/NAME, to be freed; NULL without memory. */
static char *join(const struct job *job, const char *name)
{
    size_t n = strlen(job->folder) + strlen(name) + 2;
    char *path = malloc(n);

    if (path != NULL) {
        snprintf(path, n, "%s/%s", job->folder, name);
    }
    return path;
}

/* Their vectors: CLI_DONE (also where there are none), or CLI_FAILED after a message. */
static int read_side(struct job *job, struct side *side)
{
    static const char *const endings[] = {".f64.npy", ".npy"};
    size_t dim = (size_t)job->info.dim;
    char name[64];
    int code = CLI_DONE;

    for (size_t i = 0; i < 2 && side->want == NULL && code == CLI_DONE; i++) {
        snprintf(name, sizeof name, "%s_embed%s", side->what, endings[i]);
        char *path = join(job, name);
        if (path == NULL) {
            return cli_error("out of memory");
        }
        if (access(path, F_OK) != 0) {
            free(path);
            continue;
        }
        if (npy_read(path, &side->theirs) != CLIPC_OK) {
            code = cli_error("%s", clipc_errmsg());
        } else if (side->theirs.n_dims != 2 || side->theirs.shape[1] != dim ||
                   side->theirs.floats == NULL || side->theirs.shape[0] == 0) {
            code = cli_error("%s: wants floats of shape [n, %zu], this model's vectors", path, dim);
        } else {
            side->rows = side->theirs.shape[0];
            side->want = malloc(side->rows * dim * sizeof *side->want);
            side->got = malloc(side->rows * dim * sizeof *side->got);
            code = side->want != NULL && side->got != NULL ? CLI_DONE : cli_error("out of memory");
        }
        for (size_t k = 0; code == CLI_DONE && k < side->rows * dim; k++) {
            side->want[k] = (double)side->theirs.floats[k];
        }
        free(path);
    }
    return code;
}

/* ---- One kind of input ----------------------------------------------------------------------- */

struct rows {
    struct side *side;
    size_t dim, n;
};

static int keep(void *arg, const struct encoded *e)
{
    struct rows *r = arg;

    if (r->n < r->side->rows) {
        for (size_t i = 0; i < r->dim; i++) {
            r->side->got[r->n * r->dim + i] = e->embedding != NULL ? e->embedding[i] : NAN;
        }
    }
    r->n++;
    return 0;
}

static void report(struct job *job, const struct side *side, const char *kind)
{
    size_t dim = (size_t)job->info.dim, worst = 0;
    struct errors all = {0, 0};

    for (size_t i = 0; i < side->rows; i++) {
        struct errors e = errors_of(side->want + i * dim, side->got + i * dim, dim);
        if (!(e.one_minus_cosine <= all.one_minus_cosine)) { /* NaN is worst of all */
            all.one_minus_cosine = e.one_minus_cosine;
            worst = i;
        }
        all.max_abs = e.max_abs <= all.max_abs ? all.max_abs : e.max_abs;
        if (isnan(e.max_abs)) {
            break;
        }
    }
    bool good = job->limit > 0 ? all.one_minus_cosine <= job->limit
                               : all.one_minus_cosine <= ERRORS_MAX_ONE_MINUS_COSINE &&
                                     all.max_abs <= ERRORS_MAX_ABS;
    job->failed |= !good;
    if (!job->cli->json) {
        printf("  %-6s %6zu rows  max abs %8.1e  1 - cosine %8.1e (row %zu)  %s\n", kind,
               side->rows, all.max_abs, all.one_minus_cosine, worst, good ? "ok" : "DIFFERENT");
        return;
    }
    json_records_next(&job->records);
    printf("{\"what\": \"%s\", \"rows\": %zu, \"max_abs\": ", kind, side->rows);
    json_put_float(stdout, all.max_abs);
    printf(", \"one_minus_cosine\": ");
    json_put_float(stdout, all.one_minus_cosine);
    printf(", \"worst_row\": %zu, \"ok\": %s}", worst, good ? "true" : "false");
}

/* sources: [n], of one kind. */
static int compare(struct job *job, struct side *side, const char *kind, const char *file,
                   const struct source *sources, size_t n)
{
    struct rows rows = {side, (size_t)job->info.dim, 0};
    struct inputs *inputs;

    if (inputs_new(sources, n, false, (size_t)job->info.image_size, &inputs) != 0) {
        return cli_error("out of memory");
    }
    int code = stream_run(job->stream, inputs, keep, &rows);
    inputs_free(inputs);
    if (code == CLI_DONE && rows.n != side->rows) {
        code = cli_error("%s/%s: %zu %ss, but the other's vectors are %zu", job->folder, file,
                         rows.n, side->what, side->rows);
    }
    if (code == CLI_DONE) {
        report(job, side, kind);
        side->compared = true;
    }
    return code;
}

/* A file that is one source: pixels.npy, tokens.npy, texts.txt.  CLI_DONE where there is none. */
static int compare_file(struct job *job, struct side *side, const char *kind, const char *file,
                        enum source_kind source)
{
    char *path = join(job, file);

    if (path == NULL) {
        return cli_error("out of memory");
    }
    struct source one = {source, path};
    int code = access(path, F_OK) == 0 ? compare(job, side, kind, file, &one, 1) : CLI_DONE;
    free(path);
    return code;
}

/* images.txt: names from the folder on. */
static int read_names(struct job *job, const char *list, struct source **sources, size_t *n)
{
    struct lines *lines;
    const char *line;
    size_t length;
    int got;

    if (lines_open(list, LINES_PATHS, &lines) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    while ((got = lines_next(lines, &line, &length)) == 1) {
        struct source *more = realloc(*sources, (*n + 1) * sizeof **sources);
        if (more == NULL) {
            break;
        }
        *sources = more;
        more[*n] = (struct source){SOURCE_PATH, line[0] == '/' ? strdup(line) : join(job, line)};
        if (more[*n].value == NULL) {
            break;
        }
        ++*n;
    }
    lines_close(lines);
    return got == 0  ? CLI_DONE
           : got < 0 ? cli_error("%s: %s", list, clipc_errmsg())
                     : cli_error("out of memory");
}

static int compare_images(struct job *job, struct side *side)
{
    char *list = join(job, "images.txt");
    struct source *sources = NULL;
    size_t n = 0;
    int code = CLI_DONE;

    if (list == NULL) {
        return cli_error("out of memory");
    }
    if (access(list, F_OK) == 0) {
        code = read_names(job, list, &sources, &n);
        if (code == CLI_DONE) {
            code = compare(job, side, "images", "images.txt", sources, n);
        }
    }
    for (size_t i = 0; i < n; i++) {
        free((char *)sources[i].value);
    }
    free(sources);
    free(list);
    return code;
}

static int compare_side(struct job *job, struct side *side)
{
    bool images = side == &job->image;
    int code = read_side(job, side);

    if (code != CLI_DONE || side->want == NULL) {
        return code;
    }
    code = images ? compare_file(job, side, "pixels", "pixels.npy", SOURCE_PIXELS)
                  : compare_file(job, side, "tokens", "tokens.npy", SOURCE_TOKENS);
    if (code == CLI_DONE) {
        code = images ? compare_images(job, side)
                      : compare_file(job, side, "texts", "texts.txt", SOURCE_TEXTS);
    }
    if (code == CLI_DONE && !side->compared) {
        code = cli_error("%s: has %s_embed.npy, but neither %s nor %s that it was made of",
                         job->folder, side->what, images ? "pixels.npy" : "tokens.npy",
                         images ? "images.txt" : "texts.txt");
    }
    return code;
}

static int rank(struct job *job)
{
    const struct ranks_side images = {job->image.want, job->image.got, job->image.rows},
                            texts = {job->text.want, job->text.got, job->text.rows};
    struct ranks r;

    if (ranks_of(&images, &texts, (size_t)job->info.dim, &r) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    if (job->cli->json) {
        json_records_next(&job->records);
        printf("{\"what\": \"ranks\", \"images\": %zu, \"texts\": %zu, \"same_first\": %zu, "
               "\"same_order\": %zu}",
               images.n, texts.n, r.same_first, r.same_order);
    } else {
        printf("  ranks  of %zu texts: the same first for %zu of %zu images, the same order for "
               "%zu\n",
               texts.n, r.same_first, images.n, r.same_order);
    }
    return CLI_DONE;
}

/* ---------------------------------------------------------------------------------------------- */

static int run(struct job *job)
{
    job->stream = stream_open(job->cli);
    if (job->stream == NULL) {
        return CLI_FAILED;
    }
    job->info.size = sizeof job->info;
    clipc_model_info(stream_model(job->stream), &job->info);
    if (job->cli->json) {
        json_records_begin(&job->records, stdout, false);
    }
    int code = compare_side(job, &job->image);
    if (code == CLI_DONE) {
        code = compare_side(job, &job->text);
    }
    if (code == CLI_DONE && !job->image.compared && !job->text.compared) {
        code = cli_error("%s: neither image_embed.npy nor text_embed.npy is there: clipc verify "
                         "--help says what the folder holds",
                         job->folder);
    }
    if (code == CLI_DONE && job->image.compared && job->text.compared) {
        code = rank(job);
    }
    if (job->cli->json) {
        json_records_end(&job->records);
    }
    stream_close(job->stream);
    return code == CLI_DONE && job->failed ? CLI_FAILED : code;
}

int cmd_verify(int argc, char **argv)
{
    struct cli cli;
    const char *limit = NULL;
    struct job job = {.cli = &cli, .image = {.what = "image"}, .text = {.what = "text"}};
    const struct cli_option options[] = {
        {"against", CLI_STRING, &job.folder, "FOLDER", "the other implementation's vectors"},
        {"limit", CLI_STRING, &limit, "X",
         "the most that 1 - cosine may be (default: 1e-9, and 1e-5 for\n"
         "each element; a file of fewer bits than theirs wants more)"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items > 1 || job.folder == NULL) {
        code = cli_usage(&cli, "wants one FILE and --against FOLDER");
    } else if ((code = value_above_zero(&cli, "limit", limit, &job.limit)) == CLI_GO_ON) {
        if (cli.n_items == 1) {
            cli_name_model(&cli, cli.items[0].value);
        }
        code = run(&job);
    }
    npy_free(&job.image.theirs);
    npy_free(&job.text.theirs);
    free(job.image.want);
    free(job.image.got);
    free(job.text.want);
    free(job.text.got);
    cli_free(&cli);
    return code;
}
