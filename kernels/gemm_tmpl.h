/* gemm_tmpl.h - y = activation(x W^T + bias) + residual on weight panels, for any vec_<isa>.h.
 *
 *     for each panel of 32 columns of y                            gemm
 *         for each stretch of `in`                                 gemm
 *             for each block of MR rows                            gemm_stretch
 *                 for each NV * VL columns of the panel            gemm_block
 *                     acc[MR][NV * VL] = 0, or what the stretch before left      gemm_micro
 *                     for each i of the stretch:
 *                         acc[r][c] += x[r][i] * w[i][c]
 *                 y[r][c] = activation(acc[r][c] + bias[c]) + residual[r][c]     gemm_finish
 *
 * Activations are packed in blocks of MR rows, [in][MR], so that the micro-kernel reads them as one
 * stream of broadcasts; weights are panels [in][32].  A block of mr <= MR rows by NV * VL columns
 * lives in registers and is reduced over `in` from first to last with one accumulator for each
 * element: the same order, and so the same bits, whatever rows and panels a call covers.
 *
 * A block of rows reads an f16 or bf16 panel as it is stored and widens it (exactly) between the
 * multiplications.  Where that is not for nothing, the first of many blocks leaves the floats in
 * scratch for the others (gemm_keeps).  An int8 panel is widened by itself, where the activations
 * are to stay floats; its quick way is gemm_q8_tmpl.h.
 *
 * Packing, panels and a block of y in registers are those of Goto & van de Geijn 2008, "Anatomy of
 * High-Performance Matrix Multiplication", section 4, and the micro-kernel is BLIS's (Van Zee & van
 * de Geijn 2015).  Weights are packed by the converter, once and for all, so no call packs them.
 * A stretch of the reduction (their kc) is as deep as lets the panel's part of it stay in the
 * second-level cache while all rows pass over it: sums that are not through are stored, and loaded
 * again unchanged, so that the depth, which is the machine's, is not seen in a bit of y. */

/* `in` inputs of an int8 panel, [in/4][32][4], `begin` the first of them: the weights as
 * pack_unpack_row has them.  scale: of the panel's columns.  Of a last quad that is not full the
 * rest is the padding's zeros. */
static void gemm_widen_q8(float *to, const int8_t *from, const float *scale, const float *smooth,
                          size_t begin, size_t in)
{
    for (size_t i = 0; i < in; i++) {
        float factor = smooth != NULL ? smooth[begin + i] : 1;
        for (size_t c = 0; c < KERNELS_PANEL; c++) {
            float value = from[(i / 4 * KERNELS_PANEL + c) * 4 + i % 4];
            to[i * KERNELS_PANEL + c] = value * scale[c] * factor;
        }
    }
}

/* Any shape, and every type as the floats that it stands for. */
static bool gemm_can(const struct kernels_linear *w, enum kernels_precision precision)
{
    (void)precision; /* exact will do where fast is asked for */
    return pack_dtype(w->dtype) != NULL;
}

/* Rows whose unfinished sums are kept at once, in 63 KiB; a multiple of every MR. */
#define GEMM_ROWS_MOST 504
_Static_assert(GEMM_ROWS_MOST % MR == 0, "a block of rows is not cut");

/* Inputs of a stretch: the panel's part, in floats, takes a quarter of a core's second-level cache,
 * beside rows that stream through, their sums and the part that is fetched ahead. */
static size_t gemm_depth(void)
{
    const size_t l2 = cpu_features()->l2, least = (size_t)1 << 18;

    return (l2 > least ? l2 : least) / 4 / (KERNELS_PANEL * sizeof(float)) / KERNELS_PAD *
           KERNELS_PAD;
}

/* A stretch of a widened panel, [depth][32] floats, and behind it unfinished sums, [rows][32],
 * where there is more than one. */
static size_t gemm_scratch(const struct kernels_linear *w)
{
    const size_t depth = gemm_depth(), rows = w->in > depth ? GEMM_ROWS_MOST : 0;
    const size_t inputs = w->dtype == KERNELS_F32 ? 0 : w->in_padded < depth ? w->in_padded : depth;

    return (inputs + rows) * KERNELS_PANEL * sizeof(float);
}

/* A stretch of a panel: inputs [begin, begin + in) of the 32 outputs from `column` on. */
struct gemm_stretch {
    const struct kernels_linear *w;
    size_t column, begin, in;
    const char *stored; /* in w's own type */
    const char *next;   /* what is wanted after it, */
    size_t next_bytes;  /* as long as itself, or 0 */
    float *wide;        /* scratch for [in][32] floats */
    float *sums; /* unfinished ones of all rows, [rows][32]; NULL where there is one stretch */
};

/* Should the first block of rows leave its floats for the others?  Storing and reading them moves
 * four times the bytes of 16-bit weights between two caches, which a few rows wait for; but where
 * widening takes the units that multiply, as Intel's do, many rows would. */
static bool gemm_keeps(enum kernels_dtype dtype, size_t rows)
{
    return (dtype == KERNELS_F16 || dtype == KERNELS_BF16) && rows > 2 * MR &&
           !cpu_features()->widens_aside;
}

/* All rows of a call over one stretch.  Meanwhile they fetch the next one, each a share of it. */
static void gemm_stretch(const struct gemm_stretch *s, const float *packed, size_t rows, size_t row,
                         const struct kernels_epilogue *e)
{
    const struct kernels_linear *w = s->w;
    const size_t groups = KERNELS_PANEL / (NV * VL);            /* of columns, of whole blocks */
    const size_t steps = (rows + MR - 1) / MR * groups * s->in; /* of all micro-kernels */
    const char *next = s->next, *end = s->next + s->next_bytes;
    const bool keep = gemm_keeps(s->w->dtype, rows);
    size_t every = 1;
    float block_sums[MR * KERNELS_PANEL];
    enum kernels_dtype dtype = w->dtype;
    const void *panel = s->stored;

    while (every < 16 && s->next_bytes / GEMM_LINE * every * 2 <= steps) {
        every *= 2;
    }
    if (dtype == KERNELS_Q8) {
        gemm_widen_q8(s->wide, (const int8_t *)s->stored, w->scale + s->column, w->smooth, s->begin,
                      s->in);
        panel = s->wide;
        dtype = KERNELS_F32;
    }
    for (size_t r = 0; r < rows; r += MR) {
        size_t mr = rows - r < MR ? rows - r : MR;
        float *sums = s->sums != NULL ? s->sums + r * KERNELS_PANEL : block_sums;
        const float *x = packed + (row + r) * w->in_padded + s->begin * MR;
        struct gemm_block b = {.in = s->in,
                               .x = x,
                               .w = panel,
                               .wide = keep ? s->wide : NULL,
                               .next = next,
                               .every = next < end ? every : 0,
                               .sums = sums,
                               .sums_stride = KERNELS_PANEL,
                               .go_on = s->begin > 0};
        if (s->begin + s->in == w->in) {
            gemm_fetch_result(e, row + r, s->column, mr);
        }
        next = gemm_columns(b, dtype, mr, KERNELS_PANEL);
        if (s->begin + s->in == w->in) {
            gemm_finish_sums(e, row + r, s->column, w->out, mr, KERNELS_PANEL, sums, KERNELS_PANEL);
        }
        if (keep) {
            panel = s->wide;
            dtype = KERNELS_F32;
        }
    }
}

/* Panels outside, rows inside: a panel is read from memory once and then from cache for each block
 * of rows, which come one behind the other, so that the CPU fetches them by itself. */
static void gemm(const struct kernels_linear *w, size_t panel_begin, size_t panel_end, size_t rows,
                 size_t row_begin, size_t row_end, const void *packed,
                 const struct kernels_epilogue *e, void *scratch)
{
    const size_t input_bytes = KERNELS_PANEL * pack_dtype(w->dtype)->element_bytes;
    const size_t depth = gemm_depth(), most = w->in > depth ? GEMM_ROWS_MOST : row_end;
    const char *panels = w->panels;
    const char *panels_end = panels + w->out_padded / KERNELS_PANEL * w->in_padded * input_bytes;
    float *sums = (float *)scratch + (w->dtype == KERNELS_F32 ? 0 : depth * KERNELS_PANEL);

    (void)rows;
    for (size_t row = row_begin; row < row_end; row += most) {
        for (size_t p = panel_begin; p < panel_end; p++) {
            for (size_t begin = 0; begin < w->in; begin += depth) {
                const size_t left = w->in - begin, in = left < depth ? left : depth;
                const char *stored = panels + (p * w->in_padded + begin) * input_bytes;
                const char *next = left > in ? stored + in * input_bytes
                                             : panels + (p + 1) * w->in_padded * input_bytes;
                struct gemm_stretch s = {.w = w,
                                         .column = p * KERNELS_PANEL,
                                         .begin = begin,
                                         .in = in,
                                         .stored = stored,
                                         .next = next,
                                         .next_bytes = next < panels_end ? in * input_bytes : 0,
                                         .wide = scratch,
                                         .sums = w->in > depth ? sums : NULL};
                gemm_stretch(&s, packed, row_end - row < most ? row_end - row : most, row, e);
            }
        }
    }
}
