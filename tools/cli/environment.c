/* environment.c - options as environment variables: one rule for the names of all. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "common.h"
#include "nearest.h"
#include "value.h"

extern char **environ;

/* "batch-wait-ms" of "BATCH_WAIT_MS", which no small letter has; [room], cut when it is longer. */
static void option_name(const char *variable, size_t n, char *out, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < n && used + 1 < room; i++) {
        char c = variable[i];
        out[used++] = c == '_'               ? '-'
                      : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a')
                      : c >= 'a' && c <= 'z' ? '?'
                                             : c;
    }
    out[used] = '\0';
}

static int unknown(const struct cli *cli, const struct cli_option *options, const char *said,
                   const char *name, const char *prefix)
{
    struct nearest best = {.typed = name};
    char meant[64];

    for (const struct cli_option *o = options; o->name != NULL; o++) {
        const char *word = strchr(o->name, '|');
        nearest_try(&best, word != NULL ? word + 1 : o->name);
    }
    if (best.name == NULL) {
        return cli_usage(cli, "%s is the variable of no option", said);
    }
    snprintf(meant, sizeof meant, "%s", best.name);
    for (char *p = meant; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    }
    return cli_usage(cli, "%s is the variable of no option (did you mean %s%s?)", said, prefix,
                     meant);
}

static int take(struct cli *cli, const struct cli_option *option, const char *said,
                const char *value)
{
    if (option->kind == CLI_ITEM) {
        *(const char **)option->value = value;
        return CLI_GO_ON;
    }
    if (option->kind == CLI_FLAG) {
        return value_is_switch(value, option->value)
                   ? CLI_GO_ON
                   : cli_usage(cli, "%s is true or false, not '%s'", said, value);
    }
    return value_take(cli, option, said, value);
}

int cli_environment(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
                    const char *prefix)
{
    size_t begin = strlen(prefix);
    char name[64], said[128];
    int code = CLI_GO_ON;

    cli->verb = verb;
    for (char **entry = environ; entry != NULL && *entry != NULL && code == CLI_GO_ON; entry++) {
        const char *equals = strchr(*entry, '=');
        if (strncmp(*entry, prefix, begin) != 0 || equals == NULL || equals[1] == '\0') {
            continue;
        }
        size_t n = (size_t)(equals - *entry);
        const struct cli_option *option = options;
        option_name(*entry + begin, n - begin, name, sizeof name);
        snprintf(said, sizeof said, "$%.*s", (int)n, *entry);
        /* The long name of "m|model" only: $CLIPC_SERVE_M would be a riddle. */
        while (option->name != NULL && (!option_has_name(option, name, strlen(name)) ||
                                        (name[1] == '\0' && strchr(option->name, '|') != NULL))) {
            option++;
        }
        code = option->name == NULL ? unknown(cli, options, said, name, prefix)
                                    : take(cli, option, said, equals + 1);
    }
    return code;
}

int cli_aliases(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
                const struct cli_alias *aliases)
{
    char said[128];
    int code = CLI_GO_ON;

    cli->verb = verb;
    for (; aliases->variable != NULL && code == CLI_GO_ON; aliases++) {
        const char *value = getenv(aliases->variable);
        const struct cli_option *option = options;
        while (strcmp(option->name, aliases->option) != 0) {
            option++;
        }
        if (value != NULL && value[0] != '\0') {
            snprintf(said, sizeof said, "$%s", aliases->variable);
            code = take(cli, option, said, value);
        }
    }
    return code;
}
