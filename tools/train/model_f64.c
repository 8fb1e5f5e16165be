/* model_f64.c - the same model in double, for `clipc-train check`: finite differences want more
 * digits than float has. */
#include <math.h>
#include <stddef.h>

static void softmax(double *x, size_t n)
{
    double max = x[0], sum = 0;

    for (size_t i = 1; i < n; i++) {
        max = x[i] > max ? x[i] : max;
    }
    for (size_t i = 0; i < n; i++) {
        x[i] = exp(x[i] - max);
        sum += x[i];
    }
    for (size_t i = 0; i < n; i++) {
        x[i] /= sum;
    }
}

static void quick_gelu(double *y, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] / (1 + exp(-1.702 * x[i]));
    }
}

#define REAL    double
#define GEMM    cblas_dgemm
#define NAME(x) x##_f64
#include "model_tmpl.h"
