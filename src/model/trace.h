/* trace.h - a forward pass that shows every intermediate activation.  It calls the towers' own
 * steps one by one, so that its embeddings are the same bits, and computes once more, by the same
 * kernels, what the fused steps never write down. */
#ifndef CLIPC_TRACE_H
#define CLIPC_TRACE_H

#include "../clipc.h"
#include "text.h"
#include "vision.h"

struct trace {
    clipc_trace_fn fn; /* NULL: nobody looks */
    void *arg;
    float *buffer; /* trace_floats of each tower, the larger */
};

/* As vision_forward and text_forward; shown are the activations of the first image or text. */
void trace_vision(const struct trace *trace, const struct vision *v, const struct engine *e,
                  const struct vision_buffers *b, const float *pixels, size_t n, float *embeddings);
void trace_text(const struct trace *trace, const struct text *t, const struct engine *e,
                const struct text_buffers *b, const struct text_batch *batch, float *embeddings);

/* Floats of the buffer for sequences of `rows` rows: the widest activation of a block. */
size_t trace_floats(const struct transformer *t, size_t rows);

#endif
