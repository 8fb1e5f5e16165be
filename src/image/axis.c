/* axis.c - the weights of one axis of a resize, computed in double in the order of operations of
 * Pillow's precompute_coeffs, so that they are the same bits; then as whole numbers, as its
 * normalize_coeffs_8bpc makes them. */
#include "axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"

static double bicubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

void axis_free(struct axis *a)
{
    free(a->taps);
    free(a->weights);
    free(a->coeffs);
}

int axis_make(struct axis *a, enum format_filter filter, size_t in, size_t out, size_t first,
              size_t n)
{
    double scale = (double)in / (double)out, stretch = scale < 1 ? 1 : scale;
    double support = (filter == FORMAT_BICUBIC ? 2 : 1) * stretch, inverse = 1 / stretch;

    memset(a, 0, sizeof *a);
    a->n = n;
    a->most = (size_t)ceil(support) * 2 + 1;
    a->taps = calloc(n, sizeof *a->taps);
    a->weights = calloc(n * a->most, sizeof *a->weights);
    a->coeffs = calloc(n * a->most, sizeof *a->coeffs);
    if (a->taps == NULL || a->weights == NULL || a->coeffs == NULL) {
        axis_free(a);
        return base_fail(CLIPC_ERROR_MEMORY, "resize: no memory for %zu x %zu coefficients", n,
                         a->most);
    }
    for (size_t i = 0; i < n; i++) {
        double center = ((double)(first + i) + 0.5) * scale, sum = 0;
        double low = center - support + 0.5, high = center + support + 0.5;
        size_t from = low < 0 ? 0 : (size_t)low, to = high > (double)in ? in : (size_t)high;
        double *w = a->weights + i * a->most;
        for (size_t x = from; x < to; x++) {
            double at = ((double)x - center + 0.5) * inverse;
            w[x - from] = filter == FORMAT_BICUBIC ? bicubic(at) : bilinear(at);
            sum += w[x - from];
        }
        for (size_t x = 0; x < to - from; x++) {
            w[x] = sum != 0 ? w[x] / sum : w[x];
            a->coeffs[i * a->most + x] =
                (int32_t)(w[x] < 0 ? w[x] * (1 << 22) - 0.5 : w[x] * (1 << 22) + 0.5);
        }
        a->taps[i] =
            (struct kernels_taps){(uint32_t)from, (uint32_t)(to - from), (uint32_t)(i * a->most)};
    }
    return CLIPC_OK;
}
