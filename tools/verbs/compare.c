/* compare.c - `clipc compare`: the cosine of two things. */
#include <stdlib.h>
#include <string.h>

#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/gather.h"
#include "../cli/json_put.h"
#include "../cli/stream.h"
#include "../cli/world.h"

static const struct cli_verb verb = {
    "compare", "A B [options]   (A and B: images, or --text T)",
    "Print the cosine of the vectors of two images, two texts, or one of each: from -1 to 1.  Of "
    "an\n"
    "image and a text, OpenAI's models give about 0.15 for nothing in common, 0.35 for a fit.\n\n"
    "  clipc compare cat.jpg --text \"a photo of a cat\"\n"
    "  clipc compare one.jpg two.jpg",
    CLI_MODEL | CLI_COMPUTE | CLI_FAST_DECODE | CLI_JSON | CLI_JSONL};

struct job {
    float *rows; /* [2, dim] */
    size_t dim, n;
    struct name { /* what the record calls it */
        bool text;
        char *data;
        size_t length;
    } names[2];
    char error[512];
};

static int keep(void *arg, const struct encoded *e)
{
    struct job *job = arg;

    if (job->n == 2) {
        job->n = 3; /* too many: a usage error */
        return 1;
    }
    job->names[job->n] =
        (struct name){e->input->kind == INPUT_TEXT, malloc(e->input->length + 1), e->input->length};
    if (job->names[job->n].data == NULL) {
        return cli_error("out of memory");
    }
    memcpy(job->names[job->n].data, e->input->data, e->input->length);
    if (e->embedding != NULL) {
        memcpy(job->rows + job->n * job->dim, e->embedding, job->dim * sizeof(float));
    } else {
        snprintf(job->error, sizeof job->error, "%s", e->error);
    }
    job->n++;
    return 0;
}

static void print_name(const struct name *name)
{
    fputs(name->text ? "{\"text\": " : "{\"image\": ", stdout);
    json_put_string(stdout, name->data, name->length);
    putchar('}');
}

static void print_json(const struct job *job, bool failed, double cosine, bool lines)
{
    struct json_records r;

    json_records_begin(&r, stdout, lines);
    json_records_next(&r);
    fputs("{\"a\": ", stdout);
    print_name(&job->names[0]);
    fputs(", \"b\": ", stdout);
    print_name(&job->names[1]);
    fputs(", \"cosine\": ", stdout);
    if (failed) {
        fputs("null", stdout);
    } else {
        json_put_float(stdout, cosine);
    }
    fputs(", \"error\": ", stdout);
    json_put_c_string(stdout, failed ? job->error : NULL);
    putchar('}');
    json_records_line(&r);
    json_records_end(&r);
}

static int wrong_number(const struct cli *cli)
{
    return cli_usage(cli, "wants exactly two images or texts");
}

static int run(const struct cli *cli, struct inputs *inputs)
{
    struct stream *stream = stream_open(cli);
    struct job job = {0};
    int code = CLI_FAILED;

    if (stream == NULL) {
        return CLI_FAILED;
    }
    world_note_texts(cli, stream_model(stream));
    job.dim = (size_t)clipc_dim(stream_model(stream));
    job.rows = calloc(2, job.dim * sizeof(float));
    if (job.rows == NULL) {
        cli_error("out of memory");
    } else {
        code = stream_run(stream, inputs, keep, &job);
        double cosine = (double)clipc_cosine(job.rows, job.rows + job.dim, job.dim);
        if (job.n != 2) {
            code = wrong_number(cli);
        } else if (cli->json || cli->jsonl) {
            print_json(&job, code != CLI_DONE, cosine, cli->jsonl);
        } else if (code == CLI_DONE) {
            printf("%.6f\n", cosine);
        }
    }
    free(job.names[0].data);
    free(job.names[1].data);
    free(job.rows);
    stream_close(stream);
    return code;
}

int cmd_compare(int argc, char **argv)
{
    const struct cli_option options[] = {
        GATHER_IMAGE, GATHER_TEXT, {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct source *sources = NULL;
    struct inputs *inputs = NULL;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    code = gather_check_stdin(&cli);
    sources = calloc(cli.n_items + 1, sizeof *sources);
    if (sources == NULL) {
        code = cli_error("out of memory");
    }
    for (size_t i = 0; code == CLI_GO_ON && i < cli.n_items; i++) {
        const struct cli_item *item = &cli.items[i];
        if (gather_is_text(item)) {
            code = cli_usage(&cli, "'%s' is not a file; for a text write --text \"%s\"",
                             item->value, item->value);
        }
        sources[i] = gather_source(item);
    }
    if (code == CLI_GO_ON && inputs_new(sources, cli.n_items, false, 0, &inputs) != 0) {
        code = cli_error("out of memory");
    }
    if (code == CLI_GO_ON) {
        size_t total = inputs_total(inputs);
        code =
            cli.n_items == 0 || (total != 0 && total != 2) ? wrong_number(&cli) : run(&cli, inputs);
    }
    inputs_free(inputs);
    free(sources);
    cli_free(&cli);
    return code;
}
