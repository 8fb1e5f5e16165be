/* readers.h - a thread for each source, which decodes ahead of whoever takes the frames.  Of a
 * source that is not live every frame is kept, and its thread waits when all its frames are
 * taken.  Of a live one only the newest is kept; those that nobody took in time are counted.
 * Frames of one source come in order.
 *
 * A live source that gave frames and fails, or ends, is connected again after 1, 2, 4, ... 60
 * seconds, from 1 again once it gave a frame; one that never gave any has failed. */
#ifndef CLIPC_READERS_H
#define CLIPC_READERS_H

#include "video.h"

/* Frames of a source that exist at once, where each is given back before its vector is known. */
enum { FRAMES_AHEAD = 4 };

struct readers_source {
    struct address address;
    struct video_options video; /* its `stop` is set by readers_start */
    int every;                  /* take one frame of so many; 0: all */
    double fps;                 /* take so many a second; 0: all */
    bool realtime;              /* as if live: at its own speed, dropping frames */
};

/* A frame on its way; give it back. */
struct reader_frame {
    struct frame frame; /* first */
    size_t source;
    uint64_t dropped; /* of this source, until now */
    bool last;        /* no picture: the source ended; `frame.error` says why, if it failed */
    bool lost;        /* no picture: a live source failed, and is connected again soon */
};

struct readers;

/* sources: [n], copied; what they point to stays.  frames: of each source, that exist at once.
 * one_each: no second frame of a source is taken before readers_done for the first, so that none
 * waits behind another.  0, or a negative clipc_status. */
int readers_start(const struct readers_source *sources, size_t n, size_t frames, bool one_each,
                  struct readers **readers);

/* No source gives anything more, and readers_take no longer waits.  Any thread. */
void readers_stop(struct readers *readers);

/* After this no frame may be used. */
void readers_free(struct readers *readers);

/* The next frame of any source, in turn; NULL when there will be none any more (all have ended and
 * their last frames were taken), or they were stopped.  Waits. */
struct reader_frame *readers_take(struct readers *readers);

/* The answer to the frame of `source` that was taken last is known.  Any thread. */
void readers_done(struct readers *readers, size_t source);

/* Any thread. */
void readers_give_back(struct readers *readers, struct reader_frame *frame);

/* Frames of all sources that nobody took. */
uint64_t readers_dropped(struct readers *readers);

#endif
