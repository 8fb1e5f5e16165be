/* unit.c - embeddings as directions, and a ring of the latest. */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double unit_rounding(size_t dim)
{
    return 4 * DBL_EPSILON * sqrt((double)dim);
}

double unit_dot(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < dim; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

bool unit_of(double *unit, const float *x, size_t dim)
{
    double length = 0;

    for (size_t i = 0; i < dim; i++) {
        length += (double)x[i] * x[i]; /* squares of floats never overflow a double */
    }
    if (!isfinite(length)) {
        return false;
    }
    length = length > 0 ? sqrt(length) : 1;
    for (size_t i = 0; i < dim; i++) {
        unit[i] = x[i] / length;
    }
    return true;
}

bool unit_window_init(struct unit_window *window, size_t most, size_t dim)
{
    *window = (struct unit_window){.dim = dim, .most = most};
    window->rows = calloc(most * dim, sizeof *window->rows);
    return window->rows != NULL;
}

void unit_window_add(struct unit_window *window, const double *x)
{
    memcpy(window->rows + window->next * window->dim, x, window->dim * sizeof *x);
    window->next = (window->next + 1) % window->most;
    if (window->n < window->most) {
        window->n++;
    }
}

void unit_window_free(struct unit_window *window)
{
    free(window->rows);
    window->rows = NULL;
}
