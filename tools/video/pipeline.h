/* pipeline.h - sources to vectors, in three stages that overlap: a thread for each source decodes
 * (readers.h), the batcher's workers preprocess, its encoder encodes, frames of several sources in
 * one batch (tools/cli/batch.h).  A thread between them hands frames on; the caller's thread gets
 * the answers.  Every queue is bounded.
 *
 * Where a source is live, no frame waits behind another of its source: the newest is taken when the
 * one before is answered, so its answer comes within the time of two encodings at most. */
#ifndef CLIPC_PIPELINE_H
#define CLIPC_PIPELINE_H

#include "../cli/batch.h"
#include "readers.h"

/* One frame's answer, or its source's end. */
struct pipeline_answer {
    size_t source;
    uint64_t number;                 /* of the frame in its source */
    double time;                     /* seconds from the source's start */
    const char *path;                /* of a picture file, else NULL */
    const float *embedding;          /* [dim], raw; NULL: `error` says why, or the source ended */
    const char *error;               /* NULL: none */
    bool last;                       /* the source has ended; no frame */
    bool lost;                       /* it is connected again soon, `error` says why; no frame */
    bool skipped;                    /* --skip-similar: `embedding` is that of an earlier frame */
    double latency;                  /* seconds since the frame was whole */
    uint64_t dropped;                /* frames of this source that were never taken */
    const struct clipc_image *image; /* the frame itself; NULL: none, or not kept */
};

/* Non-zero: stop. */
typedef int (*pipeline_fn)(void *arg, const struct pipeline_answer *answer);

struct pipeline;

/* How frames become vectors.  skip_similar: a frame whose crop (what the model sees, 8 bits a
 * value) differs from the last encoded one of its source by less than this, in the mean of the
 * absolute differences, 0 to 255, has that one's vector; 0: none.
 * keep_images: answers have their frame's picture, whose memory waits so long. */
struct pipeline_options {
    struct batch_options batch;
    double skip_similar;
    bool keep_images;
};

/* Begin to decode: files long before the first frame is wanted, since ffmpeg takes a while to
 * start.  sources, [n], as for readers_start; keep_images as in the options to come.  0, or a
 * negative clipc_status. */
int pipeline_read(const clipc_session *session, const struct readers_source *sources, size_t n,
                  bool keep_images, struct readers **readers);

/* readers: of pipeline_read, of n_sources; to be freed after the pipeline.  0, or a negative
 * clipc_status.  The session is the pipeline's until pipeline_free. */
int pipeline_new(const clipc_model *model, clipc_session *session,
                 const struct pipeline_options *options, struct readers *readers, size_t n_sources,
                 struct pipeline **pipeline);

/* fn for every frame, those of one source in order, until all sources have ended, readers_stop was
 * called (frames that were taken before are still answered), or fn stops it. */
void pipeline_run(struct pipeline *pipeline, pipeline_fn fn, void *arg);

/* Frames that were never taken, of all sources. */
uint64_t pipeline_dropped(struct pipeline *pipeline);

void pipeline_free(struct pipeline *pipeline);

#endif
