/* compare.c - `clipc compare`: the cosine of two things. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/batch.h"
#include "../cli/gather.h"
#include "../cli/json_put.h"

static const struct cli_verb verb = {"compare", "A B [options]   (A and B: images, or --text T)",
                                     "Print the cosine of two vectors: from -1 to 1 (documentation "
                                     "elsewhere that says 0 to 1 is wrong).\n"
                                     "Of an image and a text, OpenAI's models give about 0.15 for "
                                     "nothing in common and 0.35 for a fit.\n\n"
                                     "  clipc compare cat.jpg --text \"a photo of a cat\"\n"
                                     "  clipc compare one.jpg two.jpg",
                                     CLI_MODEL | CLI_COMPUTE | CLI_JSON | CLI_JSONL};

struct job {
    float *rows; /* [2, dim] */
    size_t dim, n;
    const struct input *inputs[2];
    char error[512];
};

static int keep(void *arg, const struct encoded *e)
{
    struct job *job = arg;

    job->inputs[job->n] = e->input;
    if (e->embedding != NULL) {
        memcpy(job->rows + job->n * job->dim, e->embedding, job->dim * sizeof(float));
    } else {
        snprintf(job->error, sizeof job->error, "%s", e->error);
    }
    job->n++;
    return 0;
}

static void print_input(const struct input *input)
{
    fputs(input->kind == INPUT_TEXT ? "{\"text\": " : "{\"image\": ", stdout);
    json_put_string(stdout, input->data, input->length);
    putchar('}');
}

static void print_json(const struct job *job, bool failed, double cosine, bool lines)
{
    struct json_records r;

    json_records_begin(&r, stdout, lines);
    json_records_next(&r);
    fputs("{\"a\": ", stdout);
    print_input(job->inputs[0]);
    fputs(", \"b\": ", stdout);
    print_input(job->inputs[1]);
    fputs(", \"cosine\": ", stdout);
    if (failed) {
        fputs("null", stdout);
    } else {
        json_put_float(stdout, cosine);
    }
    fputs(", \"error\": ", stdout);
    json_put_c_string(stdout, failed ? job->error : NULL);
    putchar('}');
    json_records_end(&r);
}

static int run(const struct cli *cli, const struct inputs *inputs)
{
    struct encoder *encoder = encode_open(cli);
    struct job job = {0};
    int code = CLI_FAILED;

    if (encoder == NULL) {
        return CLI_FAILED;
    }
    job.dim = (size_t)clipc_dim(encode_model(encoder));
    job.rows = calloc(2, job.dim * sizeof(float));
    if (job.rows == NULL) {
        cli_error("out of memory");
    } else {
        code = encode_inputs(encoder, inputs, keep, &job);
        double cosine = (double)clipc_cosine(job.rows, job.rows + job.dim, job.dim);
        if (cli->json || cli->jsonl) {
            print_json(&job, code != CLI_DONE, cosine, cli->jsonl);
        } else if (code == CLI_DONE) {
            printf("%.6f\n", cosine);
        }
    }
    free(job.rows);
    encode_close(encoder);
    return code;
}

int cmd_compare(int argc, char **argv)
{
    const struct cli_option options[] = {
        GATHER_IMAGE, GATHER_TEXT, {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct inputs inputs = {0};
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    for (size_t i = 0; code == CLI_GO_ON && i < cli.n_items; i++) {
        const struct cli_item *item = &cli.items[i];
        if (item->option == NULL && access(item->value, F_OK) != 0 &&
            strcmp(item->value, "-") != 0 && strchr(item->value, ' ') != NULL) {
            code = cli_usage(&cli, "'%s' is no file; for a text write --text", item->value);
        } else if (gather_item(&inputs, item, false) != 0) {
            code = CLI_FAILED;
        }
    }
    if (code == CLI_GO_ON && inputs.n != 2) {
        code = cli_usage(&cli, "wants exactly two images or texts, not %zu", inputs.n);
    }
    if (code == CLI_GO_ON) {
        code = run(&cli, &inputs);
    }
    inputs_free(&inputs);
    cli_free(&cli);
    return code;
}
