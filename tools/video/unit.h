/* unit.h - embeddings as directions: scaled to length 1, in double, and the latest of them. */
#ifndef CLIPC_UNIT_H
#define CLIPC_UNIT_H

#include <stdbool.h>
#include <stddef.h>

/* No window holds more embeddings: at 8192 floats each that is 256 MiB. */
#define UNIT_MOST_ROWS 4096

/* unit: [dim] = x: [dim] / its length; zeros stay zeros.  false, and unit untouched, when a NaN or
 * an infinity is in x. */
bool unit_of(double *unit, const float *x, size_t dim);

/* What rounding may change in the dot product of two vectors of about length 1. */
double unit_rounding(size_t dim);

double unit_dot(const double *a, const double *b, size_t dim);

/* The last `most` vectors that were added, in no order that means anything. */
struct unit_window {
    double *rows; /* [n, dim] of [most, dim] */
    size_t dim, most, n, next;
};
bool unit_window_init(struct unit_window *window, size_t most, size_t dim);
void unit_window_add(struct unit_window *window, const double *x);
void unit_window_free(struct unit_window *window);

#endif
