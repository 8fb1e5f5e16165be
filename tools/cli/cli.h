/* cli.h - the grammar that all verbs share: options anywhere, `--` ends them, --help on stdout,
 * errors on stderr as `clipc: what: why`, exit codes 0 done, 1 something failed, 2 wrong usage. */
#ifndef CLIPC_CLI_H
#define CLIPC_CLI_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "../../src/clipc.h"
#include "open.h"
#include "say.h"

enum cli_kind {
    CLI_FLAG,   /* bool *: true when given */
    CLI_STRING, /* const char **: the last one given */
    CLI_OUTPUT, /* the same, of a file that is written: it must not be one that is read */
    CLI_INT,    /* int *: a whole number >= 0 */
    CLI_CHOICE, /* int *: 1 + the place of the word among those of `argument`, "exact|fast" */
    CLI_ITEM    /* kept in order in cli.items: --text, --image, --template ... */
};
struct cli_option {
    const char *name; /* without the dashes: "top"; "m|model" is -m and --model */
    enum cli_kind kind;
    void *value;
    const char *argument; /* "FILE" in the help; NULL for flags */
    const char *help;     /* one sentence; '\n' begins an indented line */
};

/* One positional argument (option NULL), or one CLI_ITEM. */
struct cli_item {
    const struct cli_option *option;
    const char *value;
};

/* Which of the common options (common.c) a verb takes: those that change what it does. */
enum {
    CLI_MODEL = 1,
    CLI_THREADS = 2,
    CLI_BATCH = 4,
    CLI_KERNELS = 8,
    CLI_PRECISION = 16,
    CLI_IMAGES = 32, /* how images are read and preprocessed */
    CLI_TEXTS = 64,  /* how texts become tokens */
    CLI_JSON = 128,
    CLI_JSONL = 256,
    CLI_FAST_DECODE = 512, /* with CLI_IMAGES: for verbs that make vectors of files */
    CLI_SESSION = CLI_THREADS | CLI_BATCH | CLI_KERNELS | CLI_PRECISION,
    CLI_COMPUTE = CLI_SESSION | CLI_IMAGES | CLI_TEXTS
};

struct cli_verb {
    const char *name;
    const char *usage; /* "IMAGE LABEL... [options]" */
    const char *text;  /* paragraphs in `clipc VERB --help`: what, then an example */
    int common;
};

struct cli {
    const struct cli_verb *verb;
    struct cli_item *items; /* [n_items], in the order given; freed by cli_free */
    size_t n_items;
    bool json, jsonl;
    /* common options as given */
    const char *model_path; /* -m, else $CLIPC_MODEL, else NULL: the embedded model */
    char pulled[PATH_MAX];  /* where that is when it is the name of a pulled model */
    bool exif, truncated, fast_decode;
    int max_pixels; /* 0: the default */
    struct clipc_options session; /* threads, batch, kernels, precision, rules filled in */
};

/* Parse argv[1..]; `options` ends with a NULL name (or is NULL).  CLI_GO_ON, or the exit code
 * (after --help: 0; after a message: 2). */
int cli_parse(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
              int argc, char **argv);
void cli_free(struct cli *cli);

/* Let cli->model_path be `path`, or, when no file has that name, the model pulled by it. */
void cli_name_model(struct cli *cli, const char *path);

/* Options from the environment, before cli_parse, whose command line goes before them: with the
 * prefix "CLIPC_SERVE_" the variable of --batch-wait-ms is CLIPC_SERVE_BATCH_WAIT_MS.  An empty one
 * is not set; a flag is true or false (1, 0, yes, no, on, off); a CLI_ITEM's text is left in its
 * `value`, a const char **.  A variable with the prefix that is of no option is a mistake, as is a
 * wrong value.  CLI_GO_ON, or 2 after a message that names the variable. */
int cli_environment(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
                    const char *prefix);

/* The same of variables that another program gave their names; a NULL variable ends the list. */
struct cli_alias {
    const char *variable, *option; /* one of `options`, its name as it stands there */
};
int cli_aliases(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
                const struct cli_alias *aliases);

/* "clipc: VERB: ", the sentence and where help is, on stderr; CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli *cli, const char *format, ...);

#endif
