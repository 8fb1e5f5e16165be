/* attention_tmpl.h - one head of one sequence, by gemm's micro-kernel.
 *
 * Keys are laid out as panels [rows / 32][head_dim][32] and values as panels [head_dim /
 * 32][rows][32], as weights are; then, for MR queries at a time: scores, softmax, weighted sum.  A
 * causal row i takes its softmax over keys 0 .. i and weighs the rest with exact zeros, so it has
 * the same bits whether later keys exist or not. */

static size_t attention_pad(size_t n)
{
    return (n + KERNELS_PANEL - 1) / KERNELS_PANEL * KERNELS_PANEL;
}

static size_t attention_scratch(size_t rows, size_t head_dim)
{
    size_t keys = attention_pad(rows) * head_dim, values = attention_pad(head_dim) * rows;
    size_t queries = head_dim * MR, scores = attention_pad(rows) * MR, weights = rows * MR;

    return (keys + values + queries + scores + weights + 5 * 16) * sizeof(float);
}

static void attention_pack_keys(float *panels, const struct kernels_attention *a)
{
    for (size_t j = 0; j < attention_pad(a->rows); j++) {
        float *to = panels + j / KERNELS_PANEL * KERNELS_PANEL * a->head_dim + j % KERNELS_PANEL;
        for (size_t i = 0; i < a->head_dim; i++) {
            to[i * KERNELS_PANEL] = j < a->rows ? a->k[j * a->stride + i] : 0;
        }
    }
}

static void attention_pack_values(float *panels, const struct kernels_attention *a)
{
    for (size_t p = 0; p < attention_pad(a->head_dim); p += KERNELS_PANEL) {
        for (size_t j = 0; j < a->rows; j++) {
            float *to = panels + p * a->rows + j * KERNELS_PANEL;
            for (size_t i = 0; i < KERNELS_PANEL; i++) {
                to[i] = p + i < a->head_dim ? a->v[j * a->stride + p + i] : 0;
            }
        }
    }
}

/* y[rows of the block, n] = x W^T over all panels of an [n, in] matrix. */
static void attention_gemm(const float *x, const float *panels, size_t in, size_t panel_in,
                           size_t n, size_t mr, float *y, size_t y_stride)
{
    struct kernels_epilogue e = {.y = y, .y_stride = y_stride, .activation = KERNELS_LINEAR};
    struct gemm_ahead none = {panels, 0};

    for (size_t p = 0; p < n; p += KERNELS_PANEL) {
        for (size_t c = 0; c < KERNELS_PANEL; c += NV * VL) {
            gemm_rows[mr](in, x, panels + p * panel_in + c, &none, &e, 0, p + c, n);
        }
    }
}

static void attention(const struct kernels_attention *a, void *scratch)
{
    size_t pad = attention_pad(a->rows);
    float *keys = scratch;
    float *values = keys + (pad * a->head_dim + 15) / 16 * 16;
    float *queries = values + (attention_pad(a->head_dim) * a->rows + 15) / 16 * 16;
    float *scores = queries + (a->head_dim * MR + 15) / 16 * 16;
    float *weights = scores + (pad * MR + 15) / 16 * 16;

    attention_pack_keys(keys, a);
    attention_pack_values(values, a);
    for (size_t row = 0; row < a->rows; row += MR) {
        size_t mr = a->rows - row < MR ? a->rows - row : MR;
        size_t seen = a->causal ? row + mr : a->rows; /* keys that some row of the block sees */

        for (size_t r = 0; r < mr; r++) {
            for (size_t i = 0; i < a->head_dim; i++) {
                queries[i * MR + r] = a->q[(row + r) * a->stride + i] * a->scale;
            }
        }
        attention_gemm(queries, keys, a->head_dim, a->head_dim, seen, mr, scores, pad);
        for (size_t r = 0; r < mr; r++) {
            size_t n = a->causal ? row + r + 1 : a->rows;
            softmax(scores + r * pad, scores + r * pad, n);
            for (size_t j = 0; j < seen; j++) {
                weights[j * MR + r] = j < n ? scores[r * pad + j] : 0;
            }
        }
        attention_gemm(weights, values, seen, a->rows, a->head_dim, mr, a->y + row * a->y_stride,
                       a->y_stride);
    }
}
