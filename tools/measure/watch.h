/* watch.h - clocks around the kernels of a session: where the time of a forward pass goes. */
#ifndef CLIPC_WATCH_H
#define CLIPC_WATCH_H

#include <pthread.h>

#include "../../src/session.h"

/* One layer, or the attention of one block.  Times are those of one pass. */
struct watch_part {
    const char *name;
    int block;                   /* -1: outside the blocks */
    const struct linear *linear; /* NULL: attention, or layer norms */
    const struct kernels_gemm *real;
    struct kernels_gemm timed;
    size_t calls;
    double begin, end; /* of the first call and the last, from the pass's start; begin < 0: none */
    double pack, compute; /* CPU seconds of all threads */
    double operations;
    double peak; /* GFLOP/s of one core, by the gemm's instruction (attention: of floats) */
};

struct watch {
    pthread_mutex_t lock;
    struct kernels real;
    struct watch_part
        *parts;      /* [n]: attention and norms first, then the layers in the pass's order */
    size_t n, block; /* block: of the attn_in that began last */
    double start;
};

/* Put the clocks around the kernels of one tower; t begins as zeros but for its lock, and lives as
 * long as the session, which it changes.  One session is watched at a time.  False: no memory.
 * free() t->parts behind the session. */
bool watch_begin(struct watch *t, struct clipc_session *s, bool image);

/* Forget the passes before; the next begins now. */
void watch_reset(struct watch *t);

#endif
