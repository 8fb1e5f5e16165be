/* output.h - a file that appears only when it is complete: written under another name beside its
 * own, then synced and renamed over it.  What was there before is lost only then.  A link is
 * followed, also one to nothing yet: the file that it names is replaced, not the link.  For
 * programs; nothing of the library's own writes files. */
#ifndef CLIPC_OUTPUT_H
#define CLIPC_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

struct output {
    int fd;                /* open for reading and writing; -1: not open */
    char *path;            /* the name to be */
    const char *temporary; /* the name for now: `path` with ".part." and six characters more */
    int slot, place;       /* among the unfinished, and the targets of guard.h */
    bool replaces;         /* there was a file: */
    mode_t mode;
    uid_t owner;
    gid_t group;
};

/* Is there something at `path` that a rename must not replace: a device, a pipe, a socket? */
bool output_is_special(const char *path);

/* Begin `path`: *o becomes an open, empty file.  Refused: what output_is_special, a folder, a file
 * that may not be written, an input of the same call (guard.h).  On failure there is nothing to
 * abort. */
int output_open(struct output *o, const char *path);

/* Another name for an output that replaces nothing: `path`, in the same folder, where nothing is.
 * 0, or CLIPC_ERROR_MEMORY. */
int output_move(struct output *o, const char *path);

/* Permissions as of any new file, or those (and, where the system allows it, the owner) of the file
 * that is replaced; fsync, rename, fsync of the folder.  Ends the output in any case; on failure
 * the target is as it was. */
int output_finish(struct output *o);

/* Remove what there is; nothing happens to a finished or zeroed output. */
void output_abort(struct output *o);

/* Remove the temporary files of all outputs that are open now, in any thread.  For signal handlers:
 * it takes no lock and no memory, and reads nothing that is ever freed. */
void output_unlink_unfinished(void);

/* The sentence "PATH: cannot WHAT: reason of errno"; returns CLIPC_ERROR_IO. */
int output_error(const struct output *o, const char *what);

#endif
