/* value.c - words to numbers, choices and strings. */
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/guard.h"

static int take_number(const struct cli *cli, const struct cli_option *option, const char *said,
                       const char *value)
{
    char *end;

    errno = 0;
    long n = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || n < 0 || n > INT_MAX) {
        return cli_usage(cli, "%s wants a whole number, not '%s'", said, value);
    }
    *(int *)option->value = (int)n;
    return CLI_GO_ON;
}

static int take_choice(const struct cli *cli, const struct cli_option *option, const char *said,
                       const char *value)
{
    char words[128];
    size_t used = 0;
    int place = 1;

    for (const char *p = option->argument; *p != '\0'; place++) {
        size_t n = strcspn(p, "|");
        if (strlen(value) == n && memcmp(value, p, n) == 0) {
            *(int *)option->value = place;
            return CLI_GO_ON;
        }
        const char *between = place == 1 ? "" : p[n] == '|' ? ", " : " or ";
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%.*s", between, (int)n, p);
        p += n + (p[n] == '|');
    }
    return cli_usage(cli, "%s is %s, not '%s'", said, words, value);
}

int value_above_zero(const struct cli *cli, const char *option, const char *text, double *to)
{
    char *end;

    if (text == NULL) {
        return CLI_GO_ON;
    }
    double x = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(x) || !(x > 0)) {
        return cli_usage(cli, "--%s wants a number above 0, not '%s'", option, text);
    }
    *to = x;
    return CLI_GO_ON;
}

int value_take(struct cli *cli, const struct cli_option *option, const char *said,
               const char *value)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->value = true;
        break;
    case CLI_INT:
        return take_number(cli, option, said, value);
    case CLI_CHOICE:
        return take_choice(cli, option, said, value);
    case CLI_OUTPUT:
        guard_begin();
        *(const char **)option->value = value;
        break;
    case CLI_STRING:
        *(const char **)option->value = value;
        break;
    case CLI_ITEM:
        cli->items[cli->n_items++] = (struct cli_item){option, value};
        break;
    }
    return CLI_GO_ON;
}

bool value_is_switch(const char *word, bool *on)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(word, words[i]) == 0) {
            *on = i % 2 == 1;
            return true;
        }
    }
    return false;
}
