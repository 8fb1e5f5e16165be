/* progress.c - the progress line: how far, how fast, how long still. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "../../src/base/base.h"

struct progress progress_begin(const char *unit)
{
    return (struct progress){base_seconds(), unit, false};
}

void progress_show(struct progress *p, size_t done, size_t total)
{
    double seconds = base_seconds() - p->start, rate = (double)done / seconds;

    if (done == 0 || done == total || seconds < 1 || !isatty(STDERR_FILENO)) {
        return;
    }
    p->shown = true;
    if (total == 0) {
        fprintf(stderr, "\r%zu %s  %.1f/s\033[K", done, p->unit, rate);
        return;
    }
    fprintf(stderr, "\r%4.0f %% of %zu %s  %.1f/s  %.0f s left\033[K",
            100.0 * (double)done / (double)total, total, p->unit, rate,
            (double)(total - done) / rate);
}

void progress_clear(struct progress *p)
{
    if (p->shown) {
        fputs("\r\033[K", stderr);
        p->shown = false;
    }
}
