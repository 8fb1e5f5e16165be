/* progress.h - a line on stderr about long work, for people only: nothing unless stderr is a
 * terminal and the work has taken a second. */
#ifndef CLIPC_PROGRESS_H
#define CLIPC_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    double start;     /* base_seconds() when the work began */
    const char *unit; /* "images", "MB" */
    bool shown;
    double shown_at; /* progress_bytes: when, */
    uint64_t had;    /* and what there was when it began, which is no part of the rate */
};

struct progress progress_begin(const char *unit);

/* "  25 % of 1200 images  31.2/s  29 s left"; total 0, not known: "300 images  31.2/s" */
void progress_show(struct progress *p, size_t done, size_t total);

/* Of `done` bytes of a file, a bar and "254 of 605 MB  12.3 MB/s  28 s left", ten times a second at
 * most; total UINT64_MAX: not known. */
void progress_bytes(struct progress *p, const char *name, uint64_t done, uint64_t total);

/* Before anything else is printed, and at the end. */
void progress_clear(struct progress *p);

#endif
