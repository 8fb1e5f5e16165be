/* say.h - words for people: exit codes, errors on stderr, and text from outside made harmless. */
#ifndef CLIPC_SAY_H
#define CLIPC_SAY_H

#include <stddef.h>
#include <stdio.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_GO_ON = -1 };

/* text: [n] on f, so that a terminal shows it and does nothing else.  Names of files, models and
 * tensors, labels and provenance come from outside: control characters (C0, DEL, C1, line ends
 * among them), line and paragraph separators and what turns the direction of writing are shown as
 * '?', bytes that are not UTF-8 as U+FFFD.  Not for JSON, which has escapes of its own. */
void say_text(FILE *f, const char *text, size_t n);
/* The same of a C string. */
void say(FILE *f, const char *text);

/* Columns that say_text takes on a terminal: 0 for a combining mark, 2 for a wide character. */
size_t say_columns(const char *text, size_t n);
/* say_text, then spaces up to `columns`. */
void say_padded(FILE *f, const char *text, size_t n, size_t columns);

/* "clipc: " and the sentence on stderr, as say_text shows it (cut at 8191 bytes); CLI_FAILED. */
__attribute__((format(printf, 1, 2))) int cli_error(const char *format, ...);
/* A line on stderr that is not an error. */
__attribute__((format(printf, 1, 2))) void cli_note(const char *format, ...);

/* Flush stdout; CLI_FAILED with a message when it cannot be written (disk full, closed pipe). */
int cli_close_stdout(void);

#endif
