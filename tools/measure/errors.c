/* errors.c - two vectors, scaled to length 1, compared in double precision. */
#include "errors.h"

#include <math.h>

struct errors errors_of(const double *want, const float *got, size_t n)
{
    double ww = 0, gg = 0, distance = 0;
    struct errors e = {0, 0};

    for (size_t i = 0; i < n; i++) {
        ww += want[i] * want[i];
        gg += (double)got[i] * (double)got[i];
    }
    for (size_t i = 0; i < n; i++) {
        double d = want[i] / sqrt(ww) - (double)got[i] / sqrt(gg);
        e.max_abs = fmax(e.max_abs, fabs(d));
        distance += d * d;
    }
    if (!isfinite(distance)) {
        return (struct errors){NAN, NAN}; /* fmax passes over NaN */
    }
    e.one_minus_cosine = distance / 2; /* exact for unit vectors, without cancellation */
    return e;
}
