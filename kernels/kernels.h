/* kernels.h - the table of arithmetic kernels and the contract of each.
 *
 * A kernel set is one const table; kernels_all lists them, best first; kernels_find picks one.
 * Kernels allocate nothing, start no threads, report no errors and keep no state; every size,
 * alignment and scratch buffer is the caller's duty.  Within a call a kernel may use what state a
 * CPU's thread has (the configuration of tiles); it leaves none when it returns.  The layout of
 * weight panels is in pack.h.
 *
 * One rule holds for every set but "blas": each output element is reduced over its inputs in one
 * fixed order that depends on the layer's shape only, never on the number of rows, the row's place,
 * the thread or the split of the work.  So a vector has the same bits for any batch and any thread
 * count. */
#ifndef CLIPC_KERNELS_H
#define CLIPC_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both are in the weight file's layout.  64 inputs are the depth of an int8 tile (AMX) and whole
 * cache lines in every dtype; why 32 columns, says pack.h. */
#define KERNELS_PANEL 32 /* output columns of a panel */
#define KERNELS_PAD   64 /* inputs, and strides of activation rows, are padded to a multiple */

/* Values as stored in the weight file (weights/format.h); the table of them is in pack.h. */
enum kernels_dtype { KERNELS_F32 = 1, KERNELS_F16 = 2, KERNELS_BF16 = 3, KERNELS_Q8 = 4 };
enum kernels_activation {
    KERNELS_LINEAR = 0,
    KERNELS_QUICK_GELU = 1, /* x * sigmoid(1.702 x) */
    KERNELS_GELU_ERF = 2,   /* x * (1 + erf(x / sqrt 2)) / 2 */
    KERNELS_GELU_TANH = 3   /* the tanh approximation, constants as in PyTorch */
};
enum kernels_precision { KERNELS_EXACT = 1, KERNELS_FAST = 2 };

/* One linear layer y = x W^T as it lies in the file. */
struct kernels_linear {
    const void *panels;   /* dtype's panel form of W [out, in]; 64-byte aligned */
    const float *scale;   /* [out_padded], q8 only: a weight is its stored value times that */
    const int32_t *sums;  /* [out_padded], q8 only: sum of the stored values of each output */
    const float *smooth;  /* [in_padded] or NULL, q8 only: inputs are multiplied by it first */
    const void *prepared; /* what weight_prepare made, for gemms that have one */
    uint32_t in, out;     /* true sizes */
    uint32_t in_padded;   /* in rounded up to KERNELS_PAD; the panels hold zeros there */
    uint32_t out_padded;  /* out rounded up to KERNELS_PANEL */
    enum kernels_dtype dtype;
};

/* What act_pack does to each row on the way: y = (x - mean) / sqrt(var + eps) * gamma + beta over
 * the true width, biased variance.  Ba et al. 2016, "Layer Normalization", section 3, as PyTorch's
 * nn.LayerNorm has it (eps inside the root; CLIP's is 1e-5). */
struct kernels_layer_norm {
    const float *gamma, *beta; /* [in] */
    float eps;
};

/* What gemm does with each finished element:
 * y[r][o] = residual[r][o] + activation(acc + bias[o]); columns at or above `out` are not written.
 * A residual goes with KERNELS_LINEAR only. */
struct kernels_epilogue {
    const float *bias;     /* [out_padded], any value behind out (the file has zeros); NULL: none */
    const float *residual; /* [rows, residual_stride] or NULL; may be y itself */
    size_t residual_stride;
    float *y;        /* [rows, y_stride], indexed by the absolute row */
    size_t y_stride; /* >= out */
    enum kernels_activation activation;
};

/* One way to multiply linear layers.  A set has a list of them, and each layer is bound to the
 * first that can do it (kernels_choose): an instruction for one dtype, tiles for wide layers only,
 * int8. */
struct kernels_gemm {
    const char *name;

    /* Can it, with results that `precision` allows?  It answers by dtype and shape, and is never
     * told the number of rows: so a layer is always computed by one and the same gemm. */
    bool (*can)(const struct kernels_linear *w, enum kernels_precision precision);

    /* The error of a finished element, before the activation: at most this times the sum of
     * |x||w| + |bias|, for `in` up to 1024 (tests/test_kernels.c). */
    double error;

    /* A gemm that cuts its work better than we do (blas) gets large pieces, one for each worker. */
    bool cuts_itself;

    /* A private form of a layer's weights (blas: row-major float).  NULL where there is none.
     * prepare fills `memory` (64-byte aligned, weight_bytes long), which becomes w->prepared. */
    size_t (*weight_bytes)(const struct kernels_linear *w);
    void (*weight_prepare)(const struct kernels_linear *w, void *memory);

    /* Bytes of the packed form of `rows` activation rows for layer w. */
    size_t (*act_bytes)(const struct kernels_linear *w, size_t rows);

    /* Pack rows [row_begin, row_end) of x: [rows, x_stride], normalised by `ln` unless NULL, into
     * `packed`.  `rows` is the total.  row_begin is a multiple of act_align, and so is row_end
     * unless it equals rows.  Ranges may be packed by different threads at once.  Only the true
     * width of x is read. */
    size_t act_align;
    void (*act_pack)(const struct kernels_linear *w, void *packed, const float *x, size_t x_stride,
                     size_t rows, size_t row_begin, size_t row_end,
                     const struct kernels_layer_norm *ln);

    /* Panels [panel_begin, panel_end) of rows [row_begin, row_end), row_begin a multiple of
     * act_align, from activations that are packed whole.  scratch: gemm_scratch(w) bytes, one for
     * each thread, 64-byte aligned; its content is of no interest between calls. */
    size_t (*gemm_scratch)(const struct kernels_linear *w);
    void (*gemm)(const struct kernels_linear *w, size_t panel_begin, size_t panel_end, size_t rows,
                 size_t row_begin, size_t row_end, const void *packed,
                 const struct kernels_epilogue *epilogue, void *scratch);

    /* For benchmarks: as many multiply-adds as the registers can do by this gemm's own instruction,
     * nothing loaded or stored (peak_tmpl.h).  NULL: nobody knows (a library's gemm).  Returns the
     * operations done, two for each multiply-add; the same `steps`, the same operations.  `sink`:
     * numbers in that the compiler does not know, a sum of all results out, so that it may leave
     * none out; sink: {x, a, b} in, all of them small whole numbers or halves. */
    size_t (*peak)(float *sink, size_t steps);
};

/* One head of one sequence; all pointers are at the head's first column.
 * y[i] = softmax over j of (scale * q[i].k[j]) times v[j], for each of the queries asked for, which
 * are those of positions first_query + i: Vaswani et al. 2017, "Attention Is All You Need", section
 * 3.2.1; the causal mask is that of section 3.2.3. */
struct kernels_attention {
    const float *q; /* [queries, q_stride] */
    size_t q_stride, queries, first_query;
    const float *k, *v; /* [rows, stride], from position 0 on */
    size_t stride, rows;
    float *y; /* [queries, y_stride]; may be q itself, with its stride */
    size_t y_stride;
    size_t head_dim;
    float scale;
    bool causal; /* position i sees keys 0 .. i */
};

/* One output row or column of the integer resize: sum over `n` inputs from `first` on. */
struct kernels_taps {
    uint32_t first, n;
    uint32_t offset; /* where its n coefficients begin in `coeffs` */
};

struct kernels {
    const char *name;
    bool (*supported)(void); /* may this CPU (and OS) run the set?  Loads nothing */
    bool (*load)(void);      /* NULL, or: open the library behind the set (which brings threads and
                              * memory), or ask the system for its registers.  Such a set is taken
                              * only when it is asked for by name, and lends nothing to others */
    const char *unloaded;    /* where there is a load: what is the matter when that says no */
    bool deterministic;      /* the rule at the head of this file; false for blas */

    /* Ways to multiply, best first, NULL behind. */
    const struct kernels_gemm *const *gemms;

    /* scratch: attention_scratch(rows, head_dim) bytes, one for each thread. */
    size_t (*attention_scratch)(size_t rows, size_t head_dim);
    void (*attention)(const struct kernels_attention *a, void *scratch);

    /* Rows.  y may be x.  n is the true width; what lies behind it is neither read nor written. */
    void (*layer_norm)(float *y, const float *x, size_t n, const struct kernels_layer_norm *ln);
    void (*softmax)(float *y, const float *x, size_t n);
    void (*activation)(float *y, const float *x, size_t n, enum kernels_activation activation);
    void (*l2)(float *y, const float *x, size_t n); /* y = x / |x|; zeros stay zeros */
    float (*dot)(const float *x, const float *y, size_t n);

    /* The passes of the 8-bit resize (Pillow's): result = clip8((2^21 + sum coeff * byte) >> 22).
     * horizontal: dst[x][c] for x in [0, n_out) of `channels` interleaved bytes; reads
     * src[taps.first .. first + n)[c] only.  vertical: dst[i] for i in [0, n_bytes) from taps->n
     * rows, src = first of them, src_stride bytes apart. */
    void (*resize_horizontal)(uint8_t *dst, const uint8_t *src, size_t n_out, size_t channels,
                              const struct kernels_taps *taps, const int32_t *coeffs);
    void (*resize_vertical)(uint8_t *dst, const uint8_t *src, size_t src_stride, size_t n_bytes,
                            size_t n_taps, const int32_t *coeffs);
};

/* All sets compiled in, best first (but those that are chosen only by name last), NULL behind.
 * A set may leave slots empty (blas has only gemm): kernels_find fills each from the best supported
 * deterministic set that has it, and asks no other. */
extern const struct kernels *const kernels_all[];

/* *k = the best set this CPU supports (name NULL), or the named one, with every slot filled; false
 * when there is none of that name, this CPU lacks it, or its library does not load. */
bool kernels_find(const char *name, struct kernels *k);

/* The gemm that computes layer w in set k: the first of k's list that can, else the first of the
 * best supported deterministic set that has one.  NULL: none (w is of no known dtype). */
const struct kernels_gemm *kernels_choose(const struct kernels *k, const struct kernels_linear *w,
                                          enum kernels_precision precision);

/* The name of the gemm that KERNELS_FAST gives a wide layer of `dtype` and KERNELS_EXACT does not,
 * or NULL: in this set fast is the same as exact. */
const char *kernels_fast(const struct kernels *k, enum kernels_dtype dtype);

#endif
