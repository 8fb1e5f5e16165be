/* Every kernel of every set this CPU has, forced one by one, against plain loops in double, on
 * buffers that touch unreadable pages; and the choice of sets and of gemms. */
#include "../kernels/kernels.h"
#include "../kernels/pack.h"
#include "check.h"

/* Bound of a reduction over up to 1024 terms: |got - want| <= EPS * sum |a||b|.  One float rounding
 * for each of k terms in sequence is at most k * 2^-24 and in practice sqrt(k) * 2^-24.  (A gemm
 * states its own.) */
#define EPS 0x1p-19

extern const struct kernels kernels_emulated; /* emulated.c */

static uint64_t seed = 1;

static float *floats(size_t n, float scale, bool before)
{
    float *p = check_guarded(n * sizeof(float), before);
    for (size_t i = 0; i < n; i++) {
        p[i] = scale * check_uniform(&seed);
    }
    return p;
}

static double gelu(double x, enum kernels_activation a)
{
    switch (a) {
    case KERNELS_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case KERNELS_GELU_ERF:
        return 0.5 * x * erfc(-x / sqrt(2));
    case KERNELS_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    default:
        return x;
    }
}

static void oracle_norm(double *y, const float *x, size_t n, const struct kernels_layer_norm *ln)
{
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++) {
        mean += x[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        variance += (x[i] - mean) * (x[i] - mean) / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        y[i] = (x[i] - mean) / sqrt(variance + (double)ln->eps) * ln->gamma[i] + ln->beta[i];
    }
}

struct layer {
    struct kernels_linear w;
    float *values; /* [out, in] as the panels hold them */
    float *bias;   /* [out_padded] */
};

static struct kernels_linear shape(size_t out, size_t in, enum kernels_dtype dtype)
{
    return (struct kernels_linear){.in = (uint32_t)in,
                                   .out = (uint32_t)out,
                                   .dtype = dtype,
                                   .in_padded = (uint32_t)((in + 63) / 64 * 64),
                                   .out_padded = (uint32_t)((out + 31) / 32 * 32)};
}

/* Rows of random floats as the panels hold them. */
static void fill_floats(struct layer *l, void *panels)
{
    enum kernels_dtype dtype = l->w.dtype;
    size_t in = l->w.in;
    uint16_t *half = malloc(in * 2);

    for (size_t o = 0; o < l->w.out; o++) {
        float *row = l->values + o * in;
        for (size_t i = 0; i < in; i++) {
            float x = check_uniform(&seed);
            half[i] = dtype == KERNELS_BF16 ? pack_f32_to_bf16(x) : pack_f32_to_f16(x);
            row[i] = dtype == KERNELS_F32   ? x
                     : dtype == KERNELS_F16 ? pack_f16_to_f32(half[i])
                                            : pack_bf16_to_f32(half[i]);
        }
        pack_row(panels, dtype, in, o, dtype == KERNELS_F32 ? row : (void *)half);
    }
    free(half);
}

/* The same in int8, with scales, sums and, for an odd number of outputs, smoothing. */
static void fill_q8(struct layer *l, void *panels)
{
    size_t in = l->w.in, padded = l->w.out_padded * sizeof(float);
    float *scale = check_guarded(padded, false), *row = malloc(in * sizeof *row);
    int32_t *sums = check_guarded(padded, false);
    int8_t *q = malloc(in);

    float *smooth = l->w.out % 2 ? check_guarded(in * sizeof(float), false) : NULL;
    for (size_t i = 0; i < in && smooth != NULL; i++) {
        smooth[i] = 1.5f + check_uniform(&seed);
    }
    for (size_t o = 0; o < l->w.out; o++) {
        for (size_t i = 0; i < in; i++) {
            row[i] = check_uniform(&seed);
        }
        scale[o] = pack_quantise(q, &sums[o], row, in);
        pack_row(panels, KERNELS_Q8, in, o, q);
        for (size_t i = 0; i < in; i++) {
            l->values[o * in + i] = q[i] * scale[o] * (smooth != NULL ? smooth[i] : 1);
        }
    }
    for (size_t o = l->w.out; o < l->w.out_padded; o++) {
        scale[o] = NAN;
        sums[o] = INT32_MIN;
    }
    l->w.scale = scale;
    l->w.sums = sums;
    l->w.smooth = smooth;
    free(row);
    free(q);
}

static struct layer make_layer(const struct kernels_gemm *g, size_t out, size_t in,
                               enum kernels_dtype dtype)
{
    struct layer l = {.w = shape(out, in, dtype)};
    void *panels = check_guarded(pack_bytes(dtype, out, in), false);

    l.values = malloc(out * in * sizeof(float));
    if (dtype == KERNELS_Q8) {
        fill_q8(&l, panels);
    } else {
        fill_floats(&l, panels);
    }
    l.w.panels = panels;
    l.bias = floats(l.w.out_padded, 1, false); /* it ends at a page that cannot be read */
    for (size_t o = out; o < l.w.out_padded; o++) {
        l.bias[o] = NAN; /* the padding may be read, and must not reach a result */
    }
    if (g->weight_prepare != NULL) {
        void *memory = check_guarded(g->weight_bytes(&l.w), false);
        g->weight_prepare(&l.w, memory);
        l.w.prepared = memory;
    }
    return l;
}

/* The whole gemm, or the same in pieces. */
static void run_gemm(const struct kernels_gemm *g, const struct layer *l, const float *x,
                     size_t stride, size_t rows, const struct kernels_layer_norm *ln,
                     const struct kernels_epilogue *e, bool pieces)
{
    void *packed = check_guarded(g->act_bytes(&l->w, rows), false);
    void *scratch = check_guarded(g->gemm_scratch(&l->w), false);
    size_t step = pieces ? g->act_align : rows, panels = l->w.out_padded / KERNELS_PANEL;

    for (size_t r = 0; r < rows; r += step) {
        g->act_pack(&l->w, packed, x, stride, rows, r, r + step < rows ? r + step : rows, ln);
    }
    for (size_t r = 0; r < rows; r += step) {
        for (size_t p = 0; p < panels; p += pieces ? 1 : panels) {
            g->gemm(&l->w, p, pieces ? p + 1 : panels, rows, r, r + step < rows ? r + step : rows,
                    packed, e, scratch);
        }
    }
}

static void test_gemm(const struct kernels *k, const struct kernels_gemm *g, size_t rows,
                      size_t out, size_t in, enum kernels_dtype dtype,
                      enum kernels_activation activation, bool with_norm, bool with_residual)
{
    struct layer l = make_layer(g, out, in, dtype);
    size_t stride = in + 3, y_stride = out + 5;
    float *x = floats(rows * stride - 3, 1, false), *y = floats(rows * y_stride - 5, 1, false);
    float *again = check_guarded((rows * y_stride - 5) * sizeof(float), false);
    /* What is added lies in y, or apart and with another stride. */
    bool apart = with_residual && rows % 2 == 0;
    size_t old_stride = apart ? out + 2 : y_stride;
    float *old = apart ? floats(rows * old_stride - 2, 1, false) : y;
    struct kernels_layer_norm ln = {floats(in, 1, false), floats(in, 1, false), 1e-5f};
    struct kernels_epilogue e = {.bias = rows % 2 ? l.bias : NULL,
                                 .residual = with_residual ? old : NULL,
                                 .residual_stride = old_stride,
                                 .y = y,
                                 .y_stride = y_stride,
                                 .activation = activation};
    double *normed = malloc(in * sizeof(double)), worst = 0;
    float *before = malloc((rows * y_stride - 5) * sizeof(float));

    memcpy(before, y, (rows * y_stride - 5) * sizeof(float));
    memcpy(again, y, (rows * y_stride - 5) * sizeof(float));
    run_gemm(g, &l, x, stride, rows, with_norm ? &ln : NULL, &e, false);
    bool gaps = true;
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < in; i++) {
            normed[i] = x[r * stride + i];
        }
        if (with_norm) {
            oracle_norm(normed, x + r * stride, in, &ln);
        }
        for (size_t o = 0; o < out; o++) {
            double sum = e.bias != NULL ? l.bias[o] : 0, size = fabs(sum);
            for (size_t i = 0; i < in; i++) {
                sum += normed[i] * l.values[o * in + i];
                size += fabs(normed[i] * l.values[o * in + i]);
            }
            double more = apart           ? old[r * old_stride + o]
                          : with_residual ? before[r * y_stride + o]
                                          : 0;
            double error = fabs(y[r * y_stride + o] - gelu(sum, activation) - more);
            worst = fmax(worst, error / (size + fabs(more) + 1e-3));
        }
        for (size_t o = out; o < y_stride && r + 1 < rows; o++) {
            gaps &= y[r * y_stride + o] == before[r * y_stride + o];
        }
    }
    e.y = again;
    e.residual = apart ? old : with_residual ? again : NULL;
    run_gemm(g, &l, x, stride, rows, with_norm ? &ln : NULL, &e, true);
    bool same = memcmp(y, again, (rows * y_stride - 5) * sizeof(float)) == 0;
    check(worst <= g->error && gaps && (same || !k->deterministic),
          "%s gemm %s %s %zux%zux%zu act %d%s%s: error %.1f of the bound%s%s", g->name, k->name,
          pack_dtype(dtype)->name, rows, out, in, activation, with_norm ? " ln" : "",
          with_residual ? " residual" : "", worst / g->error, gaps ? "" : ", wrote between rows",
          same ? "" : ", pieces differ from the whole");
    free(l.values);
    free(normed);
    free(before);
}

/* Each gemm of the set's list, for each dtype that it says it can, exactly or fast. */
static void test_gemms(const struct kernels *k)
{
    static const struct {
        size_t rows, out, in;
    } shapes[] = {{1, 1, 12},    {2, 97, 13},   {7, 33, 148},  {13, 64, 64},
                  {50, 40, 768}, {29, 72, 132}, {37, 65, 257}, {3, 33, 300}};

    for (const struct kernels_gemm *const *g = k->gemms; *g != NULL; g++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            size_t rows = shapes[i].rows, out = shapes[i].out, in = shapes[i].in;
            for (unsigned d = KERNELS_F32; pack_dtype((enum kernels_dtype)d) != NULL; d++) {
                enum kernels_dtype dtype = (enum kernels_dtype)d;
                struct kernels_linear w = shape(out, in, dtype);
                if (!(*g)->can(&w, KERNELS_EXACT) && !(*g)->can(&w, KERNELS_FAST)) {
                    continue;
                }
                test_gemm(k, *g, rows, out, in, dtype, (enum kernels_activation)((i + d) % 4),
                          i % 2 == 1, false);
                test_gemm(k, *g, rows, out, in, dtype, KERNELS_LINEAR, i % 2 == 0, true);
            }
        }
    }
}

/* A set of our own whose gemms are choosy: one for fast and wide f16 layers, one for f32. */
static bool can_fast_wide(const struct kernels_linear *w, enum kernels_precision precision)
{
    return precision == KERNELS_FAST && w->dtype == KERNELS_F16 && w->in >= 256;
}
static bool can_f32(const struct kernels_linear *w, enum kernels_precision precision)
{
    (void)precision;
    return w->dtype == KERNELS_F32;
}

/* For weights of `dtype` fast is a gemm of this ending, or exact (NULL). */
static bool names_fast(const struct kernels *k, enum kernels_dtype dtype, const char *ending)
{
    const char *name = kernels_fast(k, dtype);

    return ending == NULL ? name == NULL : name != NULL && strstr(name, ending) != NULL;
}

static void test_choice(void)
{
    static const struct kernels_gemm fast = {.name = "fast", .can = can_fast_wide},
                                     f32 = {.name = "f32", .can = can_f32};
    static const struct kernels_gemm *const list[] = {&fast, &f32, NULL};
    struct kernels_linear wide = shape(64, 768, KERNELS_F16), narrow = shape(64, 192, KERNELS_F16),
                          full = shape(64, 768, KERNELS_F32), q8 = shape(64, 768, KERNELS_Q8),
                          none = shape(64, 768, (enum kernels_dtype)77);
    struct kernels k = {.name = "choosy", .gemms = list}, best;

    check(kernels_find(NULL, &best) && kernels_choose(&k, &wide, KERNELS_FAST) == &fast &&
              kernels_choose(&k, &full, KERNELS_FAST) == &f32 &&
              kernels_choose(&k, &full, KERNELS_EXACT) == &f32,
          "a layer gets the first gemm of the list that can");
    check(kernels_choose(&k, &narrow, KERNELS_FAST) ==
                  kernels_choose(&best, &narrow, KERNELS_FAST) &&
              kernels_choose(&k, &wide, KERNELS_EXACT) ==
                  kernels_choose(&best, &wide, KERNELS_EXACT) &&
              kernels_choose(&k, &q8, KERNELS_FAST) == kernels_choose(&best, &q8, KERNELS_FAST),
          "what none of the list can is the best set's");
    check(kernels_choose(&k, &none, KERNELS_FAST) == NULL, "what no set can is refused");
    check(kernels_fast(&k, KERNELS_F16) != NULL &&
              strcmp(kernels_fast(&k, KERNELS_F16), "fast") == 0 &&
              kernels_fast(&k, KERNELS_F32) == NULL,
          "a set with a gemm for fast names it");
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        const char *set = kernels_all[i]->name;
        const char *bf16 = strstr(set, "bf16") != NULL || strcmp(set, "amx") == 0 ? "-bf16" : NULL;
        check(names_fast(kernels_all[i], KERNELS_F32, bf16) &&
                  names_fast(kernels_all[i], KERNELS_F16, bf16) &&
                  names_fast(kernels_all[i], KERNELS_BF16, bf16) &&
                  names_fast(kernels_all[i], KERNELS_Q8, "-q8"),
              "%s: fast is exact but for int8%s", set, bf16 != NULL ? " and bfloat16" : "");
    }
}

static void test_attention(const struct kernels *k, size_t rows, size_t hd, bool causal)
{
    size_t stride = 3 * hd + 1, floats_in = (rows - 1) * stride + 3 * hd;
    float *qkv = floats(floats_in, 2, false), *y = floats((rows - 1) * hd + hd, 1, false);
    void *scratch = check_guarded(k->attention_scratch(rows, hd), false);
    struct kernels_attention a = {.q = qkv,
                                  .q_stride = stride,
                                  .queries = rows,
                                  .k = qkv + hd,
                                  .v = qkv + 2 * hd,
                                  .stride = stride,
                                  .rows = rows,
                                  .y = y,
                                  .y_stride = hd,
                                  .head_dim = hd,
                                  .scale = 1 / sqrtf((float)hd),
                                  .causal = causal};
    double worst = 0, *p = malloc(rows * sizeof(double));

    k->attention(&a, scratch);
    for (size_t i = 0; i < rows; i++) {
        size_t n = causal ? i + 1 : rows;
        double max = -1e30, sum = 0;
        for (size_t j = 0; j < n; j++) {
            p[j] = 0;
            for (size_t d = 0; d < hd; d++) {
                p[j] += (double)qkv[i * stride + d] * qkv[j * stride + hd + d] * (double)a.scale;
            }
            max = fmax(max, p[j]);
        }
        for (size_t j = 0; j < n; j++) {
            sum += p[j] = exp(p[j] - max);
        }
        for (size_t d = 0; d < hd; d++) {
            double want = 0;
            for (size_t j = 0; j < n; j++) {
                want += p[j] / sum * qkv[j * stride + 2 * hd + d];
            }
            worst = fmax(worst, fabs(want - y[i * hd + d]));
        }
    }
    /* Values are up to 2 and weights sum to 1; scores of up to ~40 lose 40 * 2^-24 in exp. */
    check(worst < 2e-5, "%s attention %zu rows, head of %zu%s: max error %.1e", k->name, rows, hd,
          causal ? ", causal" : "", worst);
    if (causal && rows > 1) {
        float *cut = check_guarded((rows - 1) * hd * sizeof(float), false);
        a.rows = a.queries = rows - 1;
        a.y = cut;
        k->attention(&a, scratch);
        check(memcmp(cut, y, (rows - 1) * hd * sizeof(float)) == 0,
              "%s attention %zu rows: without the last key the other rows have the same bits",
              k->name, rows);
        a.rows = rows;
    }
    bool same = true;
    for (size_t i = 0; i < rows; i += i + 1) {
        float *one = check_guarded(hd * sizeof(float), false);
        memcpy(one, qkv + i * stride, hd * sizeof(float));
        a.q = a.y = one;
        a.q_stride = a.y_stride = hd;
        a.queries = 1;
        a.first_query = i;
        k->attention(&a, scratch);
        same = same && memcmp(one, y + i * hd, hd * sizeof(float)) == 0;
    }
    check(same, "%s attention %zu rows: one query alone, in place, has the same bits", k->name,
          rows);
    free(p);
}

static void test_norm(const struct kernels *k, size_t n, float mean, float spread)
{
    float *x = floats(n, spread, false), *y = check_guarded(n * sizeof(float), false);
    struct kernels_layer_norm ln = {floats(n, 1, false), floats(n, 1, false), 1e-5f};
    double *want = malloc(n * sizeof(double)), worst = 0;

    for (size_t i = 0; i < n; i++) {
        x[i] += mean;
    }
    k->layer_norm(y, x, n, &ln);
    oracle_norm(want, x, n, &ln);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(want[i] - y[i]));
    }
    check(worst < 2e-6, "%s layer_norm of %zu, mean %g, spread %g: max error %.1e", k->name, n,
          (double)mean, (double)spread, worst);
    free(want);
}

static void test_rows(const struct kernels *k)
{
    for (size_t n = 1; n < 80; n += 13) {
        test_norm(k, n + 1, 0, 1);
    }
    test_norm(k, 768, 1000, 1);
    test_norm(k, 768, -3e4f, 30);
    test_norm(k, 100, 5, 1e-4f);

    for (size_t n = 1; n <= 577; n = 3 * n + 1) {
        float *x = floats(n, 30, false), *y = check_guarded(n * sizeof(float), false);
        double sum = 0, max = -1e30, worst = 0;
        x[n / 2] = n > 4 ? -HUGE_VALF : x[n / 2];
        for (size_t i = 0; i < n; i++) {
            max = fmax(max, x[i]);
        }
        for (size_t i = 0; i < n; i++) {
            sum += exp(x[i] - max);
        }
        k->softmax(y, x, n);
        for (size_t i = 0; i < n; i++) {
            worst = fmax(worst, fabs(y[i] - exp(x[i] - max) / sum));
        }
        check(worst < 5e-7 && (n <= 4 || y[n / 2] == 0), "%s softmax of %zu: max error %.1e",
              k->name, n, worst);
    }
    for (int a = KERNELS_QUICK_GELU; a <= KERNELS_GELU_TANH; a++) {
        double worst = 0;
        for (size_t n = 5; n < 4000; n += 1993) {
            float *x = floats(n, n < 2000 ? 5 : 60, false), *y = check_guarded(n * 4, false);
            k->activation(y, x, n, (enum kernels_activation)a);
            for (size_t i = 0; i < n; i++) {
                worst = fmax(worst, fabs(y[i] - gelu(x[i], (enum kernels_activation)a)) /
                                        fmax(fabs(x[i]), 1e-3));
            }
        }
        check(worst < 4e-7, "%s activation %d: error / |x| %.1e", k->name, a, worst);
    }
    float *x = floats(37, 1, false), *y = floats(37, 1, false);
    double sum = 0, size = 0;
    for (size_t i = 0; i < 37; i++) {
        sum += (double)x[i] * y[i];
        size += fabs((double)x[i] * y[i]);
    }
    check(fabs(sum - k->dot(x, y, 37)) < EPS * size, "%s dot", k->name);
    k->l2(y, x, 37);
    check(fabs(k->dot(y, y, 37) - 1) < 1e-6, "%s l2", k->name);
    memset(x, 0, 37 * 4);
    k->l2(x, x, 37);
    check(x[0] == 0 && x[36] == 0, "%s l2 of zeros stays zeros", k->name);
}

static void test_resize(const struct kernels *k, size_t n_in, size_t n_out, size_t channels)
{
    uint8_t *src = check_guarded(n_in * channels, n_out % 2),
            *dst = check_guarded(n_out * channels, false);
    struct kernels_taps *taps = calloc(n_out, sizeof *taps);
    size_t n_taps = n_in / 2 + 1;
    int32_t *coeffs = malloc(n_out * n_taps * sizeof *coeffs);
    bool good = true;

    for (size_t i = 0; i < n_in * channels; i++) {
        src[i] = check_random(&seed) % 3 ? (uint8_t)check_random(&seed) : 255;
    }
    for (size_t x = 0; x < n_out; x++) {
        taps[x].n = (uint32_t)(1 + check_random(&seed) % n_taps);
        taps[x].first = (uint32_t)(check_random(&seed) % (n_in - taps[x].n + 1));
        taps[x].offset = (uint32_t)(x * n_taps);
        for (size_t i = 0; i < n_taps; i++) {
            coeffs[x * n_taps + i] =
                (int32_t)((double)check_uniform(&seed) * 1.5 * (1 << 22) / (double)taps[x].n);
        }
    }
    k->resize_horizontal(dst, src, n_out, channels, taps, coeffs);
    for (size_t x = 0; x < n_out * channels; x++) {
        const struct kernels_taps *t = &taps[x / channels];
        long long sum = 1 << 21;
        for (size_t i = 0; i < t->n; i++) {
            sum += (long long)src[(t->first + i) * channels + x % channels] * coeffs[t->offset + i];
        }
        sum = (long long)floor((double)sum / (1 << 22));
        good &= dst[x] == (sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
    check(good, "%s resize_horizontal %zu to %zu, %zu channels", k->name, n_in, n_out, channels);

    size_t bytes = n_in * channels / n_taps;
    good = true;
    for (size_t t = 0; t < n_taps; t++) { /* all n_taps of them now, so that sums stay in 32 bits */
        coeffs[t] = (int32_t)((double)check_uniform(&seed) * 1.5 * (1 << 22) / (double)n_taps);
    }
    k->resize_vertical(dst, src, bytes, bytes < n_out * channels ? bytes : n_out * channels, n_taps,
                       coeffs);
    for (size_t i = 0; i < bytes && i < n_out * channels; i++) {
        long long sum = 1 << 21;
        for (size_t t = 0; t < n_taps; t++) {
            sum += (long long)src[t * bytes + i] * coeffs[t];
        }
        sum = (long long)floor((double)sum / (1 << 22));
        good &= dst[i] == (sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
    check(good, "%s resize_vertical %zu rows of %zu bytes", k->name, n_taps, bytes);
    free(taps);
    free(coeffs);
}

/* What each peak says that it did in three steps, and what came of it: of floats 3.875 in each
 * lane (x = x / 2 + 2 three times from 3); of int8 the products of ten chains by 2, each begun with
 * inputs from 3 + c on and going on three times with those from 3 on; of bfloat16 twelve chains that
 * begin at 3 + c and gain two products of 1 three times; on tiles as many as there are products. */
static void test_peak(const struct kernels *k)
{
    for (size_t i = 0; k->gemms[i] != NULL; i++) {
        if (k->gemms[i]->peak == NULL) {
            continue;
        }
        float sink[3] = {3, 0.5f, 2};
        const char *name = k->gemms[i]->name;
        size_t operations = k->gemms[i]->peak(sink, 3), products = operations / 6;
        double expect = 3.875 * (double)products;
        if (strstr(name, "-q8") != NULL) { /* inputs 3 + c + i: four products of each chain */
            size_t group = strcmp(k->name, "scalar") == 0 || strcmp(k->name, "neon") == 0   ? 1
                           : strcmp(k->name, "avx2") == 0 || strcmp(k->name, "avx512") == 0 ? 2
                                                                                            : 4;
            expect = 0;
            for (size_t c = 0; c < 10; c++) {
                for (size_t g = 0; g < group; g++) {
                    expect +=
                        (double)(products / 10 / group) * 2 * (double)(3 + c + g + 3 * (3 + g));
                }
            }
        }
        for (size_t c = 0; c < 12 && strstr(name, "-bf16") != NULL; c++) {
            expect = (c == 0 ? 0 : expect) + (double)(products / 24) * (3 + (double)c + 6);
        }
        if (strstr(name, "-tile-") != NULL) { /* every sum of a tile, from 0 */
            expect = (double)products * (strstr(name, "q8") != NULL ? 18
                                         : strstr(name, "split")    ? 9
                                                                    : 3);
        }
        check(products > 0 && operations % 6 == 0 && (double)sink[0] == expect,
              "%s peak: %zu products in a step, their sum %g of %g", name, products,
              (double)sink[0], expect);
    }
}

/* An empty slot is filled from the best set of this CPU, not from just any that has it; and only by
 * sets whose sums have a fixed order. */
static void test_slots(const struct kernels *k, const struct kernels *own)
{
    struct kernels best;
    bool good = kernels_find(NULL, &best) && best.deterministic && best.load == NULL;

#define SLOT(slot) good &= k->slot != NULL && k->slot == (own->slot ? own->slot : best.slot);
    SLOT(gemms)
    SLOT(attention)
    SLOT(attention_scratch)
    SLOT(layer_norm)
    SLOT(softmax)
    SLOT(activation)
    SLOT(l2)
    SLOT(dot)
    SLOT(resize_horizontal)
    SLOT(resize_vertical)
#undef SLOT
    check(good, "%s: its own functions, and those of %s where it has none", k->name, best.name);
}

int main(void)
{
    test_choice();
    test_gemms(&kernels_emulated);
    test_peak(&kernels_emulated);
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        struct kernels k;
        if (!kernels_find(kernels_all[i]->name, &k)) {
            check_skip("kernel set %s: this CPU (or library) does not have it",
                       kernels_all[i]->name);
            continue;
        }
        test_slots(&k, kernels_all[i]);
        test_gemms(&k);
        test_attention(&k, 1, 64, true);
        test_attention(&k, 7, 22, true);
        test_attention(&k, 50, 64, false);
        test_attention(&k, 77, 12, true);
        test_attention(&k, 65, 66, false);
        test_attention(&k, 37, 88, true);
        test_rows(&k);
        test_peak(&k);
        for (size_t c = 1; c <= 4; c++) {
            test_resize(&k, 97 + 60 * c, 64 + c, c);
        }
        test_resize(&k, 3000, 5, 3);
        test_resize(&k, 1, 9, 3);
    }
    return check_done();
}
