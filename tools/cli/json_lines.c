/* json_lines.c - JSON strings, a line each, read with jansson. */
#include "json_lines.h"

#include "cli.h"
#include "config.h"

#if HAVE_JANSSON
#include <jansson.h>

#include "lines.h"

static int one_line(const char *line, size_t n, size_t number, json_lines_fn fn, void *arg)
{
    json_error_t error;
    json_t *value = json_loadb(line, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    char message[300];
    int code;

    if (json_is_string(value)) {
        code = fn(arg, json_string_value(value), json_string_length(value), NULL);
    } else {
        snprintf(message, sizeof message, "standard input: line %zu is not a JSON string%s%s",
                 number, value == NULL ? ": " : "", value == NULL ? error.text : "");
        code = fn(arg, NULL, 0, message);
    }
    json_decref(value);
    return code;
}

int json_lines(json_lines_fn fn, void *arg)
{
    struct lines *lines;
    const char *line;
    size_t n;
    int got, code = CLI_DONE, one;

    if (lines_open("-", LINES_TEXTS, &lines) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    while ((got = lines_next(lines, &line, &n)) != 0) {
        one = got > 0 ? one_line(line, n, lines_number(lines), fn, arg)
                      : fn(arg, NULL, 0, clipc_errmsg());
        code = one != CLI_DONE ? CLI_FAILED : code;
        if (!lines_ready(lines)) {
            fflush(stdout); /* whoever writes the next line may wait for the answer to this one */
        }
    }
    lines_close(lines);
    return code;
}
#else
int json_lines(json_lines_fn fn, void *arg)
{
    (void)fn;
    (void)arg;
    return cli_error("this build has no JSON reader; install libjansson-dev and build again");
}
#endif
