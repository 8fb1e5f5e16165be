/* gemm_tmpl.h - y = activation(x W^T + bias) + residual on weight panels, for any vec_<isa>.h.
 *
 *     for each panel of 32 columns of y                            gemm
 *         for each block of MR rows                                gemm
 *             for each NV * VL columns of the panel                gemm
 *                 acc[MR][NV * VL] = 0                             gemm_micro
 *                 for each i of `in`:
 *                     acc[r][c] += x[r][i] * w[i][c]
 *                 y[r][c] = activation(acc[r][c] + bias[c]) + residual[r][c]     gemm_finish
 *
 * Activations are packed in blocks of MR rows, [in][MR], so that the micro-kernel reads them as one
 * stream of broadcasts; weights are panels [in][32].  A block of mr <= MR rows by NV * VL columns
 * lives in registers and is reduced over `in` from first to last with one accumulator for each
 * element: the same order, and so the same bits, whatever rows and panels a call covers.
 * An f16 or bf16 panel is widened once into scratch (exactly) and used for all rows of the call; so
 * is an int8 panel where the activations are to stay floats (its quick way: gemm_q8_tmpl.h).
 *
 * Packing, panels and a block of y in registers are those of Goto & van de Geijn 2008, "Anatomy of
 * High-Performance Matrix Multiplication", section 4, and the micro-kernel is BLIS's (Van Zee & van
 * de Geijn 2015).  Two of their loops are missing.  Weights are packed by the converter, once and
 * for all, so no call packs them.  And the reduction is not cut into stretches (their kc): a layer
 * of CLIP has 768 to 4096 inputs, so that a whole panel (96 to 512 KiB in f32) stays in or near the
 * second-level cache while all rows pass over it.  So an element of y is never written half done,
 * and bias, activation and residual cost no pass of their own. */

/* What a pass over the inputs fetches into the second-level cache meanwhile: `step` bytes further
 * for each input (0: the same line again, which costs nothing worth avoiding).  Without it the
 * first rows of each panel wait for memory: panels are read once in a forward pass. */
struct gemm_ahead {
    const void *next;
    size_t step;
};

/* acc[mr][NV * VL] = x W^T of one block: x: [in][MR] packed rows, w: [in][32] of a panel from some
 * column on.  Each step is an outer product of mr activations and NV vectors of weights: mr * NV
 * multiply-adds for mr + NV loads, which is what a block in registers is for.  On x86 a unit takes
 * 4 or 5 cycles for a multiply-add and there are two of them, so that 8 to 10 must be under way at
 * once: each of the mr * NV sums waits for its own last step only. */
static inline __attribute__((always_inline)) void gemm_micro(size_t in, const float *x,
                                                             const float *w,
                                                             const struct gemm_ahead *ahead,
                                                             size_t mr, vec acc[MR][NV])
{
    const char *next = ahead->next;
    size_t step = ahead->step;

    for (size_t r = 0; r < mr; r++) {
        for (size_t v = 0; v < NV; v++) {
            acc[r][v] = v_zero();
        }
    }
    for (size_t i = 0; i < in; i++) {
        vec b[NV];
        for (size_t v = 0; v < NV; v++) {
            b[v] = v_load(w + i * KERNELS_PANEL + v * VL);
        }
        __builtin_prefetch(next + i * step, 0, 2);
        for (size_t r = 0; r < mr; r++) {
            vec a = v_set1(x[i * MR + r]);
            for (size_t v = 0; v < NV; v++) {
                acc[r][v] = v_fma(a, b[v], acc[r][v]);
            }
        }
    }
}

/* Finish mr rows of NV vectors: columns from `column` on, of which those below `out` exist:
 *
 *     y[row + r][c] = activation(acc[r][c] + bias[c]) + residual[row + r][c]
 *
 * The panel's columns behind `out` are zeros' products and are not stored: y's rows are `out` wide.
 * `activation` is a constant in each place that this is inlined into, so that no test of it is left
 * in the loops. */
static inline __attribute__((always_inline)) void
gemm_finish(const struct kernels_epilogue *e, size_t row, size_t column, size_t out, size_t mr,
            enum kernels_activation activation, vec acc[MR][NV])
{
    for (size_t v = 0; v < NV; v++) {
        size_t c = column + v * VL, n = c >= out ? 0 : out - c < VL ? out - c : VL;
        if (n == 0) {
            return;
        }
        vec bias = e->bias == NULL ? v_zero() : v_load(e->bias + c); /* padded to whole panels */
        for (size_t r = 0; r < mr; r++) {
            vec a = v_activation(v_add(acc[r][v], bias), activation);
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

/* The switch stands here, once for thousands of multiply-adds. */
static inline __attribute__((always_inline)) void gemm_finish_any(const struct kernels_epilogue *e,
                                                                  size_t row, size_t column,
                                                                  size_t out, size_t mr,
                                                                  vec acc[MR][NV])
{
    switch (e->activation) {
    case KERNELS_LINEAR:
        gemm_finish(e, row, column, out, mr, KERNELS_LINEAR, acc);
        break;
    case KERNELS_QUICK_GELU:
        gemm_finish(e, row, column, out, mr, KERNELS_QUICK_GELU, acc);
        break;
    case KERNELS_GELU_ERF:
        gemm_finish(e, row, column, out, mr, KERNELS_GELU_ERF, acc);
        break;
    case KERNELS_GELU_TANH:
        gemm_finish(e, row, column, out, mr, KERNELS_GELU_TANH, acc);
        break;
    }
}

/* One block, from zeros to y. */
static inline __attribute__((always_inline)) void
gemm_block_mr(size_t in, const float *x, const float *w, const struct gemm_ahead *ahead,
              const struct kernels_epilogue *e, size_t row, size_t column, size_t out, size_t mr)
{
    vec acc[MR][NV];

    gemm_micro(in, x, w, ahead, mr, acc);
    gemm_finish_any(e, row, column, out, mr, acc);
}

/* One function for each number of rows up to MR, so that the accumulators are registers in each:
 * the number is a constant there, and the loops over it unroll.  Those above MR are empty. */
#define GEMM_EACH_ROW_COUNT(X)                                                                     \
    X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
_Static_assert(MR <= 14, "the list above goes up to 14 rows");

#define GEMM_ROWS(n)                                                                               \
    static __attribute__((noinline)) void gemm_rows_##n(                                           \
        size_t in, const float *x, const float *w, const struct gemm_ahead *ahead,                 \
        const struct kernels_epilogue *e, size_t row, size_t column, size_t out)                   \
    {                                                                                              \
        if ((n) <= MR) {                                                                           \
            gemm_block_mr(in, x, w, ahead, e, row, column, out, (n) <= MR ? (n) : MR);             \
        }                                                                                          \
    }
GEMM_EACH_ROW_COUNT(GEMM_ROWS)

typedef void (*gemm_rows_fn)(size_t, const float *, const float *, const struct gemm_ahead *,
                             const struct kernels_epilogue *, size_t, size_t, size_t);
#define GEMM_ROWS_ENTRY(n) [n] = (n) <= MR ? gemm_rows_##n : NULL,
static const gemm_rows_fn gemm_rows[] = {GEMM_EACH_ROW_COUNT(GEMM_ROWS_ENTRY)};

/* A panel in float, to: [in][32]; every binary16 and every bfloat16 is a binary32, so nothing is
 * rounded.  KERNELS_PANEL is a multiple of VL. */
static void gemm_widen_f16(float *to, const uint16_t *from, size_t in)
{
    for (size_t i = 0; i < in * KERNELS_PANEL; i += VL) {
        v_store(to + i, v_load_f16(from + i));
    }
}

/* from: [in/2][32][2].  Of an odd `in` the pair's second is the padding's zero, and has its place
 * in the scratch too. */
static void gemm_widen_bf16(float *to, const uint16_t *from, size_t in)
{
    for (size_t i = 0; i < in; i += 2) {
        for (size_t c = 0; c < KERNELS_PANEL; c += VL) {
            vec second, first = v_load_bf16(from + i * KERNELS_PANEL + 2 * c, &second);
            v_store(to + i * KERNELS_PANEL + c, first);
            v_store(to + (i + 1) * KERNELS_PANEL + c, second);
        }
    }
}

/* The panel at output column `column` of int8, [in/4][32][4]: the weights as pack_unpack_row has
 * them.  Of a last quad that is not full the rest is the padding's zeros. */
static void gemm_widen_q8(float *to, const int8_t *from, const struct kernels_linear *w,
                          size_t column)
{
    const float *scale = w->scale + column;

    for (size_t i = 0; i < w->in; i++) {
        float smooth = w->smooth != NULL ? w->smooth[i] : 1;
        for (size_t c = 0; c < KERNELS_PANEL; c++) {
            float value = from[(i / 4 * KERNELS_PANEL + c) * 4 + i % 4];
            to[i * KERNELS_PANEL + c] = value * scale[c] * smooth;
        }
    }
}

/* Any shape, and every type as the floats that it stands for. */
static bool gemm_can(const struct kernels_linear *w, enum kernels_precision precision)
{
    (void)precision; /* exact will do where fast is asked for */
    return pack_dtype(w->dtype) != NULL;
}

/* Whole blocks of MR rows, [blocks][in_padded][MR] floats; what lies in the last block behind the
 * rows, and in each behind `in`, is never written nor read. */
static size_t act_bytes(const struct kernels_linear *w, size_t rows)
{
    return (rows + MR - 1) / MR * MR * w->in_padded * sizeof(float);
}

/* One widened panel, [in_padded][32] floats. */
static size_t gemm_scratch(const struct kernels_linear *w)
{
    return w->dtype == KERNELS_F32 ? 0 : (size_t)w->in_padded * KERNELS_PANEL * sizeof(float);
}

#define GEMM_LINE 64 /* bytes of a cache line */

/* Panels outside, rows inside: a panel is read from memory once and then from cache for each block
 * of rows, and the activations, which all panels want, stay in cache anyway (engine.c chooses how
 * many rows a call has with that in mind).
 *
 * An input's 32 weights are two lines in f32 and one in 16 bits: the first two passes over a panel
 * (or the first) fetch a line of the next panel for each input, the others nothing new. */
static void gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end, size_t rows,
                 size_t row_begin, size_t row_end, const void *packed,
                 const struct kernels_epilogue *e, void *scratch)
{
    size_t element = w->dtype == KERNELS_F32  ? sizeof(float)
                     : w->dtype == KERNELS_Q8 ? sizeof(int8_t)
                                              : sizeof(uint16_t);
    size_t panel_bytes = (size_t)w->in_padded * KERNELS_PANEL * element;
    size_t last = w->out_padded / KERNELS_PANEL - 1;

    (void)rows;
    for (size_t p = panel_begin; p < panel_end; p++) {
        /* This panel, and where the next one is fetched from next: nowhere, in the last. */
        const unsigned char *stored = (const unsigned char *)w->panels + p * panel_bytes;
        const unsigned char *next = stored + (p < last ? panel_bytes : 0);
        const unsigned char *next_end = stored + (p < last ? 2 * panel_bytes : 0);
        const float *panel = (const float *)(const void *)stored;
        if (w->dtype == KERNELS_F16) {
            gemm_widen_f16(scratch, (const uint16_t *)(const void *)stored, w->in);
            panel = scratch;
        } else if (w->dtype == KERNELS_BF16) {
            gemm_widen_bf16(scratch, (const uint16_t *)(const void *)stored, w->in);
            panel = scratch;
        } else if (w->dtype == KERNELS_Q8) {
            gemm_widen_q8(scratch, (const int8_t *)stored, w, p * KERNELS_PANEL);
            panel = scratch;
        }
        /* row is a multiple of MR, so block row / MR begins at row * in_padded floats. */
        for (size_t row = row_begin; row < row_end; row += MR) {
            const float *x = (const float *)packed + row * w->in_padded;
            size_t mr = row_end - row < MR ? row_end - row : MR;
            for (size_t c = 0; c < KERNELS_PANEL; c += NV * VL) {
                struct gemm_ahead ahead = {stored, 0};
                if (next < next_end) {
                    ahead = (struct gemm_ahead){next, GEMM_LINE};
                    next += (size_t)w->in * GEMM_LINE;
                }
                gemm_rows[mr](w->in, x, panel + c, &ahead, e, row, p * KERNELS_PANEL + c, w->out);
            }
        }
    }
}

/* Row r of a block: dst[i * MR] = value i, x or ln(x); dst points to the row's place in input 0.
 * Only the true width is read.  The statistics want a pass of their own over the row, which is in
 * the first-level cache after it: so LayerNorm costs arithmetic, no memory. */
static void pack_one(float *dst, const float *x, size_t n, const struct kernels_layer_norm *ln)
{
    if (ln == NULL) {
        for (size_t i = 0; i < n; i++) {
            dst[i * MR] = x[i];
        }
        return;
    }
    struct row_stats s = row_stats(x, n, ln->eps);
    for (size_t i = 0; i < n; i += VL) {
        float lanes[VL];
        size_t m = n - i < VL ? n - i : VL;
        v_store(lanes, normalised(x + i, m, &s, ln->gamma + i, ln->beta + i));
        for (size_t j = 0; j < m; j++) {
            dst[(i + j) * MR] = lanes[j];
        }
    }
}

/* MR whole rows without LayerNorm at once: dst[i * MR + r] = x[r][i], a transposition.  One row at
 * a time would write each line of dst MR times; so the stores go out in order, and MR rows are read
 * side by side. */
static void pack_block(float *dst, const float *x, size_t x_stride, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < MR; r++) {
            dst[i * MR + r] = x[r * x_stride + i];
        }
    }
}

/* Rows [row_begin, row_end) of x: [rows, x_stride] into blocks: packed[row / MR][i][row % MR].  The
 * last block may have fewer rows: those behind are left as they are, and gemm_rows[mr] leaves them
 * alone. */
static void act_pack(const struct kernels_linear *w, void *packed, const float *x, size_t x_stride,
                     size_t rows, size_t row_begin, size_t row_end,
                     const struct kernels_layer_norm *ln)
{
    (void)rows;
    for (size_t row = row_begin; row < row_end; row += MR) {
        float *block = (float *)packed + row * w->in_padded;
        size_t mr = row_end - row < MR ? row_end - row : MR;
        if (ln == NULL && mr == MR) {
            pack_block(block, x + row * x_stride, x_stride, w->in);
            continue;
        }
        for (size_t r = 0; r < mr; r++) {
            pack_one(block + r, x + (row + r) * x_stride, w->in, ln);
        }
    }
}
