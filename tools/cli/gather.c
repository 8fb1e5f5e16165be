/* gather.c - which option means which kind of input, and who reads standard input. */
#include "gather.h"

#include <string.h>
#include <unistd.h>

static const char *option_of(const struct cli_item *item)
{
    return item->option != NULL ? item->option->name : "";
}

bool gather_is_text(const struct cli_item *item)
{
    const char *value = item->value;

    return item->option == NULL && strcmp(value, "-") != 0 && access(value, F_OK) != 0 &&
           (strpbrk(value, " \t\n") != NULL || strpbrk(value, "./") == NULL);
}

struct source gather_source(const struct cli_item *item)
{
    static const struct {
        const char *option;
        enum source_kind kind;
    } kinds[] = {{"text", SOURCE_TEXT},
                 {"texts", SOURCE_TEXTS},
                 {"pixels", SOURCE_PIXELS},
                 {"tokens", SOURCE_TOKENS}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(option_of(item), kinds[i].option) == 0) {
            return (struct source){kinds[i].kind, item->value};
        }
    }
    if (strcmp(option_of(item), "image") == 0 && strcmp(item->value, "-") == 0) {
        return (struct source){SOURCE_BYTES, item->value};
    }
    return (struct source){SOURCE_PATH, item->value};
}

/* Of all items, only those whose value is taken as it stands do not read `-`. */
static bool reads_stdin(const struct cli_item *item)
{
    static const char *const words[] = {"text", "label", "template"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(option_of(item), words[i]) == 0) {
            return false;
        }
    }
    return strcmp(item->value, "-") == 0;
}

int gather_check_stdin(const struct cli *cli)
{
    size_t readers = 0;

    for (size_t i = 0; i < cli->n_items; i++) {
        readers += reads_stdin(&cli->items[i]);
    }
    return readers < 2 ? CLI_GO_ON
                       : cli_usage(cli,
                                   "standard input is there once, and %zu arguments are '-' "
                                   "(a file of that name is ./-)",
                                   readers);
}
