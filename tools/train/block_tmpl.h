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
    size_t ln1, qkv, out, ln2, fc1, fc2; /* weights; biases follow */
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
    REAL *d_raw, *d_normed;         /* [n, embed + width], [n, width] */
    REAL *scratch;                  /* [rows, width] or [tokens, tokens] */
    int *rows_of;                   /* [n] the pooled row */
    int n, tokens;                  /* of the last forward pass */
    size_t ln_post, projection;
};

static REAL *take(size_t n)
{
    REAL *p = calloc(n + 1, sizeof *p);

    if (p == NULL) {
        fprintf(stderr, "clipc-train: out of memory\n");
        exit(1);
    }
    return p;
}

/* ---- Parts --------------------------------------------------------------------------------- */

/* y[m, n] = beta y + alpha op(a) op(b) */
static void gemm(int ta, int tb, int m, int n, int k, REAL alpha, const REAL *a, int lda,
                 const REAL *b, int ldb, REAL beta, REAL *y, int ldy)
{
    GEMM(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k,
         alpha, a, lda, b, ldb, beta, y, ldy);
}

/* y[rows, out] = x W^T + b, and `more` [rows, out] unless that is NULL; the bias lies behind the
 * weight. */
static void linear(const REAL *w, const REAL *x, int rows, int in, int out, const REAL *more,
                   REAL *y)
{
    const REAL *bias = w + (size_t)out * (size_t)in;

    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < out; o++) {
            y[r * out + o] = more == NULL ? bias[o] : bias[o] + more[r * out + o];
        }
    }
    gemm(0, 1, rows, out, in, 1, x, in, w, in, 1, y, out);
}

/* d_w += d_y^T x, d_b += sum d_y, d_x = d_y W. */
static void linear_back(const REAL *w, REAL *d_w, const REAL *x, const REAL *d_y, int rows, int in,
                        int out, REAL *d_x)
{
    REAL *d_bias = d_w + (size_t)out * (size_t)in;

    gemm(1, 0, out, in, rows, 1, d_y, out, x, in, 1, d_w, in);
    for (int r = 0; r < rows; r++) {
        for (int o = 0; o < out; o++) {
            d_bias[o] += d_y[r * out + o];
        }
    }
    gemm(0, 0, rows, in, out, 1, d_y, out, w, in, 0, d_x, in);
}

/* hat = (x - mean) * scale; y = hat * gain + bias (the bias behind the gain). */
static void norm(const REAL *gain, const REAL *x, int rows, int n, REAL *hat, REAL *scale, REAL *y)
{
    for (int r = 0; r < rows; r++, x += n, hat += n, y += n) {
        REAL mean = 0, variance = 0;
        for (int i = 0; i < n; i++) {
            mean += x[i];
        }
        mean /= (REAL)n;
        for (int i = 0; i < n; i++) {
            variance += (x[i] - mean) * (x[i] - mean);
        }
        scale[r] = 1 / (REAL)sqrt((double)(variance / (REAL)n + LN_EPS));
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
            mean += d;
            along += d * hat[i];
        }
        mean /= (REAL)n;
        along /= (REAL)n;
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
        gemm(0, 1, tokens, tokens, hd, scale, q, 3 * width, q + width, 3 * width, 0, p, tokens);
        for (int r = 0; r < tokens; r++) {
            REAL *s = p + r * tokens;
            int seen = w->t.causal ? r + 1 : tokens;
            softmax(s, (size_t)seen);
            memset(s + seen, 0, (size_t)(tokens - seen) * sizeof(REAL));
        }
        gemm(0, 0, tokens, hd, tokens, 1, p, tokens, q + 2 * width, 3 * width, 0,
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
        gemm(1, 0, tokens, hd, tokens, 1, p, tokens, d_o, width, 0, d_q + 2 * width, 3 * width);
        gemm(0, 1, tokens, tokens, hd, 1, d_o, width, q + 2 * width, 3 * width, 0, d_p, tokens);
        for (int r = 0; r < tokens; r++) {
            REAL sum = 0;
            for (int j = 0; j < tokens; j++) {
                sum += d_p[r * tokens + j] * p[r * tokens + j];
            }
            for (int j = 0; j < tokens; j++) {
                d_p[r * tokens + j] = p[r * tokens + j] * (d_p[r * tokens + j] - sum);
            }
        }
        gemm(0, 0, tokens, hd, tokens, scale, d_p, tokens, q + width, 3 * width, 0, d_q, 3 * width);
        gemm(1, 0, tokens, hd, tokens, scale, d_p, tokens, q, 3 * width, 0, d_q + width, 3 * width);
    }
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static void block_forward(struct tower *w, const REAL *params, int i, REAL *y)
{
    const struct places *at = &w->places[i];
    struct block *b = &w->blocks[i];
    int rows = w->n * w->tokens, width = w->t.width, mlp = w->t.mlp;

    norm(params + at->ln1, b->x, rows, width, b->ln1, b->scale1, w->d_a);
    linear(params + at->qkv, w->d_a, rows, width, 3 * width, NULL, b->qkv);
    attention(w, b);
    linear(params + at->out, b->o, rows, width, width, b->x, b->mid);
    norm(params + at->ln2, b->mid, rows, width, b->ln2, b->scale2, w->d_a);
    linear(params + at->fc1, w->d_a, rows, width, mlp, NULL, b->fc);
    quick_gelu(b->act, b->fc, (size_t)rows * (size_t)mlp);
    linear(params + at->fc2, b->act, rows, mlp, width, b->mid, y);
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

    linear_back(params + at->fc2, grads + at->fc2, b->act, w->d_x, rows, mlp, width, w->d_fc);
    for (size_t j = 0; j < (size_t)rows * (size_t)mlp; j++) {
        REAL x = b->fc[j], s = x != 0 ? b->act[j] / x : (REAL)0.5; /* act = x sigmoid(1.702 x) */
        w->d_fc[j] *= s + (REAL)1.702 * x * s * (1 - s);
    }
    renorm(params + at->ln2, b->ln2, rows, width, scratch);
    linear_back(params + at->fc1, grads + at->fc1, scratch, w->d_fc, rows, width, mlp, w->d_a);
    norm_back(params + at->ln2, grads + at->ln2, b->ln2, b->scale2, w->d_a, rows, width, w->d_x);

    linear_back(params + at->out, grads + at->out, b->o, w->d_x, rows, width, width, w->d_a);
    attention_back(w, b, scratch);
    renorm(params + at->ln1, b->ln1, rows, width, scratch);
    linear_back(params + at->qkv, grads + at->qkv, scratch, w->d_qkv, rows, width, 3 * width,
                w->d_a);
    norm_back(params + at->ln1, grads + at->ln1, b->ln1, b->scale1, w->d_a, rows, width, w->d_x);
}
