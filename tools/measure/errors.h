/* errors.h - how far vectors are from those of another computation. */
#ifndef CLIPC_ERRORS_H
#define CLIPC_ERRORS_H

#include <stddef.h>

/* Limits for normalised vectors: float32 in another order of addition gives 1.4e-6 and 1.5e-11 at
 * most over many models; the mildest real mistake (another GELU) 2.2e-5 and 1.6e-9. */
#define ERRORS_MAX_ABS              1e-5
#define ERRORS_MAX_ONE_MINUS_COSINE 1e-9
/* What 8-bit products may cost of the cosine: 5e-4 is the most over the same models
 * (kernels/README.md). */
#define ERRORS_MAX_FAST 2e-3

/* Of both vectors scaled to length 1, in double; NaN where either is not finite or zero. */
struct errors {
    double max_abs, one_minus_cosine;
};

/* want, got: [n] */
struct errors errors_of(const double *want, const float *got, size_t n);

#endif
