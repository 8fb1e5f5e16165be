/* events.h - from a score over time to what happened: a prompt was there from then to then.
 *
 * A prompt's event begins at the first frame whose value (the mean of the last `smooth` cosines) is
 * at least `threshold`, and ends with the last frame before its value falls below `threshold` -
 * `hysteresis`.  One that is shorter than `min_duration` is none. */
#ifndef CLIPC_EVENTS_H
#define CLIPC_EVENTS_H

#include <stdbool.h>

#include "record.h"

struct events_options {
    double threshold, hysteresis; /* cosines */
    double min_duration;          /* seconds */
    int smooth;                   /* frames; 0: 1 */
};

/* What is told: an event began (after min_duration it is sure of that), or it ended.  Beside that,
 * for whoever keeps frames: the frame at hand is the best so far of what may become an event; it
 * was too short, and is none. */
enum event_kind { EVENT_START, EVENT_END, EVENT_BEST, EVENT_NONE };
struct event {
    enum event_kind kind;
    size_t source, prompt;
    double start, end; /* end: the newest frame of it, so far */
    uint64_t start_frame, end_frame;
    double peak, peak_time; /* the highest value, and where */
    uint64_t peak_frame;
};

struct events;
typedef void (*events_fn)(void *arg, const struct event *event);

/* 0, or CLIPC_ERROR_MEMORY. */
int events_new(const struct events_options *options, size_t n_sources, size_t n_prompts,
               events_fn fn, void *arg, struct events **events);
void events_free(struct events *events);

/* A frame with scores, in order; calls fn for what it makes known. */
void events_frame(struct events *events, const struct shown *shown);

/* No more frames of this source for now: ends what goes on. */
void events_end_source(struct events *events, size_t source);

/* The same of every source. */
void events_end(struct events *events);

#endif
