#include "json_lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "cli.h"
#include "config.h"

#if HAVE_JANSSON
#include <jansson.h>

static int one_line(const char *line, size_t n, size_t number, json_lines_fn fn, void *arg)
{
    json_error_t error;
    json_t *value = json_loadb(line, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    char message[300];
    int code;

    if (json_is_string(value)) {
        code = fn(arg, json_string_value(value), json_string_length(value), NULL);
    } else {
        snprintf(message, sizeof message, "line %zu is not a JSON string%s%s", number,
                 value == NULL ? ": " : "", value == NULL ? error.text : "");
        code = fn(arg, NULL, 0, message);
    }
    json_decref(value);
    return code;
}

int json_lines(FILE *f, json_lines_fn fn, void *arg)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t n;
    int code = CLI_DONE;

    while ((n = getline(&line, &room, f)) >= 0) {
        number++;
        if (one_line(line, (size_t)n, number, fn, arg) != CLI_DONE) {
            code = CLI_FAILED;
        }
    }
    free(line);
    return code;
}
#else
int json_lines(FILE *f, json_lines_fn fn, void *arg)
{
    (void)f;
    (void)fn;
    (void)arg;
    return cli_error("this build has no JSON reader; install libjansson-dev and build again");
}
#endif
