/* series.c - a day of frames in a thousand points. */
#include "series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

int series_new(struct series *s, size_t n_values)
{
    memset(s, 0, sizeof *s);
    s->n_values = n_values;
    s->per = 1;
    s->times = calloc(SERIES_POINTS, sizeof *s->times);
    s->points = calloc(SERIES_POINTS * n_values, sizeof *s->points);
    return s->times != NULL && s->points != NULL ? CLIPC_OK
                                                 : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
}

void series_free(struct series *s)
{
    free(s->times);
    free(s->points);
    memset(s, 0, sizeof *s);
}

static void merge(struct series_value *to, const struct series_value *from)
{
    to->sum += from->sum;
    to->least = fminf(to->least, from->least);
    to->most = fmaxf(to->most, from->most);
}

/* All points are full, and their number is even. */
static void halve(struct series *s)
{
    for (size_t k = 0; k < s->n / 2; k++) {
        s->times[k] = s->times[2 * k];
        for (size_t i = 0; i < s->n_values; i++) {
            struct series_value v = s->points[2 * k * s->n_values + i];
            merge(&v, &s->points[(2 * k + 1) * s->n_values + i]);
            s->points[k * s->n_values + i] = v;
        }
    }
    s->n /= 2;
    s->per *= 2;
    s->in_last = s->per;
}

void series_add(struct series *s, double time, const double *values)
{
    bool begins = s->n == 0 || s->in_last == s->per;

    if (begins && s->n == SERIES_POINTS) {
        halve(s);
    }
    if (begins) {
        s->times[s->n++] = time;
        s->in_last = 0;
    }
    s->in_last++;
    s->last = time;
    for (size_t i = 0; i < s->n_values; i++) {
        struct series_value v = {(float)values[i], (float)values[i], (float)values[i]};
        struct series_value *point = &s->points[(s->n - 1) * s->n_values + i];
        if (begins) {
            *point = v;
        } else {
            merge(point, &v);
        }
    }
}

struct series_value series_get(const struct series *s, size_t k, size_t i)
{
    struct series_value v = s->points[k * s->n_values + i];

    v.sum /= (float)(k + 1 == s->n ? s->in_last : s->per);
    return v;
}
