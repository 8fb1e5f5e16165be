/* record.h - one frame's answer as JSON. */
#ifndef CLIPC_RECORD_H
#define CLIPC_RECORD_H

#include <stdio.h>

#include "scores.h"
#include "statistics.h"
#include "pipeline.h"

/* What every form of answer is made of. */
struct shown {
    const char *name; /* of the source [name_length] */
    size_t name_length;
    bool live;
    const struct pipeline_answer *answer;
    const struct scores *scores; /* of this frame; NULL: it has none */
    const struct statistics *statistics;
    struct statistics_result result; /* its, of this frame */
};

/* {"source": ..., "frame": n, "timestamp": seconds, "cosines": [one a prompt, in their order],
 * "percent": [...], "softmax": [...] (or "sigmoid", where the model has one), "best": a prompt,
 * "error": null}; of picture files "path", of live sources "latency" and "dropped", "skipped" where
 * --skip-similar left the network out, and what statistics_put writes.  Of a source that failed
 * "frame" and all behind it are null. */
void record_put(FILE *f, const struct shown *shown);

/* What is kept of an event: files, where they are wanted.  NULL: there is none (yet). */
struct event_files {
    bool frames, clips; /* wanted */
    char *frame, *clip;
};

/* {"event": "start" or "end", "source", "prompt", "start": seconds, "start_frame", "end" and
 * "end_frame" (null until it ended), "peak": the highest value so far, "peak_timestamp",
 * "best_frame": the frame of the peak}; with --save-frames "frame_file", with --save-clips
 * "clip_file" (null until it ended, or when there is none). */
struct event;
void record_put_event(FILE *f, const char *source, size_t source_length,
                      const struct labels *prompts, const struct event *event,
                      const struct event_files *files);

#endif
