/* model_f32.c - the model that is trained: float, BLAS's sgemm, and the library's own kernels
 * for what is not a product. */
#include <pthread.h>

#include "../../kernels/kernels.h"

static struct kernels kernels;
static pthread_once_t kernels_once = PTHREAD_ONCE_INIT;

static void choose_kernels(void)
{
    kernels_find(NULL, &kernels); /* there is always the scalar set */
}

static void softmax(float *x, size_t n)
{
    pthread_once(&kernels_once, choose_kernels);
    kernels.softmax(x, x, n);
}

static void quick_gelu(float *y, const float *x, size_t n)
{
    pthread_once(&kernels_once, choose_kernels);
    kernels.activation(y, x, n, KERNELS_QUICK_GELU);
}

#define REAL    float
#define GEMM    cblas_sgemm
#define NAME(x) x##_f32
#include "model_tmpl.h"
