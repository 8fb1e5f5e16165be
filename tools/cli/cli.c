/* cli.c - the command line of a verb: arguments to options and items, mistakes to sentences. */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "nearest.h"
#include "pulled.h"
#include "value.h"

int cli_usage(const struct cli *cli, const char *format, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    cli_error("%s: %s; see clipc %s --help", cli->verb->name, text, cli->verb->name);
    return CLI_USAGE;
}

/* What a verb knows: its own options, then the common ones. */
struct known {
    struct cli *cli;
    const struct cli_option *lists[2];
};

static const struct cli_option *find(const struct known *known, const char *name, size_t length)
{
    for (size_t i = 0; i < 2; i++) {
        for (const struct cli_option *o = known->lists[i]; o != NULL && o->name != NULL; o++) {
            if (option_has_name(o, name, length)) {
                return o;
            }
        }
    }
    return NULL;
}

/* How the help names it. */
static int take(struct cli *cli, const struct cli_option *option, const char *value)
{
    const char *word = strchr(option->name, '|');
    char said[64];

    snprintf(said, sizeof said, "--%s", word != NULL ? word + 1 : option->name);
    return value_take(cli, option, said, value);
}

/* ---- Mistakes ------------------------------------------------------------------------------ */

/* `arg` names no option of this verb: say what was meant, as far as that can be guessed. */
static int unknown_option(const struct known *known, const char *arg)
{
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");
    struct cli_option all[COMMON_OPTIONS];
    char typed[32];
    struct nearest best = {.typed = typed};

    if (access(arg, F_OK) == 0) {
        return cli_usage(known->cli, "unknown option '%s' (a file of that name: put -- before it)",
                         arg);
    }
    common_options(known->cli, ~0, all);
    for (const struct cli_option *o = all; o->name != NULL; o++) {
        if (option_has_name(o, name, length) && length > 1) {
            return cli_usage(known->cli, "unknown option '%s': this verb has no use for it", arg);
        }
    }
    snprintf(typed, sizeof typed, "%.*s", length < sizeof typed ? (int)length : 0, name);
    for (size_t i = 0; i < 2; i++) {
        for (const struct cli_option *o = known->lists[i]; o != NULL && o->name != NULL; o++) {
            const char *word = strchr(o->name, '|');
            nearest_try(&best, word != NULL ? word + 1 : o->name);
        }
    }
    nearest_try(&best, "help");
    return best.name == NULL
               ? cli_usage(known->cli, "unknown option '%s'", arg)
               : cli_usage(known->cli, "unknown option '%s' (did you mean --%s?)", arg, best.name);
}

/* ---- Arguments ----------------------------------------------------------------------------- */

/* The option that `arg` names, *value what is written in the same word ("--top=3", "-mFILE"), or
 * NULL.  NULL after a message. */
static const struct cli_option *find_option(const struct known *known, const char *arg,
                                            const char **value)
{
    bool is_long = arg[1] == '-';
    const char *name = arg + (is_long ? 2 : 1);
    size_t length = strcspn(name, "=");
    const struct cli_option *option = is_long && length < 2 ? NULL : find(known, name, length);

    *value = name[length] == '=' ? name + length + 1 : NULL;
    if (!is_long && length > 1 && option != NULL) {
        cli_usage(known->cli, "'%s': long options take two dashes, --%s", arg, name);
        return NULL;
    }
    if (!is_long && (option = find(known, name, 1)) != NULL) {
        *value = name[1] != '\0' ? name + 1 : NULL;
        if (name[1] == '=') {
            cli_usage(known->cli, "'%s': write -%c %s", arg, name[0], name + 2);
            return NULL;
        }
    }
    if (option == NULL) {
        unknown_option(known, arg);
        return NULL;
    }
    return option;
}

/* argv[i] is an option: take it with its value, which may be the next argument; *used of them. */
static int parse_option(const struct known *known, char **argv, int *used)
{
    const char *value, *arg = argv[0];
    const struct cli_option *option = find_option(known, arg, &value);

    *used = 1;
    if (option == NULL) {
        return CLI_USAGE;
    }
    if (option->kind == CLI_FLAG && value != NULL) {
        return arg[1] == '-' ? cli_usage(known->cli, "'%s': this option takes no value", arg)
                             : unknown_option(known, arg);
    }
    if (option->kind != CLI_FLAG && value == NULL) {
        value = argv[1];
        *used = 2;
        if (value == NULL) {
            return cli_usage(known->cli, "'%s' wants a value, %s", arg, option->argument);
        }
        if (value[0] == '-' && value[1] == '-' &&
            find(known, value + 2, strcspn(value + 2, "=")) != NULL) {
            return cli_usage(known->cli,
                             "'%s' wants a value, %s, and '%s' is an option (if it is the value: "
                             "%s%s%s)",
                             arg, option->argument, value, arg, arg[1] == '-' ? "=" : "", value);
        }
    }
    return take(known->cli, option, value);
}

static int parse_arguments(const struct known *known, int argc, char **argv)
{
    struct cli *cli = known->cli;
    bool only_items = false;
    int code = CLI_GO_ON;

    for (int i = 1, used; i < argc && code == CLI_GO_ON; i += used) {
        used = 1;
        if (only_items || argv[i][0] != '-' || argv[i][1] == '\0') {
            cli->items[cli->n_items++] = (struct cli_item){NULL, argv[i]};
        } else if (strcmp(argv[i], "--") == 0) {
            only_items = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return print_help(cli->verb, known->lists[0], known->lists[1]);
        } else {
            code = parse_option(known, argv + i, &used);
        }
    }
    return code;
}

/* An empty variable is one that is not set. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

int cli_parse(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
              int argc, char **argv)
{
    struct cli_option common[COMMON_OPTIONS];
    struct known known = {cli, {options, common}};

    memset(cli, 0, sizeof *cli);
    cli->verb = verb;
    cli->session.size = sizeof cli->session;
    cli->session.kernels = environment("CLIPC_KERNELS");
    cli->model_path = environment("CLIPC_MODEL");
    cli->items = calloc((size_t)argc + 1, sizeof *cli->items);
    if (cli->items == NULL) {
        return cli_error("out of memory");
    }
    common_options(cli, verb->common, common);
    int code = parse_arguments(&known, argc, argv);
    if (code != CLI_GO_ON) {
        cli_free(cli);
    } else if (cli->model_path != NULL && cli->model_path[0] == '\0') {
        code = cli_usage(cli, "--model wants a value, FILE, not an empty one");
        cli_free(cli);
    } else {
        cli_name_model(cli, cli->model_path);
    }
    return code;
}

void cli_name_model(struct cli *cli, const char *path)
{
    cli->model_path = path != NULL && pulled_find(path, cli->pulled) ? cli->pulled : path;
}

void cli_free(struct cli *cli)
{
    free(cli->items);
    cli->items = NULL;
    cli->n_items = 0;
}
