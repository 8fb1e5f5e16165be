/* block_tmpl.h - the residual attention block of a tower: forward, and backward by hand.  Included
 * by model_tmpl.h, whose REAL, GEMM, softmax and quick_gelu it uses.
 *
 * Rows are [n * tokens, width]; gradients have the names of their values with d_ in front. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define LN_EPS ((REAL)1e-5)

/* Values of one block that its backward pass needs. */
struct block {
    REAL *x, *ln1,
        *scale1; /* input; normalised input before gain [rows, width]; 1 / deviation [rows] */
    REAL *qkv;   /* [rows, 3 width] */
    REAL *p;     /* [n, heads, tokens, tokens] attention weights */
    REAL *o;     /* [rows, width] */
    REAL *mid, *ln2, *scale2;
    REAL *fc, *act; /* [rows, mlp] */
};

/* Where a block's parameters begin. */
struct places {
    size_t ln1, q, k, v, out, ln2, fc1, fc2; /* weights; biases follow */
};

struct tower {
    struct model_tower t;
    struct places *places; /* [layers] */
    struct block *blocks;  /* [layers] */
    REAL *x;               /* [rows, width] after the last block */
    REAL *pooled, *ln, *scale,
        *normed;                    /* [n, width], [n, width], [n], [n, width]: final LayerNorm */
    REAL *raw, *length;             /* [n, embed], [n] */
    REAL *vectors;                  /* [n, embed] */
    REAL *d_x, *d_a, *d_qkv, *d_fc; /* [rows, width] x2, [rows, 3 width], [rows, mlp] */
    int *rows_of;                   /* [n] the pooled row */
    int n, tokens;                  /* of the last forward pass */
    size_t ln_post, projection;
};

/* ---- Parts --------------------------------------------------------------------------------- */

/* y[m, n] = beta y + op(a) op(b) */
static void gemm(int ta, int tb, int m, int n, int k, const REAL *a, int lda, const REAL *b,
                 int ldb, REAL beta, REAL *y, int ldy)
{
    GEMM(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1,
         a, lda, b, ldb, beta, y, ldy);
}

/* y[rows, out] = x W^T + b; the bias lies behind the weight. */
static void linear(const REAL *w, const REAL *x, int rows, int in, int out, REAL *y, int y_stride,
                   REAL beta)
{
    const REAL *bias = w + (size_t)out * (size_t)in;

    gemm(0, 1, rows, out, in, x, in, w, in, beta, y, y_stride);
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < out; o++) {
            y[r * y_stride + o] += bias[o];
        }
    }
}

/* d_w += d_y^T x, d_b += sum d_y, d_x = beta d_x + d_y W. */
static void linear_back(const REAL *w, REAL *d_w, const REAL *x, const REAL *d_y, int d_stride,
                        int rows, int in, int out, REAL *d_x, REAL beta)
{
    REAL *d_bias = d_w + (size_t)out * (size_t)in;

    gemm(1, 0, out, in, rows, d_y, d_stride, x, in, 1, d_w, in);
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < out; o++) {
            d_bias[o] += d_y[r * d_stride + o];
        }
    }
    gemm(0, 0, rows, in, out, d_y, d_stride, w, in, beta, d_x, in);
}

/* hat = (x - mean) * scale; y = hat * gain + bias (the bias behind the gain). */
static void norm(const REAL *gain, const REAL *x, int rows, int n, REAL *hat, REAL *scale, REAL *y)
{
    for (int r = 0; r < rows; r++, x += n, hat += n, y += n) {
        REAL mean = 0, variance = 0;
        for (int i = 0; i < n; i++) {
            mean += x[i] / (REAL)n;
        }
        for (int i = 0; i < n; i++) {
            variance += (x[i] - mean) * (x[i] - mean) / (REAL)n;
        }
        scale[r] = 1 / (REAL)sqrt((double)(variance + LN_EPS));
        for (int i = 0; i < n; i++) {
            hat[i] = (x[i] - mean) * scale[r];
            y[i] = hat[i] * gain[i] + gain[n + i];
        }
    }
}

/* d_x += the gradient through norm; d_y may not be d_x. */
static void norm_back(const REAL *gain, REAL *d_gain, const REAL *hat, const REAL *scale,
                      const REAL *d_y, int rows, int n, REAL *d_x)
{
    for (int r = 0; r < rows; r++, hat += n, d_y += n, d_x += n) {
        REAL mean = 0, along = 0;
        for (int i = 0; i < n; i++) {
            REAL d = d_y[i] * gain[i];
            d_gain[i] += d_y[i] * hat[i];
            d_gain[n + i] += d_y[i];
            mean += d / (REAL)n;
            along += d * hat[i] / (REAL)n;
        }
        for (int i = 0; i < n; i++) {
            d_x[i] += scale[r] * (d_y[i] * gain[i] - mean - hat[i] * along);
        }
    }
}

static void attention(const struct tower *w, const struct block *b)
{
    int tokens = w->tokens, width = w->t.width, hd = width / w->t.heads;
    REAL scale = 1 / (REAL)sqrt((double)hd);

    for (int i = 0; i < w->n * w->t.heads; i++) {
        size_t row = (size_t)(i / w->t.heads) * (size_t)tokens;
        const REAL *q = b->qkv + row * 3 * (size_t)width + i % w->t.heads * hd;
        REAL *p = b->p + (size_t)i * (size_t)(tokens * tokens);
        gemm(0, 1, tokens, tokens, hd, q, 3 * width, q + width, 3 * width, 0, p, tokens);
        for (int r = 0; r < tokens; r++) {
            REAL *s = p + r * tokens;
            int seen = w->t.causal ? r + 1 : tokens;
            for (int j = 0; j < tokens; j++) {
                s[j] *= j < seen ? scale : 0;
            }
            softmax(s, (size_t)seen);
        }
        gemm(0, 0, tokens, hd, tokens, p, tokens, q + 2 * width, 3 * width, 0,
             b->o + row * (size_t)width + i % w->t.heads * hd, width);
    }
}

/* d_qkv from d_o = w->d_a; `d_p` is scratch of tokens * tokens. */
static void attention_back(const struct tower *w, const struct block *b, REAL *d_p)
{
    int tokens = w->tokens, width = w->t.width, hd = width / w->t.heads;
    REAL scale = 1 / (REAL)sqrt((double)hd);

    for (int i = 0; i < w->n * w->t.heads; i++) {
        size_t row = (size_t)(i / w->t.heads) * (size_t)tokens;
        size_t at = row * 3 * (size_t)width + (size_t)(i % w->t.heads * hd);
        const REAL *q = b->qkv + at, *p = b->p + (size_t)i * (size_t)(tokens * tokens);
        const REAL *d_o = w->d_a + row * (size_t)width + i % w->t.heads * hd;
        REAL *d_q = w->d_qkv + at;
        gemm(1, 0, tokens, hd, tokens, p, tokens, d_o, width, 0, d_q + 2 * width, 3 * width);
        gemm(0, 1, tokens, tokens, hd, d_o, width, q + 2 * width, 3 * width, 0, d_p, tokens);
        for (int r = 0; r < tokens; r++) {
            REAL sum = 0;
            for (int j = 0; j < tokens; j++) {
                sum += d_p[r * tokens + j] * p[r * tokens + j];
            }
            for (int j = 0; j < tokens; j++) {
                d_p[r * tokens + j] = p[r * tokens + j] * (d_p[r * tokens + j] - sum) * scale;
            }
        }
        gemm(0, 0, tokens, hd, tokens, d_p, tokens, q + width, 3 * width, 0, d_q, 3 * width);
        gemm(1, 0, tokens, hd, tokens, d_p, tokens, q, 3 * width, 0, d_q + width, 3 * width);
    }
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static void block_forward(struct tower *w, const REAL *params, int i, REAL *y)
{
    const struct places *at = &w->places[i];
    struct block *b = &w->blocks[i];
    int rows = w->n * w->tokens, width = w->t.width, mlp = w->t.mlp;
    size_t size = (size_t)rows * (size_t)width;

    norm(params + at->ln1, b->x, rows, width, b->ln1, b->scale1, w->d_a);
    linear(params + at->q, w->d_a, rows, width, width, b->qkv, 3 * width, 0);
    linear(params + at->k, w->d_a, rows, width, width, b->qkv + width, 3 * width, 0);
    linear(params + at->v, w->d_a, rows, width, width, b->qkv + 2 * width, 3 * width, 0);
    attention(w, b);
    memcpy(b->mid, b->x, size * sizeof(REAL));
    linear(params + at->out, b->o, rows, width, width, b->mid, width, 1);
    norm(params + at->ln2, b->mid, rows, width, b->ln2, b->scale2, w->d_a);
    linear(params + at->fc1, w->d_a, rows, width, mlp, b->fc, mlp, 0);
    quick_gelu(b->act, b->fc, (size_t)rows * (size_t)mlp);
    memcpy(y, b->mid, size * sizeof(REAL));
    linear(params + at->fc2, b->act, rows, mlp, width, y, width, 1);
}

/* A normalised row's output once more: hat * gain + bias. */
static void renorm(const REAL *gain, const REAL *hat, int rows, int n, REAL *y)
{
    for (int r = 0; r < rows; r++, hat += n, y += n) {
        for (int i = 0; i < n; i++) {
            y[i] = hat[i] * gain[i] + gain[n + i];
        }
    }
}

/* w->d_x: the gradient of the block's output becomes that of its input. */
static void block_backward(struct tower *w, const REAL *params, REAL *grads, int i, REAL *scratch)
{
    const struct places *at = &w->places[i];
    struct block *b = &w->blocks[i];
    int rows = w->n * w->tokens, width = w->t.width, mlp = w->t.mlp;

    linear_back(params + at->fc2, grads + at->fc2, b->act, w->d_x, width, rows, mlp, width, w->d_fc,
                0);
    for (size_t j = 0; j < (size_t)rows * (size_t)mlp; j++) {
        REAL x = b->fc[j], s = x != 0 ? b->act[j] / x : (REAL)0.5; /* act = x sigmoid(1.702 x) */
        w->d_fc[j] *= s + (REAL)1.702 * x * s * (1 - s);
    }
    renorm(params + at->ln2, b->ln2, rows, width, scratch);
    linear_back(params + at->fc1, grads + at->fc1, scratch, w->d_fc, mlp, rows, width, mlp, w->d_a,
                0);
    norm_back(params + at->ln2, grads + at->ln2, b->ln2, b->scale2, w->d_a, rows, width, w->d_x);

    linear_back(params + at->out, grads + at->out, b->o, w->d_x, width, rows, width, width, w->d_a,
                0);
    attention_back(w, b, scratch);
    renorm(params + at->ln1, b->ln1, rows, width, scratch);
    linear_back(params + at->q, grads + at->q, scratch, w->d_qkv, 3 * width, rows, width, width,
                w->d_a, 0);
    linear_back(params + at->k, grads + at->k, scratch, w->d_qkv + width, 3 * width, rows, width,
                width, w->d_a, 1);
    linear_back(params + at->v, grads + at->v, scratch, w->d_qkv + 2 * width, 3 * width, rows,
                width, width, w->d_a, 1);
    norm_back(params + at->ln1, grads + at->ln1, b->ln1, b->scale1, w->d_a, rows, width, w->d_x);
}
