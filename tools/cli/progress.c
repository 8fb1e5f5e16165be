/* progress.c - the progress line: how far, how fast, how long still. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "bar.h"

enum { BAR_CELLS = 20 };

struct progress progress_begin(const char *unit)
{
    return (struct progress){.start = base_seconds(), .unit = unit};
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

void progress_bytes(struct progress *p, const char *name, uint64_t done, uint64_t total)
{
    double now = base_seconds(), seconds = now - p->start;

    if (seconds < 1 || now - p->shown_at < 0.1 || !isatty(STDERR_FILENO)) {
        return;
    }
    double mb = (double)done / 1e6, rate = (mb - (double)p->had / 1e6) / seconds;
    p->shown = true;
    p->shown_at = now;
    fprintf(stderr, "\r%.30s  ", name);
    if (total == UINT64_MAX) {
        fprintf(stderr, "%.1f MB  %.1f MB/s\033[K", mb, rate);
        return;
    }
    double all = (double)total / 1e6, left = rate > 0 ? (all - mb) / rate : 0;
    fprintf(stderr, "%.1f of %.1f MB  %.1f MB/s  %.0f s left  ", mb, all, rate, left);
    bar_put(stderr, all > 0 ? mb / all : 1, BAR_CELLS);
    fputs("\033[K", stderr);
}

void progress_clear(struct progress *p)
{
    if (p->shown) {
        fputs("\r\033[K", stderr);
        p->shown = false;
    }
}
