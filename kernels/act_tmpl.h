/* act_tmpl.h - activation rows into blocks of MR, [in][MR], from which gemm and attention
 * broadcast: a transposition, VL x VL values at a time in registers, with LayerNorm on the way. */

/* x[mr, stride], normalised by `ln` and each row's statistics unless ln is NULL. */
struct act_rows {
    const float *x;
    size_t stride, mr;
    const struct kernels_layer_norm *ln;
    struct row_stats stats[MR];
};

/* Vectors that MR rows of one input fill, and the rows that those have room for. */
#define ACT_VECS ((MR + VL - 1) / VL)
#define ACT_ROOM (ACT_VECS * VL)

/* to[i * MR + r] = x[r][i] for n inputs.  Rows behind mr become zeros.  Of each input whole vectors
 * are stored: what the last reaches over into the next input is written after it; of the last
 * input, part of a vector, because what follows may be another thread's. */
static void act_block(float *to, const struct act_rows *a, size_t n)
{
    for (size_t begin = 0; begin < n; begin += VL) {
        size_t m = n - begin < VL ? n - begin : VL;
        vec t[ACT_ROOM];
        for (size_t r = 0; r < ACT_ROOM; r++) {
            const float *x = a->x + r * a->stride + begin;
            if (r >= a->mr) {
                t[r] = v_zero();
            } else if (a->ln == NULL) {
                t[r] = load_n(x, m);
            } else {
                t[r] = normalised(x, m, &a->stats[r], a->ln->gamma + begin, a->ln->beta + begin);
            }
        }
        for (size_t v = 0; v < ACT_VECS; v++) {
            v_transpose(t + v * VL);
        }
        size_t whole = begin + m < n ? m : m - 1;
        for (size_t i = 0; i < whole; i++) {
            for (size_t v = 0; v < ACT_VECS; v++) {
                v_store(to + (begin + i) * MR + v * VL, t[v * VL + i]);
            }
        }
        for (size_t v = 0; v < ACT_VECS && whole < m; v++) {
            size_t left = MR - v * VL;
            store_n(to + (begin + whole) * MR + v * VL, left < VL ? left : VL, t[v * VL + whole]);
        }
    }
}

/* Whole blocks of MR rows, [blocks][in_padded][MR] floats; what lies behind `in` is never written
 * nor read. */
static size_t act_bytes(const struct kernels_linear *w, size_t rows)
{
    return (rows + MR - 1) / MR * MR * w->in_padded * sizeof(float);
}

/* Rows [row_begin, row_end) of x: [rows, x_stride] into blocks: packed[row / MR][i][row % MR].
 * Only the true width is read.  The statistics want passes of their own over the rows, which are
 * in the first-level cache after them: so LayerNorm costs arithmetic, no memory. */
static void act_pack(const struct kernels_linear *w, void *packed, const float *x, size_t x_stride,
                     size_t rows, size_t row_begin, size_t row_end,
                     const struct kernels_layer_norm *ln)
{
    (void)rows;
    for (size_t row = row_begin; row < row_end; row += MR) {
        struct act_rows a = {.x = x + row * x_stride,
                             .stride = x_stride,
                             .mr = row_end - row < MR ? row_end - row : MR,
                             .ln = ln};
        if (ln != NULL) {
            row_stats_each(a.stats, a.x, x_stride, a.mr, w->in, ln->eps);
        }
        act_block((float *)packed + row * w->in_padded, &a, w->in);
    }
}
