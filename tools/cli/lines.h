/* lines.h - the one reader of lists: texts, labels, paths, a line each, from a file or stdin.
 *
 * Lines are pulled: one is given as soon as its end is there, however long the next takes to come.
 * Never part of a line: its end (LF or CR LF; the last needs none), and a byte order mark at the
 * start of the list.  Lines without bytes are left out.  Of texts also the white space around them
 * is cut (Unicode's, as Python's str.strip does), and those of nothing else are left out: they
 * would have the token ids of an empty text.  A path is taken as it is. */
#ifndef CLIPC_LINES_H
#define CLIPC_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum lines_kind {
    LINES_TEXTS,  /* UTF-8; may hold zeros, which are characters */
    LINES_PATHS,  /* any bytes */
    LINES_PATHS0, /* ended by NUL, as of find -print0: no editor made it, all else is a path's */
};

struct lines;

/* Begin the list `path` ("-": stdin), a string that stays.  0, or a negative clipc_status with its
 * sentence. */
int lines_open(const char *path, enum lines_kind kind, struct lines **lines);
void lines_close(struct lines *lines);

/* The next line, valid until the next call of either, one 0 byte behind it.  1; 0 at the end; or a
 * negative clipc_status: after CLIPC_ERROR_LIMIT (a line of more than 16 MiB) the lines behind it
 * follow, after any other the list is at its end. */
int lines_next(struct lines *lines, const char **line, size_t *length);

/* A text that was typed, as the first line of a list of it alone would be. */
void lines_typed(const char **text, size_t *length);

/* Would lines_next answer at once?  Not when it had to wait for somebody to write. */
bool lines_ready(struct lines *lines);

/* Which line lines_next gave last, from 1; those left out count. */
size_t lines_number(const struct lines *lines);

#endif
