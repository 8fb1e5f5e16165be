#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_error(const char *format, ...)
{
    va_list ap;

    fputs("clipc: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    return CLI_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "clipc: %s: ", cli->verb->name);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "; see clipc %s --help\n", cli->verb->name);
    return CLI_USAGE;
}

/* Words of the options that take one of a few. */
struct choices {
    const char *precision, *preprocess, *tokenizer;
};

enum { N_COMMON = 12 };

/* The common options that `verb` takes, NULL name at the end. */
static void common_options(struct cli *cli, struct choices *words, struct cli_option *out)
{
    const struct cli_option all[] = {
        {"m", CLI_STRING, &cli->model_path, "FILE",
         "the model: a weight file (else $CLIPC_MODEL, else the embedded demo model)"},
        {"threads", CLI_INT, &cli->session.threads, "N",
         "worker threads (default: one for each CPU that may be used)"},
        {"batch", CLI_INT, &cli->session.batch, "N",
         "images or texts computed at once (default 8)"},
        {"kernels", CLI_STRING, &cli->session.kernels, "SET",
         "force a kernel set (else $CLIPC_KERNELS, else the best; `clipc info` lists them)"},
        {"precision", CLI_STRING, &words->precision, "exact|fast",
         "fast: 16-bit products where the CPU has them"},
        {"preprocess", CLI_STRING, &words->preprocess, "openai|hf",
         "whose order of conversion and crop (default: the file's)"},
        {"tokenizer", CLI_STRING, &words->tokenizer, "openai|hf",
         "whose clean-up of text (default: the file's)"},
        {"exif", CLI_FLAG, &cli->exif, NULL,
         "turn images as their EXIF orientation says (the references ignore it)"},
        {"json", CLI_FLAG, &cli->json, NULL, "print one JSON array"},
        {"jsonl", CLI_FLAG, &cli->jsonl, NULL, "print one JSON record a line"},
    };
    static const int group[] = {CLI_MODEL,   CLI_COMPUTE, CLI_COMPUTE, CLI_COMPUTE, CLI_COMPUTE,
                                CLI_COMPUTE, CLI_COMPUTE, CLI_COMPUTE, CLI_JSON,    CLI_JSONL};
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (cli->verb->common & group[i]) {
            out[n++] = all[i];
        }
    }
    memset(&out[n], 0, sizeof out[n]);
}

static void print_options(const struct cli_option *options)
{
    for (const struct cli_option *o = options; o != NULL && o->name != NULL; o++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", o->name[1] == '\0' ? "-" : "--", o->name,
                 o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
        printf("  %-24s ", left);
        for (const char *p = o->help; *p != '\0'; p++) {
            putchar(*p);
            if (*p == '\n') {
                printf("%27s", "");
            }
        }
        putchar('\n');
    }
}

static int print_help(const struct cli_verb *verb, const struct cli_option *options,
                      const struct cli_option *common)
{
    printf("usage: clipc %s %s\n\n%s\n", verb->name, verb->usage, verb->text);
    if (options != NULL && options->name != NULL) {
        printf("\noptions:\n");
        print_options(options);
    }
    if (common->name != NULL) {
        printf("\ncommon options:\n");
        print_options(common);
    }
    return cli_close_stdout();
}

/* The option that `arg` ("--name", "--name=value", "-x") names; *value: behind '=', or NULL. */
static const struct cli_option *find_option(const struct cli_option *list, const char *arg,
                                            const char **value)
{
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");

    *value = name[length] == '=' ? name + length + 1 : NULL;
    for (const struct cli_option *o = list; o != NULL && o->name != NULL; o++) {
        bool is_short = o->name[1] == '\0';
        if (is_short == (arg[1] != '-') && strlen(o->name) == length &&
            memcmp(o->name, name, length) == 0) {
            return o;
        }
    }
    return NULL;
}

static int take_number(const struct cli *cli, const struct cli_option *option, const char *value)
{
    char *end;

    errno = 0;
    long n = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || n < 0 || n > INT_MAX) {
        return cli_usage(cli, "--%s wants a whole number, not '%s'", option->name, value);
    }
    *(int *)option->value = (int)n;
    return CLI_GO_ON;
}

static int take_option(struct cli *cli, const struct cli_option *option, const char *value)
{
    switch (option->kind) {
    case CLI_FLAG:
        if (value != NULL) {
            return cli_usage(cli, "--%s takes no value", option->name);
        }
        *(bool *)option->value = true;
        return CLI_GO_ON;
    case CLI_INT:
        return take_number(cli, option, value);
    case CLI_STRING:
        *(const char **)option->value = value;
        return CLI_GO_ON;
    case CLI_ITEM:
        cli->items[cli->n_items++] = (struct cli_item){option, value};
    }
    return CLI_GO_ON;
}

/* *out = 1 + index of `word` among the two words of `name`; 0 when it was not given. */
static int take_choice(const struct cli *cli, const char *name, const char *word, const char *first,
                       const char *second, int *out)
{
    if (word == NULL) {
        return CLI_GO_ON;
    }
    *out = strcmp(word, first) == 0 ? 1 : strcmp(word, second) == 0 ? 2 : 0;
    return *out != 0 ? CLI_GO_ON
                     : cli_usage(cli, "--%s is %s or %s, not '%s'", name, first, second, word);
}

static int parse_arguments(struct cli *cli, const struct cli_option *options,
                           const struct cli_option *common, int argc, char **argv)
{
    bool only_items = false;

    for (int i = 1; i < argc; i++) {
        const char *value;
        const struct cli_option *option;

        if (only_items || argv[i][0] != '-' || argv[i][1] == '\0') {
            cli->items[cli->n_items++] = (struct cli_item){NULL, argv[i]};
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_items = true;
            continue;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return print_help(cli->verb, options, common);
        }
        option = find_option(options, argv[i], &value);
        if (option == NULL) {
            option = find_option(common, argv[i], &value);
        }
        if (option == NULL) {
            return cli_usage(cli, "unknown option '%s' (a file of that name: put -- before it)",
                             argv[i]);
        }
        if (option->kind != CLI_FLAG && value == NULL && (value = argv[++i]) == NULL) {
            return cli_usage(cli, "'%s' wants a value", argv[i - 1]);
        }
        int code = take_option(cli, option, value);
        if (code != CLI_GO_ON) {
            return code;
        }
    }
    return CLI_GO_ON;
}

int cli_parse(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
              int argc, char **argv)
{
    struct cli_option common[N_COMMON];
    struct choices words = {NULL, NULL, NULL};

    memset(cli, 0, sizeof *cli);
    cli->verb = verb;
    cli->session.size = sizeof cli->session;
    cli->session.kernels = getenv("CLIPC_KERNELS");
    cli->model_path = getenv("CLIPC_MODEL");
    cli->items = calloc((size_t)argc + 1, sizeof *cli->items);
    if (cli->items == NULL) {
        return cli_error("out of memory");
    }
    common_options(cli, &words, common);
    int code = parse_arguments(cli, options, common, argc, argv);
    if (code == CLI_GO_ON) {
        code = take_choice(cli, "precision", words.precision, "exact", "fast",
                           &cli->session.precision);
    }
    if (code == CLI_GO_ON) {
        code = take_choice(cli, "preprocess", words.preprocess, "openai", "hf",
                           &cli->session.preprocess);
    }
    if (code == CLI_GO_ON) {
        code =
            take_choice(cli, "tokenizer", words.tokenizer, "openai", "hf", &cli->session.tokenizer);
    }
    if (cli->session.kernels != NULL && cli->session.kernels[0] == '\0') {
        cli->session.kernels = NULL;
    }
    if (cli->model_path != NULL && cli->model_path[0] == '\0') {
        cli->model_path = NULL;
    }
    if (code != CLI_GO_ON) {
        cli_free(cli);
    }
    return code;
}

void cli_free(struct cli *cli)
{
    free(cli->items);
    cli->items = NULL;
    cli->n_items = 0;
}

clipc_model *cli_open_model(const struct cli *cli)
{
    clipc_model *model = NULL;
    size_t size;
    const void *demo = demo_model(&size);

    if (cli->model_path != NULL) {
        if (clipc_open(cli->model_path, &model) != CLIPC_OK) {
            cli_error("%s", clipc_errmsg());
        }
    } else if (size == 0) {
        cli_error("this build has no embedded model; name one with -m FILE or $CLIPC_MODEL");
    } else if (clipc_open_memory(demo, size, &model) != CLIPC_OK) {
        cli_error("the embedded model: %s", clipc_errmsg());
    }
    return model;
}

clipc_session *cli_open_session(const struct cli *cli, const clipc_model *model)
{
    clipc_session *session = NULL;

    if (clipc_session_new(model, &cli->session, &session) != CLIPC_OK) {
        cli_error("%s", clipc_errmsg());
    }
    return session;
}

static const char *volatile unfinished;

static void remove_unfinished(int signal_number)
{
    const char *path = unfinished;

    if (path != NULL) {
        unlink(path);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void cli_unfinished(const char *path)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction old, new = {.sa_handler = remove_unfinished};

    unfinished = path;
    for (size_t i = 0; path != NULL && i < sizeof signals / sizeof signals[0]; i++) {
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            sigaction(signals[i], &new, NULL); /* one that is ignored (nohup) stays so */
        }
    }
}

int cli_close_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_error("standard output: %s", strerror(errno));
    }
    return CLI_DONE;
}
