/* tokenize.c - `clipc tokenize`: texts to token ids. */
#include <stdlib.h>
#include <string.h>

#include "../cli/cli.h"
#include "verbs.h"
#include "config.h"
#include "../cli/json_lines.h"
#include "../cli/json_put.h"

static const struct cli_verb verb = {
    "tokenize", "TEXT... [options]",
    "Print the token ids of each text, start and end token included, cut to the model's context.\n"
    "With --json and no TEXT: reads one JSON string from each line of stdin and prints one array "
    "of\n"
    "ids a line, so that any text can be given, line ends and U+0000 included.\n\n"
    "  clipc tokenize \"a photo of a cat\"\n"
    "  printf '\"two\\\\nlines\"\\n' | clipc tokenize --json",
    CLI_MODEL | CLI_TEXTS | CLI_JSON};

struct job {
    const struct cli *cli;
    clipc_model *model;
    int32_t ids[CLIPC_MAX_CONTEXT];
};

static int print_ids(struct job *job, const char *text, size_t length, bool json)
{
    struct clipc_text t = {text, length};
    size_t n;

    if (clipc_tokenize(job->model, &t, job->cli->session.tokenizer, job->ids, &n) != CLIPC_OK) {
        fputs(json ? "null" : "", stdout);
        return cli_error("%s", clipc_errmsg());
    }
    for (size_t i = 0; i < n; i++) {
        printf("%s%d", i == 0 ? (json ? "[" : "") : json ? ", " : " ", (int)job->ids[i]);
    }
    fputs(json ? "]" : "", stdout);
    return CLI_DONE;
}

static int tokenize_line(void *arg, const char *text, size_t length, const char *error)
{
    struct job *job = arg;
    int code = CLI_FAILED;

    if (error != NULL) {
        cli_error("%s", error);
        fputs("null", stdout);
    } else {
        code = print_ids(job, text, length, true);
    }
    putchar('\n');
    return code;
}

static int tokenize_arguments(struct job *job)
{
    int code = CLI_DONE;

    fputs(job->cli->json ? "[" : "", stdout);
    for (size_t i = 0; i < job->cli->n_items; i++) {
        const char *text = job->cli->items[i].value;
        if (job->cli->json && i > 0) {
            fputs(",\n ", stdout);
        }
        if (print_ids(job, text, strlen(text), job->cli->json) != CLI_DONE) {
            code = CLI_FAILED;
        }
        fputs(job->cli->json ? "" : "\n", stdout);
    }
    fputs(job->cli->json ? "]\n" : "", stdout);
    return code;
}

int cmd_tokenize(int argc, char **argv)
{
    struct cli cli;
    static const struct cli_option none[] = {{NULL, CLI_FLAG, NULL, NULL, NULL}};
    int code = cli_parse(&cli, &verb, none, argc, argv);
    struct job *job;

    if (code != CLI_GO_ON) {
        return code;
    }
    if (cli.n_items == 0 && !cli.json) {
        code = cli_usage(&cli, "wants a TEXT (or --json, and JSON strings on stdin)");
    } else if ((job = calloc(1, sizeof *job)) == NULL) {
        code = cli_error("out of memory");
    } else {
        job->cli = &cli;
        job->model = cli_open_model(&cli);
        code = job->model == NULL ? CLI_FAILED
               : cli.n_items > 0  ? tokenize_arguments(job)
                                  : json_lines(tokenize_line, job);
        clipc_close(job->model);
        free(job);
    }
    cli_free(&cli);
    return code;
}
