/* cli.h - the grammar that all verbs share: options anywhere, `--` ends them, --help on stdout,
 * errors on stderr as `clipc: what: why`, exit codes 0 done, 1 something failed, 2 wrong usage. */
#ifndef CLIPC_CLI_H
#define CLIPC_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../../src/clipc.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_GO_ON = -1 };

enum cli_kind {
    CLI_FLAG,   /* bool *: true when given */
    CLI_STRING, /* const char **: the last one given */
    CLI_INT,    /* int *: a whole number >= 0 */
    CLI_ITEM    /* kept in order in cli.items, value NULL: --text, --image, --template ... */
};
struct cli_option {
    const char *name; /* without the dashes: "top"; one letter makes a short option: "m" */
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

/* Which of the common options a verb takes. */
enum { CLI_MODEL = 1, CLI_COMPUTE = 2, CLI_JSON = 4, CLI_JSONL = 8 };

struct cli_verb {
    const char *name;
    const char *usage;   /* "IMAGE LABEL... [options]" */
    const char *summary; /* one line in `clipc --help` */
    const char *text;    /* paragraphs in `clipc VERB --help`: what, then an example */
    int common;
};

struct cli {
    const struct cli_verb *verb;
    struct cli_item *items; /* [n_items], in the order given; freed by cli_free */
    size_t n_items;
    bool json, jsonl;
    /* common options as given */
    const char *model_path; /* -m, else $CLIPC_MODEL, else NULL: the embedded model */
    bool exif;
    struct clipc_options session; /* threads, batch, kernels, precision, rules filled in */
};

/* Parse argv[1..]; `options` ends with a NULL name (or is NULL).  CLI_GO_ON, or the exit code
 * (after --help: 0; after a message: 2). */
int cli_parse(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
              int argc, char **argv);
void cli_free(struct cli *cli);

/* "clipc: " and the sentence on stderr; returns CLI_FAILED resp. CLI_USAGE (which adds where help
 * is). */
__attribute__((format(printf, 1, 2))) int cli_error(const char *format, ...);
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli *cli, const char *format, ...);

/* The model that -m, $CLIPC_MODEL or the binary names; on failure prints why and returns NULL. */
clipc_model *cli_open_model(const struct cli *cli);

/* A session with the options of `cli`; on failure prints why and returns NULL. */
clipc_session *cli_open_session(const struct cli *cli, const clipc_model *model);

/* The embedded demo model: 64-byte aligned bytes, *size 0 when the build has none. */
const void *demo_model(size_t *size);

/* While `path` (which must stay; NULL: none) is being written, an interrupt removes it before it
 * ends the program. */
void cli_unfinished(const char *path);

/* Flush stdout; CLI_FAILED with a message when it cannot be written (disk full, closed pipe). */
int cli_close_stdout(void);

#endif
