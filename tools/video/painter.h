/* painter.h - frames with their answers drawn on them, into a film or a window (outlet.h).  A
 * thread of its own draws and hands on; between it and the answers is a short queue.  Of a source
 * that is not live every frame is drawn, and whoever hands it in waits for room; of a live one
 * nobody waits, and the oldest in the queue is dropped.
 *
 * Several sources are tiles of one picture, each with its newest frame. */
#ifndef CLIPC_PAINTER_H
#define CLIPC_PAINTER_H

#include "lettering.h"
#include "outlet.h"
#include "record.h"

/* How large the pictures are: as the first frame, but of this many pixels at least and at most,
 * made larger in whole steps, or smaller.  Sides of the whole are even. */
struct painter_size {
    uint32_t least_width, least_height, most_width, most_height;
};

struct painter_options {
    const char *name; /* for sentences: the film's, "--show" */
    const struct labels *prompts;
    size_t n_sources;
    struct painter_size size;
    struct outlet_options outlet;
    bool at_once; /* live frames are shown as they come, whatever their times say */
    /* The outlet has ended by itself, as a window that is closed does; called once, from the
     * painter's thread, while frames are still handed in.  NULL: that is a failure, said at
     * once, and the rest of the frames is not drawn. */
    void (*closed)(void *arg);
    void *arg;
};

struct painter;

/* Whether letters can be drawn at all is known here.  0, or a negative clipc_status. */
int painter_new(const struct painter_options *options, struct painter **painter);

void painter_frame(struct painter *painter, const struct shown *shown);

/* There are no more frames: draw what there is, wait for the outlet's end; free.  *n: frames that
 * it took.  0, or a negative clipc_status (of what was said already, a sentence of its own). */
int painter_end(struct painter *painter, uint64_t *n);

#endif
