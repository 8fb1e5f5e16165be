/* blas.c - gemm through OpenBLAS, on a row-major copy of the weights: for comparison, and for
 * machines whose BLAS knows them better than we do.  The library is loaded when this set is first
 * asked for by name, so that nobody else pays its start-up and its threads (and its endless wait
 * for a thread under a limit on memory). */
#include <cblas.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pack.h"

typedef void (*sgemm_fn)(enum CBLAS_ORDER, enum CBLAS_TRANSPOSE, enum CBLAS_TRANSPOSE, blasint,
                         blasint, blasint, float, const float *, blasint, const float *, blasint,
                         float, float *, blasint);

/* Set once, always to the same value.  Beside what cpu.c knows of the CPU, nothing else on this
 * floor is remembered. */
static _Atomic(sgemm_fn) blas_sgemm;

/* One thread inside BLAS, because our pool cuts the work.  The OpenMP flavour ignores that call
 * (OpenBLAS issue 5806) and deadlocks after fork, so it is refused. */
static bool load(void)
{
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
    void *library = NULL, *symbol;

    if (atomic_load(&blas_sgemm) != NULL) {
        return true;
    }
    /* The name with its version first: the one without comes with the headers only.  It stays
     * loaded: its threads would outlive a dlclose. */
    for (size_t i = 0; i < 2 && library == NULL; i++) {
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (library == NULL) {
        return false;
    }
    int (*parallel)(void);
    void (*set_threads)(int);
    sgemm_fn sgemm;
    if ((symbol = dlsym(library, "openblas_get_parallel")) == NULL) {
        return false;
    }
    memcpy(&parallel, &symbol, sizeof parallel);
    if (parallel() == 2 || (symbol = dlsym(library, "openblas_set_num_threads")) == NULL) {
        return false;
    }
    memcpy(&set_threads, &symbol, sizeof set_threads);
    if ((symbol = dlsym(library, "cblas_sgemm")) == NULL) {
        return false;
    }
    memcpy(&sgemm, &symbol, sizeof sgemm);
    set_threads(1);
    atomic_store(&blas_sgemm, sgemm);
    return true;
}

/* By any CPU: OpenBLAS chooses its own kernels.  Loads nothing: load() does, later. */
static bool supported(void)
{
    return true;
}

/* What pack_unpack_row can make floats of. */
static bool can(const struct kernels_linear *w, enum kernels_precision precision)
{
    (void)precision;
    return w->dtype == KERNELS_F32 || w->dtype == KERNELS_F16 || w->dtype == KERNELS_BF16;
}

/* W [out, in] in plain rows, as a BLAS wants it: a second copy of the weights, in the session. */
static size_t weight_bytes(const struct kernels_linear *w)
{
    return (size_t)w->out * w->in * sizeof(float);
}

static void weight_prepare(const struct kernels_linear *w, void *memory)
{
    for (size_t o = 0; o < w->out; o++) {
        pack_unpack_row((float *)memory + o * w->in, w, o);
    }
}

/* Plain rows too, [rows, in_padded]. */
static size_t act_bytes(const struct kernels_linear *w, size_t rows)
{
    return rows * w->in_padded * sizeof(float);
}

/* A copy, or LayerNorm by the best of our own sets: a BLAS has none. */
static void act_pack(const struct kernels_linear *w, void *packed, const float *x, size_t x_stride,
                     size_t rows, size_t row_begin, size_t row_end,
                     const struct kernels_layer_norm *ln)
{
    struct kernels k = {0};

    (void)rows;
    if (ln != NULL) {
        kernels_find(NULL, &k);
    }
    for (size_t r = row_begin; r < row_end; r++) {
        float *to = (float *)packed + r * w->in_padded;
        if (ln != NULL) {
            k.layer_norm(to, x + r * x_stride, w->in, ln);
        } else {
            memcpy(to, x + r * x_stride, w->in * sizeof(float));
        }
    }
}

/* OpenBLAS has its own, for each of its callers' threads. */
static size_t gemm_scratch(const struct kernels_linear *w)
{
    (void)w;
    return 0;
}

/* y = x W^T + y, y having been set to residual + bias: sgemm's beta = 1 adds them for nothing.  The
 * range of panels is a range of W's rows, and of y's columns.  The activation follows in a pass of
 * its own, while the piece is in cache at best. */
static void gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end, size_t rows,
                 size_t row_begin, size_t row_end, const void *packed,
                 const struct kernels_epilogue *e, void *scratch)
{
    size_t begin = panel_begin * KERNELS_PANEL, end = panel_end * KERNELS_PANEL;
    const sgemm_fn sgemm = atomic_load(&blas_sgemm);
    struct kernels k;

    (void)rows;
    (void)scratch;
    end = end < w->out ? end : w->out;
    if (begin >= end || row_begin >= row_end) {
        return;
    }
    float *y = e->y + row_begin * e->y_stride + begin;
    for (size_t r = row_begin; r < row_end; r++) { /* what the product is added to */
        float *row = e->y + r * e->y_stride;
        for (size_t o = begin; o < end; o++) {
            row[o] = (e->residual != NULL ? e->residual[r * e->residual_stride + o] : 0) +
                     (e->bias != NULL ? e->bias[o] : 0);
        }
    }
    sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)(row_end - row_begin),
          (blasint)(end - begin), (blasint)w->in, 1,
          (const float *)packed + row_begin * w->in_padded, (blasint)w->in_padded,
          (const float *)w->prepared + begin * w->in, (blasint)w->in, 1, y, (blasint)e->y_stride);
    if (e->activation != KERNELS_LINEAR) {
        kernels_find(NULL, &k);
        for (size_t r = row_begin; r < row_end; r++) {
            float *row = e->y + r * e->y_stride + begin;
            k.activation(row, row, end - begin, e->activation);
        }
    }
}

static const struct kernels_gemm gemm_blas = {
    .name = "blas-sgemm",
    .can = can,
    .error = 0x1p-19, /* some order of float additions */
    .cuts_itself = true,
    .weight_bytes = weight_bytes,
    .weight_prepare = weight_prepare,
    .act_bytes = act_bytes,
    .act_align = 1,
    .act_pack = act_pack,
    .gemm_scratch = gemm_scratch,
    .gemm = gemm,
};
static const struct kernels_gemm *const gemms[] = {&gemm_blas, NULL};

extern const struct kernels kernels_blas;
const struct kernels kernels_blas = {
    .name = "blas",
    .supported = supported,
    .unloaded = "the library behind it cannot be loaded",
    .load = load,
    .gemms = gemms,
};
