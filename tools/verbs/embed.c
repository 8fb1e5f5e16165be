/* embed.c - `clipc embed`: images and texts to vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/gather.h"
#include "../cli/npy.h"
#include "../cli/json_put.h"
#include "../cli/stream.h"
#include "../cli/world.h"

static const struct cli_verb verb = {
    "embed", "[PATH...] [--text T]... [options]",
    "Print the vector of each image and text, in the order of the arguments, scaled to length 1.\n"
    "PATH is an image, a folder of images, or - for a list of files on stdin.  What cannot be "
    "read\n"
    "is an error in its place (a row of NaN in .npy): rows never shift.\n\n"
    "  clipc embed photos/ --npy vectors.npy\n"
    "  clipc embed --text \"a photo of a cat\" cat.jpg --json",
    CLI_MODEL | CLI_COMPUTE | CLI_FAST_DECODE | CLI_JSON | CLI_JSONL};

struct job {
    struct json_records records;
    bool json, raw;
    struct npy_writer *npy; /* NULL: none */
    float *row;             /* [dim] */
    size_t dim, n;
};

static void print_record(struct job *job, const struct input *input, const float *v,
                         const char *error)
{
    bool array = input->kind == INPUT_PIXELS || input->kind == INPUT_TOKENS;
    FILE *f = stdout;

    json_records_next(&job->records);
    fputs("{\"image\": ", f);
    json_put_c_string(f, array || input->kind == INPUT_TEXT ? NULL : input->data);
    fputs(", \"text\": ", f);
    if (input->kind == INPUT_TEXT) {
        json_put_string(f, input->data, input->length);
    } else {
        fputs("null", f);
    }
    fputs(", \"embedding\": ", f);
    json_put_floats(f, v, job->dim);
    fputs(", \"error\": ", f);
    json_put_c_string(f, error);
    putc('}', f);
    json_records_line(&job->records);
}

static void print_plain(const struct job *job, const float *v)
{
    for (size_t i = 0; i < job->dim; i++) {
        printf("%s%.9g", i == 0 ? "" : " ", (double)v[i]);
    }
    putchar('\n');
}

static int emit(void *arg, const struct encoded *e)
{
    struct job *job = arg;
    const float *v = e->embedding != NULL ? job->row : NULL;

    if (v != NULL) {
        memcpy(job->row, e->embedding, job->dim * sizeof(float));
        if (!job->raw) {
            clipc_normalize(job->row, 1, job->dim);
        }
    } else {
        for (size_t i = 0; i < job->dim; i++) {
            job->row[i] = NAN;
        }
    }
    job->n++;
    if (job->npy != NULL && npy_append(job->npy, job->row, job->dim * sizeof(float)) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    if (job->json) {
        print_record(job, e->input, v, e->error);
    } else if (job->npy == NULL) {
        print_plain(job, job->row);
    }
    return 0;
}

struct options {
    const char *npy;
    bool raw, zeros;
};

/* Everything named, in the order given. */
static int embed_items(const struct cli *cli, bool zeros, struct stream *stream, struct job *job,
                       size_t image_size)
{
    struct source *sources = calloc(cli->n_items, sizeof *sources);
    struct inputs *inputs = NULL;
    int code;

    for (size_t i = 0; sources != NULL && i < cli->n_items; i++) {
        sources[i] = gather_source(&cli->items[i]);
    }
    if (sources == NULL || inputs_new(sources, cli->n_items, zeros, image_size, &inputs) != 0) {
        code = cli_error("out of memory");
    } else {
        code = stream_run(stream, inputs, emit, job);
    }
    inputs_free(inputs);
    free(sources);
    return code;
}

/* Before the first error: what was probably meant. */
static void note_text(const struct cli *cli)
{
    for (size_t i = 0; i < cli->n_items; i++) {
        const char *value = cli->items[i].value;
        if (gather_is_text(&cli->items[i])) {
            cli_note("'%s' is not a file; for a text write --text \"%s\"", value, value);
            return;
        }
    }
}

static int run(const struct cli *cli, const struct options *o)
{
    struct stream *stream = stream_open(cli);
    struct job job = {.json = cli->json || cli->jsonl, .raw = o->raw};
    struct clipc_model_info info = {.size = sizeof info};
    int code = CLI_DONE;

    if (stream == NULL) {
        return CLI_FAILED;
    }
    clipc_model_info(stream_model(stream), &info);
    note_text(cli);
    world_note_texts(cli, stream_model(stream));
    job.dim = (size_t)info.dim;
    job.row = malloc(job.dim * sizeof(float));
    if (job.row == NULL) {
        code = cli_error("out of memory");
    } else if (o->npy != NULL && npy_open(o->npy, NPY_F4, 0, &job.dim, 1, &job.npy) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    }
    if (code == CLI_DONE) {
        if (job.json) {
            json_records_begin(&job.records, stdout, cli->jsonl);
        }
        code = embed_items(cli, o->zeros, stream, &job, (size_t)info.image_size);
        if (job.json) {
            json_records_end(&job.records);
        }
        if (job.npy != NULL && npy_close(job.npy, job.n) != CLIPC_OK) {
            code = cli_error("%s", clipc_errmsg());
        }
    } else {
        npy_abort(job.npy);
    }
    free(job.row);
    stream_close(stream);
    return code;
}

int cmd_embed(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_option options[] = {
        GATHER_IMAGE,
        GATHER_TEXT,
        GATHER_TEXTS,
        {"tokens", CLI_ITEM, NULL, "FILE.npy", "ready token ids, [n, length]"},
        {"pixels", CLI_ITEM, NULL, "FILE.npy", "ready pixels, float32 [n, 3, size, size]"},
        {"npy", CLI_OUTPUT, &o.npy, "FILE", "write float32 [n, dim] there"},
        {"raw", CLI_FLAG, &o.raw, NULL, "do not scale vectors to length 1"},
        GATHER_ZEROS(&o.zeros),
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items == 0) {
        code = cli_usage(&cli, "nothing to embed");
    } else if (cli.json && cli.jsonl) {
        code = cli_usage(&cli, "--json or --jsonl, not both");
    } else if ((cli.json || cli.jsonl) && o.npy != NULL && strcmp(o.npy, "-") == 0) {
        code = cli_usage(&cli, "records and --npy - cannot both go to standard output");
    } else if ((code = gather_check_stdin(&cli)) == CLI_GO_ON) {
        code = run(&cli, &o);
    }
    cli_free(&cli);
    return code;
}
