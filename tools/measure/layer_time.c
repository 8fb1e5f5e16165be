/* layer_time.c - what one layer takes.  Weights come from memory, as in a forward pass of a model
 * that is larger than the caches: each call takes the next of many copies.  Sets and precisions
 * take turns within each round, so that what else the machine does hits all of them alike.  On one
 * thread what counts is the thread's CPU time, on several the clock on the wall. */
#include "layer_time.h"

#include <string.h>

#include "../../kernels/cpu.h"
#include "../../kernels/pack.h"
#include "../../src/base/base.h"

enum { ROUNDS_LEAST = 3 };

static const double layer_seconds = 0.1; /* for all variants; ROUNDS_LEAST however long they take */

/* Twice the last cache, within bounds: the largest layer, 26 MB times 4 bytes, must fit. */
static size_t bank_bytes(void)
{
    const size_t least = (size_t)128 << 20, most = (size_t)256 << 20;
    size_t twice = base_round_up(2 * cpu_features()->l3, 64);

    return twice < least ? least : twice > most ? most : twice;
}

/* Bytes of 0x38 to 0x3c are small, finite numbers in every type of weights. */
bool layer_bank_new(struct layer_bank *bank)
{
    bank->bytes = bank_bytes();
    bank->weights = base_alloc(bank->bytes);
    for (size_t i = 0; bank->weights != NULL && i < bank->bytes; i++) {
        bank->weights[i] = (unsigned char)(0x38 + i * 7 % 5);
    }
    return bank->weights != NULL;
}

/* ---- One layer's memory -------------------------------------------------------------------- */

void layer_job_free(struct layer_job *job)
{
    for (size_t v = 0; v < job->n; v++) {
        base_free(job->variants[v].engine.packed);
        base_free(job->variants[v].engine.scratch);
        base_free(job->variants[v].prepared);
    }
    base_free(job->x);
    base_free(job->y);
    base_free(job->bias);
    base_free(job->scale);
}

static bool is_own(const struct bench_set *set, const struct kernels_gemm *gemm)
{
    for (size_t i = 0; set->own->gemms != NULL && set->own->gemms[i] != NULL; i++) {
        if (set->own->gemms[i] == gemm) {
            return true;
        }
    }
    return false;
}

/* A copy of the weights is at the least as large as a layer is: it may be the only one. */
static bool add_variant(struct layer_job *job, const struct layer_bank *bank,
                        const struct bench_set *set, const struct kernels_linear *w,
                        enum kernels_precision precision)
{
    const struct kernels_gemm *gemm = kernels_choose(&set->k, w, precision);
    struct layer_variant *v = &job->variants[job->n];

    if (gemm == NULL || !is_own(set, gemm) ||
        (precision == KERNELS_FAST && gemm == kernels_choose(&set->k, w, KERNELS_EXACT))) {
        return true;
    }
    job->n++;
    *v = (struct layer_variant){.set = set,
                                .precision = precision == KERNELS_FAST ? "fast" : "exact",
                                .linear = {.w = *w, .gemm = gemm, .bias = job->bias}};
    v->engine.k = set->k;
    v->engine.pool = bank->pool;
    v->engine.scratch_bytes = base_round_up(gemm->gemm_scratch(w), 4096);
    v->engine.packed = base_alloc(gemm->act_bytes(w, job->layer->rows));
    v->engine.scratch = base_alloc((size_t)bank->threads * v->engine.scratch_bytes);
    size_t bytes =
        gemm->weight_bytes != NULL ? gemm->weight_bytes(w) : pack_bytes(w->dtype, w->out, w->in);
    bytes = base_round_up(bytes, 64);
    v->copies = bank->bytes / bytes > 0 ? bank->bytes / bytes : 1;
    if (gemm->weight_prepare != NULL) {
        v->prepared = base_alloc(v->copies * bytes);
        for (size_t i = 0; v->prepared != NULL && i < v->copies; i++) {
            gemm->weight_prepare(w, v->prepared + i * bytes);
        }
    }
    return v->engine.packed != NULL && v->engine.scratch != NULL &&
           (gemm->weight_prepare == NULL || v->prepared != NULL);
}

bool layer_job_new(struct layer_job *job, const struct bench *bench, const struct layer_bank *bank,
                   const struct shape_layer *l, enum kernels_dtype dtype)
{
    struct kernels_linear w = {.in = (uint32_t)l->in,
                               .out = (uint32_t)l->out,
                               .dtype = dtype,
                               .panels = bank->weights,
                               .in_padded = (uint32_t)base_round_up(l->in, KERNELS_PAD),
                               .out_padded = (uint32_t)base_round_up(l->out, KERNELS_PANEL)};
    int wanted = bench->cli->session.precision;
    bool good;

    memset(job, 0, sizeof *job);
    job->layer = l;
    job->x = base_alloc(l->rows * w.in_padded * sizeof(float));
    job->y = base_alloc(l->rows * w.out_padded * sizeof(float));
    job->bias = base_alloc(w.out_padded * sizeof(float)); /* zeros, and so are q8's sums */
    job->scale = base_alloc(w.out_padded * sizeof(float));
    good = job->x != NULL && job->y != NULL && job->bias != NULL && job->scale != NULL;
    for (size_t i = 0; good && i < l->rows * w.in_padded; i++) {
        job->x[i] = (float)(i % 17) - 8;
    }
    for (size_t o = 0; good && o < w.out_padded; o++) {
        job->scale[o] = 0.01f;
    }
    w.scale = job->scale;
    w.sums = (const int32_t *)(const void *)job->bias;
    for (size_t s = 0; good && s < bench->n; s++) {
        for (enum kernels_precision p = KERNELS_EXACT; good && p <= KERNELS_FAST; p++) {
            good =
                (wanted != 0 && wanted != (int)p) || add_variant(job, bank, &bench->sets[s], &w, p);
        }
    }
    if (!good) {
        layer_job_free(job);
    }
    return good;
}

/* ---- Timing -------------------------------------------------------------------------------- */

static double now(const struct layer_bank *bank)
{
    return bank->threads == 1 ? roof_cpu_seconds() : base_seconds();
}

/* The layer once, with the next copy of its weights: seconds. */
static double once(const struct layer_job *job, struct layer_variant *v, struct layer_bank *bank)
{
    const struct shape_layer *l = job->layer;
    struct kernels_linear *w = &v->linear.w;
    const struct rows x = {job->x, w->in_padded}, y = {job->y, w->out_padded};
    size_t copy = bank->next++ % v->copies;

    if (v->prepared != NULL) {
        w->prepared = v->prepared + copy * base_round_up(v->linear.gemm->weight_bytes(w), 64);
    } else {
        w->panels = bank->weights + copy * base_round_up(pack_bytes(w->dtype, w->out, w->in), 64);
    }
    double start = now(bank);
    if (l->residual) {
        engine_linear_add(&v->engine, &v->linear, x, l->rows, y);
    } else {
        engine_linear(&v->engine, &v->linear, NULL, x, l->rows, l->activation, y);
    }
    return now(bank) - start;
}

/* The rounds that it took. */
size_t layer_job_time(struct layer_job *job, struct layer_bank *bank)
{
    double spent = 0;
    size_t rounds = 0;

    for (size_t v = 0; v < job->n; v++) {
        once(job, &job->variants[v], bank);
    }
    while (rounds < LAYER_ROUNDS && (rounds < ROUNDS_LEAST || spent < layer_seconds)) {
        for (size_t v = 0; v < job->n; v++) {
            double t = once(job, &job->variants[v], bank);
            job->variants[v].times[rounds] = t;
            spent += t;
        }
        rounds++;
    }
    return rounds;
}

double layer_bytes(const struct layer_variant *v, const struct shape_layer *l)
{
    const struct kernels_linear *w = &v->linear.w;
    size_t weights =
        v->prepared != NULL ? v->linear.gemm->weight_bytes(w) : pack_bytes(w->dtype, w->out, w->in);

    return (double)weights +
           4.0 * (double)l->rows * ((double)l->in + (double)l->out * (l->residual ? 2 : 1));
}
