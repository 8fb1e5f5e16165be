/* embed.c - `clipc embed`: images and texts to vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/batch.h"
#include "../cli/gather.h"
#include "../cli/npy.h"
#include "../cli/json_put.h"

static const struct cli_verb verb = {
    "embed", "[PATH...] [--text T]... [options]",
    "Print the vector of each image and text, in the order of the arguments, of length 1 unless "
    "--raw.\n"
    "PATH is an image, a folder of images, or - for a list of paths on stdin.  What cannot be read "
    "is\n"
    "an error in its place (a row of NaN in .npy): rows never shift.\n\n"
    "  clipc embed photos/ --npy vectors.npy\n"
    "  clipc embed --text \"a photo of a cat\" cat.jpg --json",
    CLI_MODEL | CLI_COMPUTE | CLI_JSON | CLI_JSONL};

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
    FILE *f = stdout;

    json_records_next(&job->records);
    fputs("{\"image\": ", f);
    json_put_c_string(f, input != NULL && input->kind != INPUT_TEXT ? input->data : NULL);
    fputs(", \"text\": ", f);
    if (input != NULL && input->kind == INPUT_TEXT) {
        json_put_string(f, input->data, input->length);
    } else {
        fputs("null", f);
    }
    fputs(", \"embedding\": ", f);
    json_put_floats(f, v, job->dim);
    fputs(", \"error\": ", f);
    json_put_c_string(f, error);
    putc('}', f);
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

/* A .npy file of ready tokens [n, length] or pixels [n, 3, S, S]. */
static int embed_array(struct job *job, clipc_session *session, const char *path, bool pixels,
                       size_t image_size)
{
    struct npy a;
    size_t n, row;
    int status = npy_read(path, &a);
    float *rows = NULL;
    int32_t *ids = NULL;

    if (status != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    n = a.n_dims > 0 ? a.shape[0] : 0;
    row = n > 0 ? a.count / n : 0;
    if (pixels ? a.floats == NULL || a.n_dims != 4 || a.shape[1] != 3 || a.shape[2] != image_size ||
                     a.shape[3] != image_size
               : a.whole == NULL || a.n_dims != 2) {
        npy_free(&a);
        return pixels ? cli_error("%s: want float32 [n, 3, %zu, %zu]", path, image_size, image_size)
                      : cli_error("%s: want whole numbers [n, length]", path);
    }
    rows = malloc(n * job->dim * sizeof *rows + 1);
    ids = malloc((pixels ? 0 : a.count) * sizeof *ids + 1);
    for (size_t i = 0; ids != NULL && !pixels && i < a.count; i++) {
        ids[i] = a.whole[i] < 0 || a.whole[i] > INT32_MAX ? -1 : (int32_t)a.whole[i];
    }
    if (rows == NULL || ids == NULL) {
        status = cli_error("out of memory");
    } else if ((pixels ? clipc_encode_pixels(session, a.floats, n, rows)
                       : clipc_encode_tokens(session, ids, n, row, rows)) != CLIPC_OK) {
        status = cli_error("%s: %s", path, clipc_errmsg());
    }
    struct input none = {.kind = INPUT_BROKEN, .data = NULL};
    for (size_t i = 0; status == CLIPC_OK && i < n; i++) {
        struct encoded e = {.input = &none, .embedding = rows + i * job->dim};
        status = emit(job, &e);
    }
    free(rows);
    free(ids);
    npy_free(&a);
    return status == CLIPC_OK ? CLI_DONE : CLI_FAILED;
}

struct options {
    const char *npy;
    bool raw, zeros;
};

static bool is_array(const struct cli_item *item)
{
    return item->option != NULL &&
           (strcmp(item->option->name, "tokens") == 0 || strcmp(item->option->name, "pixels") == 0);
}

/* Everything named, in the order given: stretches of images and texts between arrays. */
static int embed_items(const struct cli *cli, const struct options *o, struct encoder *encoder,
                       struct job *job, size_t image_size)
{
    struct inputs inputs = {0};
    int code = CLI_DONE;

    for (size_t i = 0; i < cli->n_items; i++) {
        bool array = is_array(&cli->items[i]);
        if (!array && gather_item(&inputs, &cli->items[i], o->zeros) != 0) {
            code = CLI_FAILED;
            break;
        }
        if (!array && i + 1 < cli->n_items && !is_array(&cli->items[i + 1])) {
            continue;
        }
        if (inputs.n > 0 && encode_inputs(encoder, &inputs, emit, job) != CLI_DONE) {
            code = CLI_FAILED;
        }
        inputs_free(&inputs);
        if (array && embed_array(job, encode_session(encoder), cli->items[i].value,
                                 cli->items[i].option->name[0] == 'p', image_size) != CLI_DONE) {
            code = CLI_FAILED;
        }
    }
    inputs_free(&inputs);
    return code;
}

static int run(const struct cli *cli, const struct options *o)
{
    struct encoder *encoder = encode_open(cli);
    struct job job = {.json = cli->json || cli->jsonl, .raw = o->raw};
    struct clipc_model_info info = {.size = sizeof info};
    int code = CLI_DONE;

    if (encoder == NULL) {
        return CLI_FAILED;
    }
    clipc_model_info(encode_model(encoder), &info);
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
        code = embed_items(cli, o, encoder, &job, (size_t)info.image_size);
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
    encode_close(encoder);
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
        {"npy", CLI_STRING, &o.npy, "FILE", "write float32 [n, dim] there"},
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
    } else {
        code = run(&cli, &o);
    }
    cli_free(&cli);
    return code;
}
