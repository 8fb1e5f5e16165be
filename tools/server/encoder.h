/* encoder.h - one model at work: many requests' images and texts become batches of one session. */
#ifndef CLIPC_ENCODER_H
#define CLIPC_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/clipc.h"
#include "../../src/image/rows.h"
#include "../cli/batch.h"
#include "histogram.h"

struct encoder_options {
    int threads;       /* of the session, 0: all CPUs */
    int batch;         /* images or texts computed at once, 0: 8 */
    int batch_wait_ms; /* how long a batch waits for requests that are being prepared */
    const char *kernels;
};

struct encoder;

int encoder_new(const clipc_model *model, const struct encoder_options *options,
                struct encoder **encoder);
/* Nobody may wait for it any more. */
void encoder_free(struct encoder *encoder);

/* Blocks until all n are computed; any thread.  pixels: [n, 3, image_size, image_size], vectors:
 * [n, dim].  0, or a negative clipc_status with a message. */
int encoder_pixels(struct encoder *encoder, const float *pixels, size_t n, float *vectors);
/* n texts: text i has lengths[i] ids from ids + i * stride. */
int encoder_ids(struct encoder *encoder, const int32_t *ids, size_t stride, const size_t *lengths,
                size_t n, float *vectors);

/* A picture as the model sees it, by the session's kernels: pixels: [3, image_size, image_size].
 * Any thread, at once.  `rules` is an enum clipc_rules. */
int encoder_preprocess(const struct encoder *encoder, struct image_rows *rows, int rules,
                       float *pixels);

/* +1: a request begins to decode what it will bring; -1: it has brought it, or failed. A batch that
 * is not full waits for these only: a lone request never waits. */
void encoder_expect(struct encoder *encoder, int change);

/* What was done so far. */
struct encoder_figures {
    struct batch_figures batch;
    struct histogram seconds; /* of encoder_pixels and encoder_ids, waiting included */
};
void encoder_read_figures(struct encoder *encoder, struct encoder_figures *figures);

#endif
