/* gemm_tile_q8_tmpl.h - the products of int8 on AMX's tiles, behind gemm_tile_tmpl.h and for a
 * q8_<isa>.h of bytes (Q8_GROUP 4, Q8_BIAS 0): activations, scales and the rule for them are those
 * of gemm_q8_tmpl.h, and so the whole numbers are those of every set. */

static bool tile_can_q8(const struct kernels_linear *w, enum kernels_precision precision)
{
    return q8_can(w, precision) && w->in >= TILE_LEAST_INPUTS;
}

/* Rows as gemm_q8_tmpl.h packs them, and room for those that fill up the last block; their scales
 * lie behind all of these.  What the padding of a row holds meets weights of 0. */
static size_t tile_q8_act_bytes(const struct kernels_linear *w, size_t rows)
{
    return q8_act_bytes(w, tile_round_up(rows));
}

static void tile_q8_act_pack(const struct kernels_linear *w, void *packed, const float *x,
                             size_t x_stride, size_t rows, size_t row_begin, size_t row_end,
                             const struct kernels_layer_norm *ln)
{
    q8_act_pack(w, packed, x, x_stride, tile_round_up(rows), row_begin, row_end, ln);
}

static inline __attribute__((always_inline)) void tile_multiply_quads(const q8_act *x,
                                                                      size_t stride,
                                                                      const int8_t *panel,
                                                                      union tile_sums *s, bool both)
{
    tile_clear(both);
    for (size_t i = 0; i < stride; i += KERNELS_PAD) {
        tile_load(6, panel + i * KERNELS_PANEL, TILE_PANEL_ROW);
        tile_load(7, panel + i * KERNELS_PANEL + TILE_WIDE, TILE_PANEL_ROW);
        tile_load(4, x + i, stride);
        tile_dot_u8s8(0, 4, 6);
        tile_dot_u8s8(1, 4, 7);
        if (both) {
            tile_load(5, x + TILE_ROWS * stride + i, stride);
            tile_dot_u8s8(2, 5, 6);
            tile_dot_u8s8(3, 5, 7);
        }
    }
    tile_take(s, both);
}

/* Whole numbers of rows with these scales into floats, in their place. */
static void tile_scale(union tile_sums *s, size_t n, const struct q8_row *rows, const float *scale,
                       const int32_t *sums)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < KERNELS_PANEL; c += VL) {
            qvec whole;
            memcpy(&whole, &s->whole[r][c], sizeof whole);
            v_store(&s->floats[r][c], v_mul(q8_float(whole, rows[r].zero, sums + c),
                                            v_mul(v_set1(rows[r].scale), v_load(scale + c))));
        }
    }
}

static void tile_q8_gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                         size_t rows, size_t row_begin, size_t row_end, const void *packed,
                         const struct kernels_epilogue *e, void *scratch)
{
    size_t stride = w->in_padded;
    const q8_act *x = packed;
    const struct q8_row *scales =
        (const struct q8_row *)(const void *)(x + tile_round_up(rows) * stride);
    _Alignas(64) union tile_sums sums;

    (void)scratch;
    tile_configure();
    for (size_t p = panel_begin; p < panel_end; p++) {
        const int8_t *panel = (const int8_t *)w->panels + p * stride * KERNELS_PANEL;
        size_t column = p * KERNELS_PANEL;
        for (size_t row = row_begin; row < row_end; row += TILE_BLOCK) {
            size_t n = row_end - row < TILE_BLOCK ? row_end - row : TILE_BLOCK;
            if (n > TILE_ROWS) {
                tile_multiply_quads(x + row * stride, stride, panel, &sums, true);
            } else {
                tile_multiply_quads(x + row * stride, stride, panel, &sums, false);
            }
            tile_scale(&sums, n, scales + row, w->scale + column, w->sums + column);
            gemm_finish_sums(e, row, column, w->out, n, KERNELS_PANEL, sums.floats[0],
                             KERNELS_PANEL);
        }
    }
    tile_release();
}

/* kernels.h: as tile_bf16_peak. */
static size_t tile_q8_peak(float *sink, size_t steps)
{
    enum { BYTES = TILE_ROWS * KERNELS_PAD };
    _Alignas(64) unsigned char bytes[BYTES], other[BYTES];
    _Alignas(64) union tile_sums sums;

    memset(bytes, (int)sink[0], sizeof bytes);
    memset(other, (int)sink[2], sizeof other);
    tile_configure();
    tile_load(4, bytes, KERNELS_PAD);
    tile_load(5, bytes, KERNELS_PAD);
    tile_load(6, other, KERNELS_PAD);
    tile_load(7, other, KERNELS_PAD);
    tile_clear(true);
    for (size_t i = 0; i < steps; i++) {
        tile_dot_u8s8(0, 4, 6);
        tile_dot_u8s8(1, 4, 7);
        tile_dot_u8s8(2, 5, 6);
        tile_dot_u8s8(3, 5, 7);
    }
    tile_take(&sums, true);
    tile_release();
    *sink = 0;
    for (size_t i = 0; i < TILE_BLOCK; i++) {
        for (size_t c = 0; c < KERNELS_PANEL; c++) {
            *sink += (float)sums.whole[i][c];
        }
    }
    return steps * 4 * BYTES * TILE_ROWS * 2;
}
