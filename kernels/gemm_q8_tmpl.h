/* gemm_q8_tmpl.h - the products of int8 weights and 8-bit activations, for any
 * vec_<isa>.h and q8_<isa>.h.
 *
 * A weight is w = scale_w[o] q, q in -127 .. 127, one scale for each output (kernels/pack.c).  An
 * activation is x = scale_x[r] (u - zero[r]), u in 0 .. 255, one scale and one zero point for each
 * row, from the row's least and greatest value: after a GELU nearly all of it lies above 0, and
 * 8 bits are too few to leave half of them unused (Jacob et al. 2018, "Quantization and Training of
 * Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 2.3).  So
 *
 *     y = activation(scale_x[r] scale_w[o] (sum_i u q - zero[r] sums[o]) + bias) + residual
 *
 * with sums[o] = sum_i q, which the file has.  What is in brackets is computed in whole numbers of
 * 32 bits, exactly, and so is the same on every set, whatever instruction makes it: q8_<isa>.h
 * says which.  The blocks are those of gemm_tmpl.h. */

/* Of an activation row.  scale is NaN when the row has a NaN or an infinity: no byte stands for
 * them, and they must not vanish. */
struct q8_row {
    float scale;
    int32_t zero; /* less Q8_BIAS */
};

/* |sum u q| <= 255 * 128 * in must fit 31 bits. */
#define Q8_MOST_INPUTS 65536

static bool q8_can(const struct kernels_linear *w, enum kernels_precision precision)
{
    return precision == KERNELS_FAST && w->dtype == KERNELS_Q8 && w->in <= Q8_MOST_INPUTS;
}

/* [rows][in_padded] activations, then [rows] of struct q8_row. */
static size_t q8_act_bytes(const struct kernels_linear *w, size_t rows)
{
    return rows * ((size_t)w->in_padded * sizeof(q8_act) + sizeof(struct q8_row));
}

/* One panel of 16-bit weights, where the instruction wants those. */
static size_t q8_scratch(const struct kernels_linear *w)
{
    return Q8_GROUP == 4 ? 0 : (size_t)w->in_padded * KERNELS_PANEL * sizeof(q8_weight);
}

/* ---- Activations --------------------------------------------------------------------------- */

/* A row as it is quantised: x, or ln(x), times `smooth` where the layer has that. */
struct q8_source {
    const float *x, *smooth;
    const struct kernels_layer_norm *ln;
    struct row_stats stats;
};

/* m <= VL values from i on; the lanes behind them are 0. */
static inline vec q8_values(const struct q8_source *s, size_t i, size_t m)
{
    vec v = s->ln != NULL ? normalised(s->x + i, m, &s->stats, s->ln->gamma + i, s->ln->beta + i)
                          : load_n(s->x + i, m);
    return s->smooth != NULL ? v_mul(v, load_n(s->smooth + i, m)) : v;
}

/* 0 lies between the ends, so that it has a byte.  *inverse: bytes for each unit, 0 for a row that
 * is 0, or as good as 0. */
static struct q8_row q8_measure(const struct q8_source *s, size_t n, float *inverse)
{
    vec low = v_zero(), high = v_zero(), poison = v_zero();

    for (size_t i = 0; i < n; i += VL) {
        vec v = q8_values(s, i, n - i < VL ? n - i : VL);
        low = v_min(low, v);
        high = v_max(high, v);
        poison = v_fma(v, v_zero(), poison); /* 0, or NaN of NaN and of infinity */
    }
    float least = -v_hmax(v_sub(v_zero(), low)), range = v_hmax(high) - least + v_sum(poison);
    *inverse = range >= 0x1p-100f ? 255 / range : 0;
    return range <= HUGE_VALF ? (struct q8_row){range / 255, (int32_t)(0.5f - least * *inverse)}
                              : (struct q8_row){range, 0};
}

/* u = clamp(round(x inverse) + zero): multiplications and additions alone, each rounded by itself,
 * so that every set has the same bytes of the same x.  The inputs that fill up the last group meet
 * weights of 0. */
static struct q8_row q8_pack_row(q8_act *to, const struct q8_source *s, size_t n)
{
    float inverse, bytes[KERNELS_PAD];
    struct q8_row row = q8_measure(s, n, &inverse);
    vec zero = v_set1((float)row.zero), most = v_set1(255);

    memset(to, 0, (n + 3) / 4 * 4 * sizeof *to);
    if (isnan(row.scale)) {
        return row;
    }
    row.zero -= Q8_BIAS;
    for (size_t begin = 0; begin < n; begin += KERNELS_PAD) {
        size_t count = n - begin < KERNELS_PAD ? n - begin : KERNELS_PAD;
        for (size_t i = 0; i < count; i += VL) {
            size_t m = count - i < VL ? count - i : VL;
            vec v = v_mul(q8_values(s, begin + i, m), v_set1(inverse));
            v = v_min(v_max(v_add(v_round(v), zero), v_zero()), most);
            store_n(bytes + i, m, v);
        }
        for (size_t i = 0; i < count; i++) {
            to[begin + i] = (q8_act)((int32_t)bytes[i] - Q8_BIAS);
        }
    }
    return row;
}

/* Rows [row_begin, row_end) of x: [rows, x_stride], each by itself. */
static void q8_act_pack(const struct kernels_linear *w, void *packed, const float *x,
                        size_t x_stride, size_t rows, size_t row_begin, size_t row_end,
                        const struct kernels_layer_norm *ln)
{
    q8_act *values = packed;
    struct q8_row *scales = (struct q8_row *)(void *)(values + rows * w->in_padded);

    for (size_t r = row_begin; r < row_end; r++) {
        struct q8_source s = {.x = x + r * x_stride, .smooth = w->smooth, .ln = ln};
        if (ln != NULL) {
            s.stats = row_stats(s.x, w->in, ln->eps);
        }
        scales[r] = q8_pack_row(values + r * w->in_padded, &s, w->in);
    }
}

/* ---- Products ------------------------------------------------------------------------------ */

/* What a block of rows is multiplied with: the panel, and what its columns' sums become. */
struct q8_block {
    const q8_weight *panel; /* [in / Q8_GROUP][32][Q8_GROUP] */
    const q8_act *x;        /* [mr, stride] */
    size_t stride, in;
    const struct q8_row *rows; /* [mr] */
    const float *scale;        /* [NV * VL], and so are the sums */
    const int32_t *sums;
    struct gemm_ahead ahead;
};

/* One block, as gemm_block_mr. */
static inline __attribute__((always_inline)) void q8_block_mr(const struct q8_block *b,
                                                              const struct kernels_epilogue *e,
                                                              size_t row, size_t column, size_t out,
                                                              size_t mr)
{
    const q8_weight *w = b->panel;
    const q8_act *x = b->x;
    const char *next = b->ahead.next;
    size_t stride = b->stride, in = b->in, step = b->ahead.step;
    qvec acc[MR][NV];
    vec y[MR][NV];

    for (size_t r = 0; r < mr; r++) {
        for (size_t v = 0; v < NV; v++) {
            acc[r][v] = q8_zero();
        }
    }
    for (size_t i = 0; i < in; i += Q8_GROUP) {
        q8_group wide[NV];
        for (size_t v = 0; v < NV; v++) {
            wide[v] = q8_load(w + i * KERNELS_PANEL + v * VL * Q8_GROUP);
        }
        __builtin_prefetch(next, 0, 2);
        next += step;
        for (size_t r = 0; r < mr; r++) {
            q8_group a = q8_spread(x + r * stride + i);
            for (size_t v = 0; v < NV; v++) {
                acc[r][v] = q8_dot(acc[r][v], a, wide[v]);
            }
        }
    }
    for (size_t v = 0; v < NV; v++) {
        vec scale = v_load(b->scale + v * VL);
        for (size_t r = 0; r < mr; r++) {
            vec sum = q8_float(acc[r][v], b->rows[r].zero, b->sums + v * VL);
            y[r][v] = v_mul(sum, v_mul(v_set1(b->rows[r].scale), scale));
        }
    }
    gemm_finish_any(e, row, column, out, mr, y);
}

#define Q8_ROWS(n)                                                                                 \
    static __attribute__((noinline)) void q8_rows_##n(const struct q8_block *b,                    \
                                                      const struct kernels_epilogue *e,            \
                                                      size_t row, size_t column, size_t out)       \
    {                                                                                              \
        if ((n) <= MR) {                                                                           \
            q8_block_mr(b, e, row, column, out, (n) <= MR ? (n) : MR);                             \
        }                                                                                          \
    }
GEMM_EACH_ROW_COUNT(Q8_ROWS)

typedef void (*q8_rows_fn)(const struct q8_block *, const struct kernels_epilogue *, size_t, size_t,
                           size_t);
#define Q8_ROWS_ENTRY(n) [n] = (n) <= MR ? q8_rows_##n : NULL,
static const q8_rows_fn q8_rows[] = {GEMM_EACH_ROW_COUNT(Q8_ROWS_ENTRY)};

/* The panel at `stored`, [in/4][32][4], as q8_dot wants it. */
static const q8_weight *q8_panel(const int8_t *stored, size_t in, void *scratch)
{
#if Q8_GROUP < 4
    for (size_t i = 0; i < in; i += 4) {
        q8_widen((q8_weight *)scratch + i * KERNELS_PANEL, stored + i * KERNELS_PANEL);
    }
    return scratch;
#else
    (void)in;
    (void)scratch;
    return stored;
#endif
}

/* As gemm of gemm_tmpl.h.  A step of the reduction stands for Q8_GROUP * 32 bytes of the panel: it
 * fetches a line of the next one, or half a line where that is all there is. */
static void q8_gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end,
                    size_t rows, size_t row_begin, size_t row_end, const void *packed,
                    const struct kernels_epilogue *e, void *scratch)
{
    const q8_act *x = packed;
    const struct q8_row *scales = (const struct q8_row *)(const void *)(x + rows * w->in_padded);
    size_t panel_bytes = (size_t)w->in_padded * KERNELS_PANEL;
    size_t last = w->out_padded / KERNELS_PANEL - 1;
    size_t line = Q8_GROUP == 1 ? GEMM_LINE / 2 : GEMM_LINE;

    for (size_t p = panel_begin; p < panel_end; p++) {
        const int8_t *stored = (const int8_t *)w->panels + p * panel_bytes;
        const int8_t *next = stored + (p < last ? panel_bytes : 0);
        const int8_t *next_end = stored + (p < last ? 2 * panel_bytes : 0);
        const q8_weight *panel = q8_panel(stored, w->in, scratch);
        for (size_t row = row_begin; row < row_end; row += MR) {
            size_t mr = row_end - row < MR ? row_end - row : MR;
            for (size_t c = 0; c < KERNELS_PANEL; c += NV * VL) {
                size_t column = p * KERNELS_PANEL + c;
                struct q8_block b = {.panel = panel + c * Q8_GROUP,
                                     .x = x + row * w->in_padded,
                                     .stride = w->in_padded,
                                     .in = w->in,
                                     .rows = scales + row,
                                     .scale = w->scale + column,
                                     .sums = w->sums + column,
                                     .ahead = {stored, 0}};
                if (next < next_end) {
                    b.ahead = (struct gemm_ahead){next, line};
                    next += (w->in + Q8_GROUP - 1) / Q8_GROUP * line;
                }
                q8_rows[mr](&b, e, row, column, w->out);
            }
        }
    }
}
