/* sample.h - which frames of a source are looked at: --every, --fps. */
#ifndef CLIPC_SAMPLE_H
#define CLIPC_SAMPLE_H

#include <math.h>

#include "video.h"

struct sample {
    int every;   /* one of so many; 0: all */
    double fps;  /* so many a second; 0: all */
    double next; /* the first sample that is due, in samples from the start */
};

/* Of so many a second: the first frame at or behind each k / fps, whatever the source's rate. */
static inline bool sample_wants(struct sample *s, const struct frame *frame)
{
    double place = frame->time * s->fps + 1e-6; /* times are rounded to microseconds */

    if (s->every > 1 && frame->number % (unsigned)s->every != 0) {
        return false;
    }
    if (s->fps > 0 && place < s->next) {
        return false;
    }
    s->next = floor(place) + 1;
    return true;
}

#endif
