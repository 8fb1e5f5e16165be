/* optimizer.c - a step of the weights from the sum of the workers' gradients: Muon for matrices,
 * AdamW for the rest, one task for each tensor. */
#include "optimizer.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"

#define WARM_UP   200
#define DECAY     0.1f
#define BETA1     0.9f
#define BETA2     0.98f
#define CLIP_NORM 1.0
#define AVERAGE   0.999 /* of the exported weights */
#define MOMENTUM  0.95f /* Muon's */

struct step {
    struct train *t;
    float *const *grads;
    int n;
    double *squares; /* [tensors] of the summed gradient */
    float clip, muon_rate, adam_rate, correct1, correct2, keep;
};

/* ---- Muon ---------------------------------------------------------------------------------- */

static void product(int m, int n, int k, float alpha, const float *a, enum CBLAS_TRANSPOSE tb,
                    const float *b, float beta, float *y)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, tb, m, n, k, alpha, a, k, b, tb == CblasTrans ? k : n,
                beta, y, n);
}

/* x [m, n], m <= n and of Frobenius norm 1, towards the nearest matrix with orthonormal rows: five
 * steps of a Newton-Schulz iteration of degree 5.  room: [2 m m + m n]. */
static void orthonormalise(float *x, int m, int n, float *room)
{
    size_t square = (size_t)(m * m), size = (size_t)(m * n);
    float *a = room, *b = a + square, *y = b + square;

    for (int i = 0; i < 5; i++) {
        product(m, m, n, 1, x, CblasTrans, x, 0, a);
        memcpy(b, a, square * sizeof *b);
        product(m, m, m, 2.0315f, a, CblasNoTrans, a, -4.7750f, b);
        memcpy(y, x, size * sizeof *y);
        product(m, n, m, 1, b, CblasNoTrans, x, 3.4445f, y);
        memcpy(x, y, size * sizeof *x);
    }
}

static void muon(const struct step *s, const struct model_tensor *p, const float *g, float *w,
                 float *momentum)
{
    int rows = (int)p->rows, cols = (int)p->cols, m = rows < cols ? rows : cols;
    int n = rows < cols ? cols : rows;
    size_t size = p->rows * p->cols;
    float *x = need_memory(malloc((2 * size + 2 * (size_t)(m * m)) * sizeof *x));
    double sum = 0;

    for (size_t i = 0; i < size; i++) {
        momentum[i] = MOMENTUM * momentum[i] + g[i];
        float u = g[i] + MOMENTUM * momentum[i];
        size_t at = rows <= cols ? i : i % p->cols * p->rows + i / p->cols; /* transposed */
        x[at] = u;
        sum += (double)u * (double)u;
    }
    float scale = (float)(1 / (sqrt(sum) + 1e-20));
    for (size_t i = 0; i < size; i++) {
        x[i] *= scale;
    }
    orthonormalise(x, m, n, x + size);
    float rate = s->muon_rate, stretch = rows > cols ? (float)sqrt((double)rows / cols) : 1;
    for (size_t i = 0; i < size; i++) {
        size_t at = rows <= cols ? i : i % p->cols * p->rows + i / p->cols;
        w[i] -= rate * (stretch * x[at] + DECAY * w[i]);
    }
    free(x);
}

/* ---- AdamW --------------------------------------------------------------------------------- */

static void adamw(const struct step *s, const struct model_tensor *p, const float *restrict g,
                  float *restrict w, float *restrict first, float *restrict second)
{
    float decay = p->decay ? DECAY : 0;

    for (size_t i = 0; i < p->rows * p->cols; i++) {
        float d = g[i] * s->clip;
        first[i] = BETA1 * first[i] + (1 - BETA1) * d;
        second[i] = BETA2 * second[i] + (1 - BETA2) * d * d;
        float step = first[i] * s->correct1 / (sqrtf(second[i] * s->correct2) + 1e-8f);
        w[i] -= s->adam_rate * (step + decay * w[i]);
    }
}

/* ---- A tensor a task ----------------------------------------------------------------------- */

static void sum_tensor(void *arg, size_t k, int worker)
{
    const struct step *s = arg;
    const struct model_tensor *p = &s->t->layout.tensors[k];
    size_t size = p->rows * p->cols;
    float *restrict sum = s->grads[0] + p->offset;
    double square = 0;

    (void)worker;
    for (int i = 1; i < s->n; i++) {
        const float *restrict g = s->grads[i] + p->offset;
        for (size_t j = 0; j < size; j++) {
            sum[j] += g[j];
        }
    }
    for (size_t j = 0; j < size; j++) {
        square += (double)sum[j] * (double)sum[j];
    }
    s->squares[k] = square;
}

static void step_tensor(void *arg, size_t k, int worker)
{
    const struct step *s = arg;
    struct train *t = s->t;
    const struct model_tensor *p = &t->layout.tensors[k];
    size_t at = p->offset;
    const float *restrict w = t->params + at;
    float *restrict average = t->average + at;

    (void)worker;
    if (p->of_block) {
        muon(s, p, s->grads[0] + at, t->params + at, t->first + at);
    } else {
        adamw(s, p, s->grads[0] + at, t->params + at, t->first + at, t->second + at);
    }
    for (size_t i = 0; i < p->rows * p->cols; i++) {
        average[i] += (1 - s->keep) * (w[i] - average[i]);
    }
}

/* Both rates fall on one line to zero, after a linear warm-up. */
static void set_rates(struct step *s)
{
    const struct train *t = s->t;
    double left = 1 - (double)t->step / t->o.steps;
    double warm = fmin(1, (t->step + 1.0) / WARM_UP);

    s->muon_rate = (float)(TRAIN_MUON_RATE * left * warm);
    s->adam_rate = (float)(TRAIN_ADAM_RATE * left * warm);
    s->correct1 = (float)(1 / (1 - pow((double)BETA1, t->step + 1)));
    s->correct2 = (float)(1 / (1 - pow((double)BETA2, t->step + 1)));
    s->keep =
        t->step < 1000 ? (float)fmin(AVERAGE, (1.0 + t->step) / (10 + t->step)) : (float)AVERAGE;
}

void optimizer_step(struct train *t, struct threads_pool *pool, float *const *grads, int n)
{
    size_t tensors = (size_t)t->layout.n, scale_at = model_offset(&t->layout, "logit_scale");
    struct step s = {.t = t, .grads = grads, .n = n};
    double square = 0;

    s.squares = need_memory(malloc(tensors * sizeof *s.squares));
    threads_parallel_for(pool, tensors, sum_tensor, &s);
    for (size_t k = 0; k < tensors; k++) {
        square += s.squares[k];
    }
    s.clip = (float)fmin(1, CLIP_NORM / (sqrt(square) + 1e-20));
    set_rates(&s);
    threads_parallel_for(pool, tensors, step_tensor, &s);
    if (t->params[scale_at] > (float)log(100)) {
        t->params[scale_at] = (float)log(100);
    }
    free(s.squares);
}
