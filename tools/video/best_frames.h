/* best_frames.h - --save-frames: of each event its best frame, as a picture file. */
#ifndef CLIPC_BEST_FRAMES_H
#define CLIPC_BEST_FRAMES_H

#include "watch.h"
#include "record.h"

struct best_frames;

/* For the events of `watch`; into the folder of its --save-frames, which is made.  0, or a negative
 * clipc_status. */
int best_frames_new(const struct watch *watch, struct best_frames **best);

/* The frame that is shown is the event's best so far: it is copied, once for all events whose best
 * it is.  No more than MOST_BYTES (best_frames.c) are kept; an event for which they do not suffice
 * has no picture. */
void best_frames_keep(struct best_frames *best, const struct event *event,
                      const struct shown *shown);

/* All of a frame's events were told: the next is another picture. */
void best_frames_next(struct best_frames *best);

/* The event has ended: its picture's path, for free(), or NULL after a message. */
char *best_frames_write(struct best_frames *best, const struct event *event);

/* There was none. */
void best_frames_forget(struct best_frames *best, const struct event *event);

/* NULL is nothing.  CLI_DONE, or CLI_FAILED when an event has no picture. */
int best_frames_free(struct best_frames *best);

#endif
