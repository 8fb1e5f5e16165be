/* attention_tmpl.h - one head of one sequence, by gemm's micro-kernel:
 *
 *     y = softmax(scale q k^T) v      Vaswani et al. 2017, equation 1; scale = 1 / sqrt(head_dim)
 *
 * Keys are laid out as panels [rows / 32][head_dim][32] and values as panels [head_dim /
 * 32][rows][32], as weights are; then, for MR queries at a time: scores, softmax, weighted sum.  A
 * causal row i takes its softmax over keys 0 .. i and weighs the rest with exact zeros, so it has
 * the same bits whether later keys exist or not.  (The references add a mask of -inf, openai/CLIP's
 * build_attention_mask; e^-inf is the same zero.)
 *
 * The scores of a block are written down whole, [MR, rows] floats: 14 KB for ViT-L/14 at 336 pixels
 * with AVX2.  Sequences of thousands would want the softmax that is corrected as it goes (Milakov &
 * Gimelshein 2018; Dao et al. 2022, FlashAttention); for CLIP's 50 to 577 rows it saves nothing. */

/* Up to whole panels. */
static size_t attention_pad(size_t n)
{
    return (n + KERNELS_PANEL - 1) / KERNELS_PANEL * KERNELS_PANEL;
}

/* Sums of MR queries: of their scores, or of the weighted values. */
static size_t attention_sums(size_t rows, size_t head_dim)
{
    return attention_pad(rows > head_dim ? rows : head_dim) * MR;
}

/* The five buffers of attention(), in its order; 16 floats more for each, which begins at a
 * multiple of 16. */
static size_t attention_scratch(size_t rows, size_t head_dim)
{
    size_t keys = attention_pad(rows) * head_dim, values = attention_pad(head_dim) * rows;
    size_t queries = head_dim * MR, scores = attention_sums(rows, head_dim), weights = rows * MR;

    return (keys + values + queries + scores + weights + 5 * 16) * sizeof(float);
}

/* panels[j / 32][i][j % 32] = k[j][i]: as the weights of a layer whose outputs are the keys and
 * whose inputs are the head's dimensions, so that scores are q K^T by gemm.  Keys behind the last
 * are zeros, whose scores are not looked at.  A transposition, as act_block is. */
static void attention_pack_keys(float *panels, const struct kernels_attention *a)
{
    for (size_t j = 0; j < attention_pad(a->rows); j += VL) {
        float *to = panels + j / KERNELS_PANEL * KERNELS_PANEL * a->head_dim + j % KERNELS_PANEL;
        for (size_t i = 0; i < a->head_dim; i += VL) {
            size_t m = a->head_dim - i < VL ? a->head_dim - i : VL;
            vec t[VL];
            for (size_t k = 0; k < VL; k++) {
                t[k] = j + k < a->rows ? load_n(a->k + (j + k) * a->stride + i, m) : v_zero();
            }
            v_transpose(t);
            for (size_t k = 0; k < m; k++) {
                v_store(to + (i + k) * KERNELS_PANEL, t[k]);
            }
        }
    }
}

/* panels[i / 32][j][i % 32] = v[j][i]: outputs are the head's dimensions, inputs the keys.  So the
 * weighted sum is over j, in the order of the keys. */
static void attention_pack_values(float *panels, const struct kernels_attention *a)
{
    for (size_t i = 0; i < attention_pad(a->head_dim); i += VL) {
        float *to = panels + i / KERNELS_PANEL * KERNELS_PANEL * a->rows + i % KERNELS_PANEL;
        size_t left = i < a->head_dim ? a->head_dim - i : 0;
        for (size_t j = 0; j < a->rows; j++) {
            const float *v = a->v + j * a->stride + i;
            v_store(to + j * KERNELS_PANEL, left >= VL ? v_load(v) : v_load_part(v, left));
        }
    }
}

/* sums[mr, stride] = x W^T over all panels of an [n, in] matrix; up to whole panels are written.
 * x: [in][MR] as packed activations.  A panel holds panel_in inputs, of which the first `in` are
 * summed: under a causal mask a block needs the keys up to its last row only.  Everything is in
 * cache: nothing is fetched ahead. */
static void attention_gemm(const float *x, const float *panels, size_t in, size_t panel_in,
                           size_t n, size_t mr, float *sums, size_t stride)
{
    for (size_t p = 0; p < n; p += KERNELS_PANEL) {
        const float *panel = panels + p * panel_in;
        struct gemm_block b = {.in = in,
                               .x = x,
                               .w = panel,
                               .next = (const char *)panel,
                               .sums = sums + p,
                               .sums_stride = stride};
        gemm_columns(b, KERNELS_F32, mr, n - p < KERNELS_PANEL ? n - p : KERNELS_PANEL);
    }
}

/* MR queries at a time.  They are scaled while they are packed: head_dim products for each, where
 * scaling the scores would be one for each key.  Under a causal mask the block's scores reach to
 * its last row (`seen`), so that the upper triangle is hardly computed: half of the work.  Weights
 * are packed [seen][MR], the form in which gemm takes its left side. */
static void attention(const struct kernels_attention *a, void *scratch)
{
    size_t pad = attention_pad(a->rows), wide = attention_pad(a->head_dim);
    float *keys = scratch;
    float *values = keys + (pad * a->head_dim + 15) / 16 * 16;
    float *queries = values + (wide * a->rows + 15) / 16 * 16;
    float *scores = queries + (a->head_dim * MR + 15) / 16 * 16;
    float *weights = scores + (attention_sums(a->rows, a->head_dim) + 15) / 16 * 16;

    /* Once for all queries: 2 rows * head_dim floats moved for 2 rows * rows * head_dim
     * products. */
    attention_pack_keys(keys, a);
    attention_pack_values(values, a);
    for (size_t row = 0; row < a->queries; row += MR) {
        size_t mr = a->queries - row < MR ? a->queries - row : MR;
        size_t first = a->first_query + row;            /* position of the block's first query */
        size_t seen = a->causal ? first + mr : a->rows; /* keys that some query of it sees */

        struct act_rows block = {.x = a->q + row * a->q_stride, .stride = a->q_stride, .mr = mr};
        act_block(queries, &block, a->head_dim);
        for (size_t i = 0; i < a->head_dim * MR; i += VL) {
            size_t m = a->head_dim * MR - i < VL ? a->head_dim * MR - i : VL;
            store_n(queries + i, m, v_mul(load_n(queries + i, m), v_set1(a->scale)));
        }
        /* scores[mr, seen] = scale q k^T */
        attention_gemm(queries, keys, a->head_dim, a->head_dim, seen, mr, scores, pad);
        /* weights = softmax of each row over the keys that it sees, turned into [seen][MR] */
        for (size_t r = 0; r < mr; r++) {
            size_t n = a->causal ? first + r + 1 : a->rows;
            softmax(scores + r * pad, scores + r * pad, n);
            memset(scores + r * pad + n, 0, (seen - n) * sizeof *scores);
        }
        block = (struct act_rows){.x = scores, .stride = pad, .mr = mr};
        act_block(weights, &block, seen);
        /* y[mr, head_dim] = weights v */
        attention_gemm(weights, values, seen, a->rows, a->head_dim, mr, scores, wide);
        for (size_t r = 0; r < mr; r++) {
            memcpy(a->y + (row + r) * a->y_stride, scores + r * wide, a->head_dim * sizeof(float));
        }
    }
}
