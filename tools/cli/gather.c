#include "gather.h"

#include <string.h>

int gather_item(struct inputs *inputs, const struct cli_item *item, bool zeros)
{
    const char *name = item->option != NULL ? item->option->name : "", *value = item->value;

    if (strcmp(name, "text") == 0) {
        return inputs_add(inputs, INPUT_TEXT, value, strlen(value), NULL);
    }
    if (strcmp(name, "texts") == 0) {
        return inputs_add_lines(inputs, value);
    }
    if (strcmp(name, "image") == 0 && strcmp(value, "-") == 0) {
        return inputs_add(inputs, INPUT_STDIN, "-", 1, NULL);
    }
    return inputs_add_path(inputs, value, zeros);
}
