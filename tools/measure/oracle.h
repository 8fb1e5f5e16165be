/* oracle.h - the forward pass again, in double and plain loops: independent on purpose of the
 * kernels and of the towers, so that both can be held against it. */
#ifndef CLIPC_ORACLE_H
#define CLIPC_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "../../weights/weights.h"

/* x: [rows, width], named as in clipc_trace_fn. */
typedef void (*oracle_trace_fn)(void *arg, const char *name, const double *x, size_t rows,
                                size_t width);

/* image: [embed_dim] of pixels: [3, image_size, image_size].  0, or CLIPC_ERROR_MEMORY. */
int oracle_image(const struct weights *w, const float *pixels, double *image, oracle_trace_fn trace,
                 void *arg);

/* text: [embed_dim] of ids: [n]. */
int oracle_text(const struct weights *w, const int32_t *ids, size_t n, double *text,
                oracle_trace_fn trace, void *arg);

#endif
