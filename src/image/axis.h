/* axis.h - the coefficients of one axis of a resize: Pillow's precompute_coeffs
 * (libImaging/Resample.c). */
#ifndef CLIPC_AXIS_H
#define CLIPC_AXIS_H

#include <stddef.h>
#include <stdint.h>

#include "../../kernels/kernels.h"
#include "../../weights/format.h"

/* For each output position its inputs and their weights. */
struct axis {
    struct kernels_taps *taps; /* [n] */
    double *weights;           /* [n, most] in double, sum 1 */
    int32_t *coeffs;           /* [n, most] times 2^22 */
    size_t n, most;            /* most: taps of the widest */
};

/* Outputs [first, first + n) of `in` inputs resized to `out`. A message and a negative clipc_status
 * when memory is out; axis_free in any case. */
int axis_make(struct axis *a, enum format_filter filter, size_t in, size_t out, size_t first,
              size_t n);
void axis_free(struct axis *a);

#endif
