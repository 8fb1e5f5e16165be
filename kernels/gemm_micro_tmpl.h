/* gemm_micro_tmpl.h - a block of rows by a panel's columns: summed in registers (gemm_micro), for
 * each number of rows and type of weights, and finished on its way to y.  gemm_tmpl.h says where in
 * a product the block stands. */

/* What a pass over the inputs fetches into the second-level cache meanwhile: `step` bytes further
 * for each input (0: the same line again). */
struct gemm_ahead {
    const void *next;
    size_t step;
};

#define GEMM_LINE 64 /* bytes of a cache line */

/* A block of rows and some columns of a panel, over a stretch of `in` inputs. */
struct gemm_block {
    size_t in;
    const float *x; /* [in][MR], packed rows */
    const void *w;  /* [in][32] in the panel's type, from the block's first column on */
    float *wide;    /* [in][32]: where floats go, of a panel of 16 bits; NULL: nobody wants them */
    const char *next; /* lines that are fetched into the second-level cache meanwhile, */
    size_t every;     /* one for each so many inputs, a power of two; 0: none */
    float *sums;      /* [mr, sums_stride] */
    size_t sums_stride;
    bool go_on; /* add to what is in sums; else begin with zeros */
};

/* VL weights of input i.  Of bfloat16, [in/2][32][2], `odd` takes the pair's second. */
static inline __attribute__((always_inline)) vec
gemm_weights(enum kernels_dtype dtype, const void *w, size_t i, size_t c, bool odd)
{
    vec first, second;

    switch (dtype) {
    case KERNELS_F16:
        return v_load_f16((const uint16_t *)w + i * KERNELS_PANEL + c);
    case KERNELS_BF16:
        first = v_load_bf16((const uint16_t *)w + i / 2 * 2 * KERNELS_PANEL + 2 * c, &second);
        return odd ? second : first;
    default:
        return v_load((const float *)w + i * KERNELS_PANEL + c);
    }
}

/* acc += x[r][i] * w[i][c] of one input: an outer product of mr activations and `vecs` vectors of
 * weights: mr * vecs multiply-adds for mr + vecs loads, which is what a block in registers is for.
 * The fewer of the two stay in registers meanwhile. */
static inline __attribute__((always_inline)) void gemm_outer(const struct gemm_block *b, size_t i,
                                                             size_t mr, size_t vecs,
                                                             enum kernels_dtype dtype, bool odd,
                                                             vec acc[MR][2 * NV])
{
    vec kept[MR > 2 * NV ? MR : 2 * NV];

    if (vecs > mr) {
        for (size_t r = 0; r < mr; r++) {
            kept[r] = v_set1(b->x[i * MR + r]);
        }
        for (size_t v = 0; v < vecs; v++) {
            vec w = gemm_weights(dtype, b->w, i, v * VL, odd);
            if (dtype != KERNELS_F32 && b->wide != NULL) {
                v_store(b->wide + i * KERNELS_PANEL + v * VL, w);
            }
            for (size_t r = 0; r < mr; r++) {
                acc[r][v] = v_fma(kept[r], w, acc[r][v]);
            }
        }
        return;
    }
    for (size_t v = 0; v < vecs; v++) {
        kept[v] = gemm_weights(dtype, b->w, i, v * VL, odd);
        if (dtype != KERNELS_F32 && b->wide != NULL) {
            v_store(b->wide + i * KERNELS_PANEL + v * VL, kept[v]);
        }
    }
    for (size_t r = 0; r < mr; r++) {
        vec a = v_set1(b->x[i * MR + r]);
        for (size_t v = 0; v < vecs; v++) {
            acc[r][v] = v_fma(a, kept[v], acc[r][v]);
        }
    }
}

/* Without this the first rows of each panel would wait for memory: panels are read once in a
 * forward pass.  Asked for at once, it would be more than memory can bring in the time of a few
 * rows, while the others ask for nothing. */
static inline __attribute__((always_inline)) const char *gemm_fetch(const char *next, size_t i,
                                                                    size_t mask)
{
    if ((i & mask) != 0) {
        return next;
    }
    __builtin_prefetch(next, 0, 2);
    return next + GEMM_LINE;
}

/* sums[mr][vecs * VL] = or += x W^T of one block.  On x86 a unit takes 4 or 5 cycles for a
 * multiply-add and there are two of them, so that 8 to 10 must be under way at once: each of the
 * mr * vecs sums waits for its own last step only. */
static inline __attribute__((always_inline)) void
gemm_micro(const struct gemm_block *block, size_t mr, size_t vecs, enum kernels_dtype dtype)
{
    const struct gemm_block b = *block;
    const size_t pair = dtype == KERNELS_BF16 ? 2 : 1;
    const size_t mask = b.every - 1; /* of 0: all ones */
    const char *next = b.next;
    vec acc[MR][2 * NV];
    size_t i = 0;

    for (size_t r = 0; r < mr; r++) {
        for (size_t v = 0; v < vecs; v++) {
            acc[r][v] = b.go_on ? v_load(b.sums + r * b.sums_stride + v * VL) : v_zero();
        }
    }
    for (; i + pair <= b.in; i += pair) {
        next = gemm_fetch(next, i, mask);
        gemm_outer(&b, i, mr, vecs, dtype, false, acc);
        if (pair == 2) {
            next = gemm_fetch(next, i + 1, mask);
            gemm_outer(&b, i + 1, mr, vecs, dtype, true, acc);
        }
    }
    if (i < b.in) {
        gemm_outer(&b, i, mr, vecs, dtype, false, acc);
    }
    for (size_t r = 0; r < mr; r++) {
        for (size_t v = 0; v < vecs; v++) {
            v_store(b.sums + r * b.sums_stride + v * VL, acc[r][v]);
        }
    }
}

/* One function for each number of rows up to MR, so that the accumulators are registers in each:
 * the number is a constant there, and the loops over it unroll.  Those above MR are empty. */
#define GEMM_EACH_ROW_COUNT(X)                                                                     \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
_Static_assert(MR <= 14, "the list above goes up to 14 rows");

/* Half of the rows, or fewer, take twice the columns: else too few sums would be under way. */
#define GEMM_VECS(mr) ((mr)*2 <= MR && 2 * NV * VL <= KERNELS_PANEL ? 2 * NV : NV)

#define GEMM_ROWS(n)                                                                               \
    static __attribute__((noinline)) void gemm_rows_##n(const struct gemm_block *b)                \
    {                                                                                              \
        if ((n) <= MR) {                                                                           \
            gemm_micro(b, (n) <= MR ? (n) : MR, GEMM_VECS(n), KERNELS_F32);                        \
        }                                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void gemm_rows_f16_##n(const struct gemm_block *b)            \
    {                                                                                              \
        if ((n) <= MR) {                                                                           \
            gemm_micro(b, (n) <= MR ? (n) : MR, GEMM_VECS(n), KERNELS_F16);                        \
        }                                                                                          \
    }                                                                                              \
    static __attribute__((noinline)) void gemm_rows_bf16_##n(const struct gemm_block *b)           \
    {                                                                                              \
        if ((n) <= MR) {                                                                           \
            gemm_micro(b, (n) <= MR ? (n) : MR, GEMM_VECS(n), KERNELS_BF16);                       \
        }                                                                                          \
    }
GEMM_EACH_ROW_COUNT(GEMM_ROWS)

typedef void (*gemm_rows_fn)(const struct gemm_block *);
#define GEMM_ROWS_ENTRY(n)                                                                         \
    [n] = {[KERNELS_F32] = gemm_rows_##n,                                                          \
           [KERNELS_F16] = gemm_rows_f16_##n,                                                      \
           [KERNELS_BF16] = gemm_rows_bf16_##n},
static const gemm_rows_fn gemm_rows[][KERNELS_Q8] = {GEMM_EACH_ROW_COUNT(GEMM_ROWS_ENTRY)};

/* The block's mr rows, in the first `columns` of its panel or some more.  Returns what is to be
 * fetched next. */
static const char *gemm_columns(struct gemm_block b, enum kernels_dtype dtype, size_t mr,
                                size_t columns)
{
    const size_t step = GEMM_VECS(mr) * VL;

    for (size_t c = 0; c < columns; c += step) {
        gemm_rows[mr][dtype](&b);
        b.w = (const char *)b.w + step * (dtype == KERNELS_F32    ? sizeof(float)
                                          : dtype == KERNELS_BF16 ? 2 * sizeof(uint16_t)
                                                                  : sizeof(uint16_t));
        b.wide += b.wide != NULL ? step : 0;
        b.sums += step;
        b.next += b.every == 0 ? 0 : (b.in + b.every - 1) / b.every * GEMM_LINE;
    }
    return b.next;
}

/* Finish mr rows of sums[mr][stride] in `columns` columns from `column` on, of which those below
 * `out` exist:
 *
 *     y[row + r][c] = activation(sums[r][c] + bias[c]) + residual[row + r][c]
 *
 * The panel's columns behind `out` are zeros' products and are not stored: y's rows are `out` wide.
 * `activation` is a constant in each place that this is inlined into, so that no test of it is left
 * in the loops. */
static inline __attribute__((always_inline)) void
gemm_finish(const struct kernels_epilogue *e, size_t row, size_t column, size_t out, size_t mr,
            size_t columns, const float *sums, size_t stride, enum kernels_activation activation)
{
    for (size_t v = 0; v < columns; v += VL) {
        size_t c = column + v, n = c >= out ? 0 : out - c < VL ? out - c : VL;
        if (n == 0) {
            return;
        }
        vec bias = e->bias == NULL ? v_zero() : v_load(e->bias + c); /* padded to whole panels */
        for (size_t r = 0; r < mr; r++) {
            vec a = v_activation(v_add(v_load(sums + r * stride + v), bias), activation);
            float *y = e->y + (row + r) * e->y_stride + c;
            if (e->residual != NULL) {
                const float *old = e->residual + (row + r) * e->residual_stride + c;
                a = v_add(a, n < VL ? v_load_part(old, n) : v_load(old));
            }
            if (n < VL) {
                v_store_part(y, n, a);
            } else {
                v_store(y, a);
            }
        }
    }
}

/* Where mr rows of a panel's columns will be written, and their residual read: fetched while the
 * sums are made.  Else each of the stores would wait for its line, and the next block's behind
 * it. */
static inline void gemm_fetch_result(const struct kernels_epilogue *e, size_t row, size_t column,
                                     size_t mr)
{
    for (size_t r = row; r < row + mr; r++) {
        for (size_t c = column; c < column + KERNELS_PANEL; c += GEMM_LINE / sizeof(float)) {
            __builtin_prefetch(e->y + r * e->y_stride + c, 1, 3);
        }
    }
}

/* The switch stands here, once for thousands of multiply-adds. */
static __attribute__((noinline)) void gemm_finish_sums(const struct kernels_epilogue *e, size_t row,
                                                       size_t column, size_t out, size_t mr,
                                                       size_t columns, const float *sums,
                                                       size_t stride)
{
    switch (e->activation) {
    case KERNELS_LINEAR:
        gemm_finish(e, row, column, out, mr, columns, sums, stride, KERNELS_LINEAR);
        break;
    case KERNELS_QUICK_GELU:
        gemm_finish(e, row, column, out, mr, columns, sums, stride, KERNELS_QUICK_GELU);
        break;
    case KERNELS_GELU_ERF:
        gemm_finish(e, row, column, out, mr, columns, sums, stride, KERNELS_GELU_ERF);
        break;
    case KERNELS_GELU_TANH:
        gemm_finish(e, row, column, out, mr, columns, sums, stride, KERNELS_GELU_TANH);
        break;
    }
}

/* The same of a block of NV vectors that is still in registers. */
static inline __attribute__((always_inline)) void gemm_finish_any(const struct kernels_epilogue *e,
                                                                  size_t row, size_t column,
                                                                  size_t out, size_t mr,
                                                                  vec acc[MR][NV])
{
    float sums[MR * NV * VL];

    for (size_t r = 0; r < mr; r++) {
        for (size_t v = 0; v < NV; v++) {
            v_store(sums + (r * NV + v) * VL, acc[r][v]);
        }
    }
    gemm_finish_sums(e, row, column, out, mr, NV * VL, sums, NV * VL);
}
