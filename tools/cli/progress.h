/* progress.h - a line on stderr about long work, for people only: nothing unless stderr is a
 * terminal and the work has taken a second. */
#ifndef CLIPC_PROGRESS_H
#define CLIPC_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    double start;     /* base_seconds() when the work began */
    const char *unit; /* "images", "MB" */
    bool shown;
};

struct progress progress_begin(const char *unit);

/* "  25 % of 1200 images  31.2/s  29 s left"; total 0, not known: "300 images  31.2/s" */
void progress_show(struct progress *p, size_t done, size_t total);

/* Before anything else is printed, and at the end. */
void progress_clear(struct progress *p);

#endif
