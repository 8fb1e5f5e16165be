/* json_lines.h - one JSON string on each line of a stream. */
#ifndef CLIPC_JSON_LINES_H
#define CLIPC_JSON_LINES_H

#include <stddef.h>
#include <stdio.h>

/* fn for each line: text [length], or error when the line is no JSON string.  Returns CLI_DONE, or
 * CLI_FAILED when fn did once (the other lines are still read). */
typedef int (*json_lines_fn)(void *arg, const char *text, size_t length, const char *error);
int json_lines(FILE *f, json_lines_fn fn, void *arg);

#endif
