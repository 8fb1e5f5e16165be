/* output.h - a file that appears only when it is complete: written under another name beside its
 * own, then synced and renamed over it.  What was there before is lost only then.  A link is
 * followed: the file that it names is replaced, not the link. */
#ifndef CLIPC_OUTPUT_H
#define CLIPC_OUTPUT_H

#include <stdbool.h>

struct output {
    int fd;          /* -1: not open */
    char *path;      /* the name to be */
    char *temporary; /* the name for now, `path` with ".part." and six characters more */
};

/* Is there something at `path` that a rename must not replace: a device, a pipe, a socket? */
bool output_is_special(const char *path);

/* Begin `path`: *o becomes an open, empty file.  On failure (also where output_is_special) there is
 * nothing to abort. */
int output_open(struct output *o, const char *path);

/* Permissions as of any new file, fsync, rename, fsync of the folder.  Ends the output in any case;
 * on failure the target is as it was. */
int output_finish(struct output *o);

/* Remove what there is; nothing happens to a finished or zeroed output. */
void output_abort(struct output *o);

/* The sentence "PATH: cannot WHAT: reason of errno"; returns CLIPC_ERROR_IO. */
int output_error(const struct output *o, const char *what);

#endif
