/* gemm_tile_tmpl.h - the products of bfloat16 on AMX's tiles, for tile.h and any vec_<isa>.h,
 * q8_<isa>.h and bf16_<isa>.h; gemm_tile_q8_tmpl.h has those of int8.
 *
 * A panel is two tiles wide, and its pairs and quads along the input are a tile's rows as they lie:
 *
 *     for each panel of 32 columns of y                            tile_gemm_pairs
 *         for each block of 32 rows                                tile_gemm_pairs
 *             tiles 0 to 3 = 0                                     tile_multiply_pairs
 *             for each stretch of `in` of a tile's depth:
 *                 tiles 4, 5 = rows; tiles 6, 7 = columns
 *                 tiles 0 to 3 += (4, 5) x (6, 7)
 *             y = activation(tiles 0 to 3 + bias) + residual       gemm_finish_sums
 *
 * Of a block of 16 rows or fewer only the upper half is computed.  A row's products are the same
 * ones in the same order in whatever place of a tile it lies.
 *
 * Exact products of floats: a float is the sum of two bfloat16, x = hi + lo, but for 2^-16 of it
 * (and an f16 is, exactly), so that
 *
 *     x w = hi hi + lo hi + hi lo
 *
 * but for as much again: 3 * 2^-16 of |x w| at worst, and some 2^-20 of a sum of many, where these
 * errors cancel.  bfloat16 weights have no lo.  Henry, Tang & Heinecke 2019, "Leveraging the
 * bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations".  An infinite
 * activation may come out as NaN.  Layers of fewer inputs, whose errors have less to cancel with,
 * are left to the gemms of vectors. */
#define TILE_LEAST_INPUTS 256

enum {
    TILE_ROWS = 16,
    TILE_BLOCK = 2 * TILE_ROWS,
    TILE_DEPTH = 32,                      /* inputs of bfloat16 in a tile's row */
    TILE_HALVES = TILE_ROWS * TILE_DEPTH, /* bfloat16 in a tile */
    TILE_PANEL_ROW = KERNELS_PANEL * 4,   /* bytes from one row of a panel to the next */
    TILE_WIDE = KERNELS_PANEL / 2 * 4     /* bytes of a tile's row, the panel's left half */
};

/* A block's sums as tiles leave them. */
union tile_sums {
    float floats[TILE_BLOCK][KERNELS_PANEL];
    int32_t whole[TILE_BLOCK][KERNELS_PANEL];
};

static bool tile_can_bf16(const struct kernels_linear *w, enum kernels_precision precision)
{
    return bf16_can(w, precision) && w->in >= TILE_LEAST_INPUTS;
}

static bool tile_can_split(const struct kernels_linear *w, enum kernels_precision precision)
{
    (void)precision; /* exact will do where fast is asked for */
    return tile_can_bf16(w, KERNELS_FAST);
}

static size_t tile_round_up(size_t rows)
{
    return (rows + TILE_BLOCK - 1) / TILE_BLOCK * TILE_BLOCK;
}

static inline __attribute__((always_inline)) void tile_clear(bool both)
{
    tile_zero(0);
    tile_zero(1);
    if (both) {
        tile_zero(2);
        tile_zero(3);
    }
}

static inline __attribute__((always_inline)) void tile_take(union tile_sums *s, bool both)
{
    tile_store(0, &s->whole[0][0], TILE_PANEL_ROW);
    tile_store(1, &s->whole[0][KERNELS_PANEL / 2], TILE_PANEL_ROW);
    if (both) {
        tile_store(2, &s->whole[TILE_ROWS][0], TILE_PANEL_ROW);
        tile_store(3, &s->whole[TILE_ROWS][KERNELS_PANEL / 2], TILE_PANEL_ROW);
    }
}

/* ---- bfloat16 ------------------------------------------------------------------------------ */

/* A row in `planes` parts, 1 (bf16) or 2 (hi and lo).  Packed rows are whole tiles, in the order in
 * which they are multiplied: [rows / 16][in_padded / 32][planes][16][32]. */
static size_t tile_pair_bytes(const struct kernels_linear *w, size_t rows, size_t planes)
{
    return tile_round_up(rows) * w->in_padded * planes * sizeof(uint16_t);
}

/* values[n] less what their bfloat16 have of them; 0 beside infinity and NaN. */
static void tile_rest(float *values, const uint16_t *halves, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)halves[i] << 16;
        float high;
        memcpy(&high, &bits, sizeof high);
        values[i] = (bits & 0x7f800000) != 0x7f800000 ? values[i] - high : 0;
    }
}

/* dst: the row's place in its first tile.  Behind n there are zeros, up to in_padded. */
static void tile_pack_row(uint16_t *dst, const float *x, size_t n, size_t planes,
                          const struct kernels_layer_norm *ln)
{
    struct row_stats s = {0, 0, 0};

    if (ln != NULL) {
        s = row_stats(x, n, ln->eps);
    }
    for (size_t begin = 0; begin < n; begin += KERNELS_PAD) {
        size_t end = n - begin < KERNELS_PAD ? n : begin + KERNELS_PAD;
        float values[KERNELS_PAD] = {0};
        uint16_t halves[KERNELS_PAD];
        for (size_t i = begin; i < end; i += VL) {
            size_t m = end - i < VL ? end - i : VL;
            vec v = ln != NULL ? normalised(x + i, m, &s, ln->gamma + i, ln->beta + i)
                               : load_n(x + i, m);
            store_n(values + (i - begin), m, v);
        }
        for (size_t plane = 0; plane < planes; plane++) {
            for (size_t i = 0; i < KERNELS_PAD; i += VL) {
                bf16_store(halves + i, v_load(values + i));
            }
            for (size_t i = 0; i < KERNELS_PAD; i += TILE_DEPTH) {
                size_t tile = (begin + i) / TILE_DEPTH * planes + plane;
                memcpy(dst + tile * TILE_HALVES, halves + i, TILE_DEPTH * sizeof *halves);
            }
            tile_rest(values, halves, KERNELS_PAD);
        }
    }
}

static void tile_pack(const struct kernels_linear *w, void *packed, const float *x, size_t x_stride,
                      size_t row_begin, size_t row_end, size_t planes,
                      const struct kernels_layer_norm *ln)
{
    for (size_t row = row_begin; row < row_end; row++) {
        uint16_t *place = (uint16_t *)packed + row / TILE_ROWS * TILE_ROWS * w->in_padded * planes;
        tile_pack_row(place + row % TILE_ROWS * TILE_DEPTH, x + row * x_stride, w->in, planes, ln);
    }
}

/* What a block of rows is multiplied with. */
struct tile_pairs {
    const uint16_t *x, *x2;     /* tiles of the first 16 rows, and of the others */
    const uint16_t *high, *low; /* [in_padded / 2][32][2]; low: NULL where there is none */
    size_t steps;
};

static inline __attribute__((always_inline)) void tile_four(bool both)
{
    tile_dot_bf16(0, 4, 6);
    tile_dot_bf16(1, 4, 7);
    if (both) {
        tile_dot_bf16(2, 5, 6);
        tile_dot_bf16(3, 5, 7);
    }
}

static inline __attribute__((always_inline)) void tile_columns(const uint16_t *panel)
{
    tile_load(6, panel, TILE_PANEL_ROW);
    tile_load(7, panel + TILE_WIDE / 2, TILE_PANEL_ROW);
}

static inline __attribute__((always_inline)) void tile_rows(const uint16_t *x, const uint16_t *x2,
                                                            bool both)
{
    tile_load(4, x, TILE_WIDE);
    if (both) {
        tile_load(5, x2, TILE_WIDE);
    }
}

/* Of hi and lo the greater product comes first; the order of all of them is the layer's affair
 * alone. */
static inline __attribute__((always_inline)) void
tile_multiply_pairs(const struct tile_pairs *p, union tile_sums *s, size_t planes, bool both)
{
    tile_clear(both);
    for (size_t step = 0; step < p->steps; step++) {
        const uint16_t *x = p->x + step * planes * TILE_HALVES;
        const uint16_t *x2 = p->x2 + step * planes * TILE_HALVES;
        tile_columns(p->high + step * TILE_DEPTH * KERNELS_PANEL);
        if (planes == 2) {
            tile_rows(x + TILE_HALVES, x2 + TILE_HALVES, both);
            tile_four(both);
        }
        tile_rows(x, x2, both);
        tile_four(both);
        if (planes == 2 && p->low != NULL) {
            tile_columns(p->low + step * TILE_DEPTH * KERNELS_PANEL);
            tile_four(both);
        }
    }
    tile_take(s, both);
}

/* The whole panel, padding and all, as pairs, and as pairs of what these leave of it. */
static void tile_split_panel(uint16_t *high, uint16_t *low, const void *stored,
                             const struct kernels_linear *w)
{
    float rest[2 * KERNELS_PANEL];

    bf16_panel(stored, w->dtype, w->in_padded, high);
    for (size_t i = 0; i < w->in_padded; i += 2) {
        for (size_t odd = 0; odd < 2; odd++) {
            float wide[KERNELS_PANEL];
            for (size_t c = 0; c < KERNELS_PANEL; c += VL) {
                v_store(wide + c, gemm_weights(w->dtype, stored, i + odd, c, false));
            }
            for (size_t c = 0; c < KERNELS_PANEL; c++) {
                rest[2 * c + odd] = wide[c];
            }
        }
        tile_rest(rest, high + i * KERNELS_PANEL, 2 * KERNELS_PANEL);
        for (size_t c = 0; c < 2 * KERNELS_PANEL; c += VL) {
            bf16_store(low + i * KERNELS_PANEL + c, v_load(rest + c));
        }
    }
}

/* One plane of a panel for fast, two for exact, but for bf16 files, whose panels are one. */
static size_t tile_pair_scratch(const struct kernels_linear *w, size_t planes)
{
    return w->dtype == KERNELS_BF16
               ? 0
               : (size_t)w->in_padded * KERNELS_PANEL * planes * sizeof(uint16_t);
}

static inline __attribute__((always_inline)) void
tile_gemm_pairs(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                size_t row_begin, size_t row_end, const void *packed,
                const struct kernels_epilogue *e, void *scratch, size_t planes)
{
    size_t element = w->dtype == KERNELS_F32 ? sizeof(float) : sizeof(uint16_t);
    size_t panel_values = (size_t)w->in_padded * KERNELS_PANEL, stride = w->in_padded * planes;
    uint16_t *low =
        planes == 2 && w->dtype != KERNELS_BF16 ? (uint16_t *)scratch + panel_values : NULL;
    _Alignas(64) union tile_sums sums;

    tile_configure();
    for (size_t p = panel_begin; p < panel_end; p++) {
        const char *stored = (const char *)w->panels + p * panel_values * element;
        struct tile_pairs pairs = {.high = scratch, .low = low, .steps = w->in_padded / TILE_DEPTH};
        if (low != NULL) {
            tile_split_panel(scratch, low, stored, w);
        } else {
            pairs.high = bf16_panel(stored, w->dtype, w->in_padded, scratch);
        }
        for (size_t row = row_begin; row < row_end; row += TILE_BLOCK) {
            size_t n = row_end - row < TILE_BLOCK ? row_end - row : TILE_BLOCK;
            pairs.x = (const uint16_t *)packed + row * stride;
            pairs.x2 = pairs.x + TILE_ROWS * stride;
            if (n > TILE_ROWS) {
                tile_multiply_pairs(&pairs, &sums, planes, true);
            } else {
                tile_multiply_pairs(&pairs, &sums, planes, false);
            }
            gemm_finish_sums(e, row, p * KERNELS_PANEL, w->out, n, KERNELS_PANEL, sums.floats[0],
                             KERNELS_PANEL);
        }
    }
    tile_release();
}

/* ---- For benchmarks -------------------------------------------------------------------------- */

/* Multiply-adds of a step on all four sums. */
enum { TILE_STEP_BF16 = 4 * TILE_HALVES * TILE_ROWS };

/* kernels.h: tiles 0 to 3 += (4, 5) x (6, 7), `steps` times. */
static size_t tile_bf16_peak(float *sink, size_t steps)
{
    _Alignas(64) uint16_t factors[TILE_HALVES], other[TILE_HALVES];
    _Alignas(64) union tile_sums sums;

    for (size_t i = 0; i < TILE_HALVES; i += VL) {
        bf16_store(factors + i, v_set1(sink[1]));
        bf16_store(other + i, v_set1(sink[2]));
    }
    tile_configure();
    tile_rows(factors, factors, true);
    tile_load(6, other, TILE_WIDE);
    tile_load(7, other, TILE_WIDE);
    tile_clear(true);
    for (size_t i = 0; i < steps; i++) {
        tile_four(true);
    }
    tile_take(&sums, true);
    tile_release();
    *sink = 0;
    for (size_t i = 0; i < TILE_BLOCK; i++) {
        for (size_t c = 0; c < KERNELS_PANEL; c++) {
            *sink += sums.floats[i][c];
        }
    }
    return steps * TILE_STEP_BF16 * 2;
}

/* Three products of halves are one of floats (of bfloat16 weights it is two). */
static size_t tile_split_peak(float *sink, size_t steps)
{
    return tile_bf16_peak(sink, 3 * steps) / 3;
}

/* ---- fast: one plane ------------------------------------------------------------------------- */

static size_t tile_bf16_act_bytes(const struct kernels_linear *w, size_t rows)
{
    return tile_pair_bytes(w, rows, 1);
}

static void tile_bf16_act_pack(const struct kernels_linear *w, void *packed, const float *x,
                               size_t x_stride, size_t rows, size_t row_begin, size_t row_end,
                               const struct kernels_layer_norm *ln)
{
    (void)rows;
    tile_pack(w, packed, x, x_stride, row_begin, row_end, 1, ln);
}

static size_t tile_bf16_scratch(const struct kernels_linear *w)
{
    return tile_pair_scratch(w, 1);
}

static void tile_bf16_gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                           size_t rows, size_t row_begin, size_t row_end, const void *packed,
                           const struct kernels_epilogue *e, void *scratch)
{
    (void)rows;
    tile_gemm_pairs(w, panel_begin, panel_end, row_begin, row_end, packed, e, scratch, 1);
}

/* ---- exact: hi and lo ------------------------------------------------------------------------ */

static size_t tile_split_act_bytes(const struct kernels_linear *w, size_t rows)
{
    return tile_pair_bytes(w, rows, 2);
}

static void tile_split_act_pack(const struct kernels_linear *w, void *packed, const float *x,
                                size_t x_stride, size_t rows, size_t row_begin, size_t row_end,
                                const struct kernels_layer_norm *ln)
{
    (void)rows;
    tile_pack(w, packed, x, x_stride, row_begin, row_end, 2, ln);
}

static size_t tile_split_scratch(const struct kernels_linear *w)
{
    return tile_pair_scratch(w, 2);
}

static void tile_split_gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                            size_t rows, size_t row_begin, size_t row_end, const void *packed,
                            const struct kernels_epilogue *e, void *scratch)
{
    (void)rows;
    tile_gemm_pairs(w, panel_begin, panel_end, row_begin, row_end, packed, e, scratch, 2);
}
