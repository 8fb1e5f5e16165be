/* batch.h - the batcher: images, texts and token ids in, vectors or error sentences out.  It knows
 * of no command line and prints nothing: the verbs use it, and a server or a video reader can.
 *
 *     batch_new(model, session, &options, &batch);
 *     batch_submit(batch, &item, true, &job);                  any thread
 *     status = batch_wait(batch, job, vector, &seconds);       the same thread or another
 *     batch_free(batch);
 *
 * Threads of its own decode and preprocess images while another encodes those before them, as many
 * as the session's batch at once.  A batch is encoded when it is full, or as soon as somebody waits
 * for one of its items; items that come while the encoder is busy share the next.  So one item
 * alone waits for nobody, and many callers are served in batches.  An item that fails is one error;
 * its neighbours have the vectors that they would have without it.  Memory is bounded: two batches
 * of pixels, and one decoded image for each thread.
 *
 * A server: each connection's thread submits (true: wait until there is room, which is the back
 * pressure), then waits for its own job.  Images from outside want limits in options.image.
 * One caller with many items (a folder, the frames of a video): submit with `false` until there is
 * no room, keep the jobs in a queue with notes of one's own (file, time of the frame), wait for the
 * oldest: stream.c.  Results come in whatever order they are waited for. */
#ifndef CLIPC_BATCH_H
#define CLIPC_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../src/clipc.h"

enum batch_kind {
    BATCH_PATH,   /* data: an image file's name, ended by 0; "-" is a file of that name */
    BATCH_BYTES,  /* data: an image file's bytes [n] */
    BATCH_IMAGE,  /* data: one decoded struct clipc_image, a frame for instance */
    BATCH_PIXELS, /* data: floats as clipc_preprocess makes them, [3, image_size, image_size] */
    BATCH_TEXT,   /* data: UTF-8 [n] */
    BATCH_TOKENS  /* data: int32_t [n], as for clipc_encode_tokens */
};

/* What `data` and `name` point to must stay as it is until batch_wait has returned. */
struct batch_item {
    enum batch_kind kind;
    const void *data;
    size_t n;
    const char *name; /* stands in front of error sentences; NULL: nothing does */
};

struct batch_options {
    struct clipc_image_options image; /* limits of the decoders; .size set */
    int preprocess;                   /* enum clipc_rules */
    int workers;                      /* that decode beside the encoding thread; 0: none, it does */
    /* NULL, or called when an image's `data` is needed no more, before its result is there: its
     * memory may be used again.  In any of the threads; not for jobs that are cancelled first. */
    void (*prepared)(void *arg, const void *data);
    void *prepared_arg;
};

struct batch;
struct batch_job;

/* A batcher over the caller's model and session.  The session is its own as long as jobs are out:
 * between them, the caller may use it.  0, or a negative clipc_status with its sentence. */
int batch_new(const clipc_model *model, clipc_session *session, const struct batch_options *options,
              struct batch **batch);

/* Cancels, and ends the threads.  No other thread may be in a call of the batcher any more. */
void batch_free(struct batch *batch);

/* Hand in one item.  *job is NULL when there is no room and `wait` is false; with `wait` the call
 * waits until other threads have taken their results.  0, or BATCH_CANCELLED. */
int batch_submit(struct batch *batch, const struct batch_item *item, bool wait,
                 struct batch_job **job);

/* Has the job's result come?  Then batch_wait does not wait. */
bool batch_is_done(struct batch *batch, const struct batch_job *job);

/* Wait for the result of `job`, which exists no more afterwards.  embedding: [dim], raw.  seconds
 * (or NULL): the item's share of decoding, preprocessing and encoding.  0; a negative clipc_status
 * with its sentence in this thread (clipc_errmsg); or BATCH_CANCELLED. */
int batch_wait(struct batch *batch, struct batch_job *job, float *embedding, double *seconds);

/* Begin nothing more: jobs that wait their turn, and all submitted later, are BATCH_CANCELLED.
 * Nobody is left waiting.  Any thread. */
void batch_cancel(struct batch *batch);

/* What was done so far.  sizes: batches of at most 1, 2, 4, ... 64 items, and of more. */
enum { BATCH_BUCKETS = 8 };
struct batch_figures {
    uint64_t images, texts, batches;
    double seconds; /* encoding */
    uint64_t sizes[BATCH_BUCKETS];
};
void batch_read_figures(struct batch *batch, struct batch_figures *figures);

enum { BATCH_CANCELLED = 1 };

#endif
