/* clips.h - --save-clips: of each event a film, from a little before its start to its end. */
#ifndef CLIPC_CLIPS_H
#define CLIPC_CLIPS_H

#include "clip_writer.h"
#include "record.h"
#include "watch.h"

struct clips;

/* For the events of `watch`; into the folder of its --save-clips, which is made.  0, or a negative
 * clipc_status. */
int clips_new(const struct watch *watch, struct clips **clips);

/* An event has begun: its film begins with the frames that are kept, `clip_margin` seconds before
 * its start at most. */
void clips_begin(struct clips *clips, const struct event *event);

/* It has ended, with the frame before the one at hand: its film is on the way.  For clip_free after
 * it is done; NULL after a message: there will be none.  `patient`: wait until it is done. */
struct clip *clips_end(struct clips *clips, const struct event *event, bool patient);

/* All that a frame makes known is told; the frame itself: it belongs to what goes on now, and is
 * kept for what begins later.  At most MOST_BYTES are kept of a source (clips.c). */
void clips_frame(struct clips *clips, const struct shown *shown);

bool clips_is_done(struct clips *clips, const struct clip *clip);
void clips_wait(struct clips *clips, const struct clip *clip);

/* NULL is nothing.  CLI_DONE, or CLI_FAILED when an event has no film. */
int clips_free(struct clips *clips);

#endif
