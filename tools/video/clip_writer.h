/* clip_writer.h - kept frames to films: a thread that hands one after the other to ffmpeg. */
#ifndef CLIPC_CLIP_WRITER_H
#define CLIPC_CLIP_WRITER_H

#include <stdbool.h>

#include "event_name.h"

struct clip_writer;

/* The frames of one event on their way to a film. */
struct clip {
    char name[EVENT_NAME_ROOM];
    int frames; /* an open file that has no name: Matroska (mkv.h) */
    bool done;  /* the writer's, under its lock */
    char *path; /* when it is done: of the film; NULL: there is none */
    struct clip *next;
};

/* Films go to `folder`, which stays.  patience: seconds in which ffmpeg does something.  0, or
 * CLIPC_ERROR_UNSUPPORTED when there is no ffmpeg, or CLIPC_ERROR_MEMORY. */
int clip_writer_new(const char *folder, double patience, struct clip_writer **writer);

/* The clip stays until it is done; no waiting. */
void clip_writer_add(struct clip_writer *writer, struct clip *clip);
/* How many are not done. */
size_t clip_writer_waiting(struct clip_writer *writer);
bool clip_writer_is_done(struct clip_writer *writer, const struct clip *clip);
void clip_writer_wait(struct clip_writer *writer, const struct clip *clip);

/* Waits for all.  CLI_DONE, or CLI_FAILED when there is an event without its film. */
int clip_writer_free(struct clip_writer *writer);

/* NULL is nothing. */
void clip_free(struct clip *clip);

#endif
