/* json_lines.h - one JSON string on each line of standard input. */
#ifndef CLIPC_JSON_LINES_H
#define CLIPC_JSON_LINES_H

#include <stddef.h>

/* fn for each line that is not blank: text [length], or the sentence that says why there is none
 * (no JSON string, too long, unreadable).  Each is given as soon as it has come.  Returns CLI_DONE,
 * or CLI_FAILED when fn did once (the other lines are still read). */
typedef int (*json_lines_fn)(void *arg, const char *text, size_t length, const char *error);
int json_lines(json_lines_fn fn, void *arg);

#endif
