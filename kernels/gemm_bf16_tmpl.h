/* gemm_bf16_tmpl.h - the products of bfloat16 weights and bfloat16 activations, summed as floats,
 * for any vec_<isa>.h and bf16_<isa>.h.
 *
 * A bfloat16 is a float with 8 bits of significand.  Rounding to it, to nearest, moves a value by
 * up to 2^-8 of itself; the product of two fits the 24 bits of a float, so that an instruction may
 * take two products at once and add them.  So
 *
 *     y = activation(sum over i of bf16(x[i]) bf16(w[i]) + bias) + residual
 *
 * is wrong by (1 + 2^-8)^2 - 1 of each |x w| at most (half of it where the file's weights are
 * bfloat16 themselves), and by the roundings of a float sum, which go unseen beside it.  How an
 * instruction rounds its two products is its own affair (bf16_<isa>.h), and all of them take
 * subnormal numbers, below 2^-126, for 0.  Attention, LayerNorm and residuals stay floats.
 *
 * The blocks are those of gemm_tmpl.h; a step is a pair of inputs.  Panels are pairs too: those of
 * bf16 files as they lie; those of f32 and f16 are rounded into scratch, once for all rows of the
 * call. */

/* int8 weights have products of their own. */
static bool bf16_can(const struct kernels_linear *w, enum kernels_precision precision)
{
    return precision == KERNELS_FAST &&
           (w->dtype == KERNELS_F32 || w->dtype == KERNELS_F16 || w->dtype == KERNELS_BF16);
}

/* Whole blocks of MR rows, [blocks][in_padded/2][MR][2]. */
static size_t bf16_act_bytes(const struct kernels_linear *w, size_t rows)
{
    return (rows + MR - 1) / MR * MR * w->in_padded * sizeof(uint16_t);
}

/* One panel of pairs, [in_padded/2][32][2]. */
static size_t bf16_scratch(const struct kernels_linear *w)
{
    return w->dtype == KERNELS_BF16 ? 0 : (size_t)w->in_padded * KERNELS_PANEL * sizeof(uint16_t);
}

/* ---- Activations --------------------------------------------------------------------------- */

/* A row, x or ln(x), into its place in a block: dst[i / 2 * MR * 2 + i % 2] = value i.  Of an odd
 * number the last pair's second is 0, as in the panels. */
static void bf16_pack_row(uint16_t *dst, const float *x, size_t n,
                          const struct kernels_layer_norm *ln)
{
    struct row_stats s = {0, 0, 0};
    uint16_t values[KERNELS_PAD];

    if (ln != NULL) {
        s = row_stats(x, n, ln->eps);
    }
    for (size_t begin = 0; begin < n; begin += KERNELS_PAD) {
        size_t count = n - begin < KERNELS_PAD ? n - begin : KERNELS_PAD;
        for (size_t i = begin; i < begin + count; i += VL) {
            size_t m = n - i < VL ? n - i : VL;
            vec v = ln != NULL ? normalised(x + i, m, &s, ln->gamma + i, ln->beta + i)
                               : load_n(x + i, m);
            bf16_store(values + (i - begin), v);
        }
        if (count % 2 != 0) {
            values[count] = 0;
        }
        for (size_t i = 0; i < count; i += 2) {
            memcpy(dst + (begin + i) * MR, values + i, 2 * sizeof *values);
        }
    }
}

/* As act_pack of gemm_tmpl.h. */
static void bf16_act_pack(const struct kernels_linear *w, void *packed, const float *x,
                          size_t x_stride, size_t rows, size_t row_begin, size_t row_end,
                          const struct kernels_layer_norm *ln)
{
    (void)rows;
    for (size_t row = row_begin; row < row_end; row++) {
        uint16_t *block = (uint16_t *)packed + row / MR * MR * w->in_padded;
        bf16_pack_row(block + row % MR * 2, x + row * x_stride, w->in, ln);
    }
}

/* ---- Products ------------------------------------------------------------------------------ */

/* One block, from zeros to y: x: [in/2][MR][2], w: [in/2][32][2] from some column on. */
static inline __attribute__((always_inline)) void
bf16_block_mr(size_t in, const uint16_t *x, const uint16_t *w, const struct gemm_ahead *ahead,
              const struct kernels_epilogue *e, size_t row, size_t column, size_t out, size_t mr)
{
    const char *next = ahead->next;
    size_t step = ahead->step;
    vec acc[MR][NV];

    for (size_t r = 0; r < mr; r++) {
        for (size_t v = 0; v < NV; v++) {
            acc[r][v] = v_zero();
        }
    }
    for (size_t i = 0; i < in; i += 2) {
        bf16_pairs b[NV];
        for (size_t v = 0; v < NV; v++) {
            b[v] = bf16_load(w + i * KERNELS_PANEL + v * VL * 2);
        }
        __builtin_prefetch(next, 0, 2);
        next += step;
        for (size_t r = 0; r < mr; r++) {
            bf16_pairs a = bf16_spread(x + i * MR + r * 2);
            for (size_t v = 0; v < NV; v++) {
                acc[r][v] = bf16_dot(acc[r][v], a, b[v]);
            }
        }
    }
    gemm_finish_any(e, row, column, out, mr, acc);
}

#define BF16_ROWS(n)                                                                               \
    static __attribute__((noinline)) void bf16_rows_##n(                                           \
        size_t in, const uint16_t *x, const uint16_t *w, const struct gemm_ahead *ahead,           \
        const struct kernels_epilogue *e, size_t row, size_t column, size_t out)                   \
    {                                                                                              \
        if ((n) <= MR) {                                                                           \
            bf16_block_mr(in, x, w, ahead, e, row, column, out, (n) <= MR ? (n) : MR);             \
        }                                                                                          \
    }
GEMM_EACH_ROW_COUNT(BF16_ROWS)

typedef void (*bf16_rows_fn)(size_t, const uint16_t *, const uint16_t *, const struct gemm_ahead *,
                             const struct kernels_epilogue *, size_t, size_t, size_t);
#define BF16_ROWS_ENTRY(n) [n] = (n) <= MR ? bf16_rows_##n : NULL,
static const bf16_rows_fn bf16_rows[] = {GEMM_EACH_ROW_COUNT(BF16_ROWS_ENTRY)};

/* The panel at `stored` as pairs.  Of an odd `in` the last pair's second is the padding's zero. */
static const uint16_t *bf16_panel(const void *stored, enum kernels_dtype dtype, size_t in,
                                  uint16_t *scratch)
{
    if (dtype == KERNELS_BF16) {
        return stored;
    }
    for (size_t i = 0; i < in; i += 2) {
        for (size_t c = 0; c < KERNELS_PANEL; c += VL) {
            vec first = gemm_weights(dtype, stored, i, c, false);
            vec second = gemm_weights(dtype, stored, i + 1, c, false);
            bf16_store_pairs(scratch + i * KERNELS_PANEL + 2 * c, first, second);
        }
    }
    return scratch;
}

/* As gemm of gemm_tmpl.h; a step of the reduction fetches a line of the next panel. */
static void bf16_gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                      size_t rows, size_t row_begin, size_t row_end, const void *packed,
                      const struct kernels_epilogue *e, void *scratch)
{
    size_t element = w->dtype == KERNELS_F32 ? sizeof(float) : sizeof(uint16_t);
    size_t panel_bytes = (size_t)w->in_padded * KERNELS_PANEL * element;
    size_t last = w->out_padded / KERNELS_PANEL - 1;

    (void)rows;
    for (size_t p = panel_begin; p < panel_end; p++) {
        const char *stored = (const char *)w->panels + p * panel_bytes;
        const char *next = stored + (p < last ? panel_bytes : 0);
        const char *next_end = stored + (p < last ? 2 * panel_bytes : 0);
        const uint16_t *panel = bf16_panel(stored, w->dtype, w->in, scratch);
        for (size_t row = row_begin; row < row_end; row += MR) {
            const uint16_t *x = (const uint16_t *)packed + row * w->in_padded;
            size_t mr = row_end - row < MR ? row_end - row : MR;
            for (size_t c = 0; c < KERNELS_PANEL; c += NV * VL) {
                struct gemm_ahead ahead = {stored, 0};
                if (next < next_end) {
                    ahead = (struct gemm_ahead){next, GEMM_LINE};
                    next += (size_t)(w->in + 1) / 2 * GEMM_LINE;
                }
                bf16_rows[mr](w->in, x, panel + 2 * c, &ahead, e, row, p * KERNELS_PANEL + c,
                              w->out);
            }
        }
    }
}
