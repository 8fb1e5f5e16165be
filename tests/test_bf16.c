/* The products of bfloat16, of every set that has them and of one that emulates them: against sums
 * in double of the factors as they are rounded, to within the roundings of a float sum; of
 * floats split in two; ties, NaN, infinities; and what `fast` means where there are none. */
#include "../kernels/kernels.h"
#include "../kernels/pack.h"
#include "check.h"

extern const struct kernels kernels_emulated; /* emulated.c */
bool emulated_released(void);

static uint64_t seed = 16;

/* To bfloat16 and back, to nearest even, by arithmetic: not the way of kernels/pack.c, which turns
 * bits over.  x: a normal number, or 0. */
static double rounded(double x)
{
    int exponent;
    double fraction = frexp(x, &exponent);

    return ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}

struct layer {
    struct kernels_linear w;
    float *values; /* [out, in] as the file holds them */
};

static struct layer make_layer(size_t out, size_t in, enum kernels_dtype dtype, const float *values)
{
    struct layer l = {.w = {.in = (uint32_t)in,
                            .out = (uint32_t)out,
                            .in_padded = (uint32_t)((in + 63) / 64 * 64),
                            .out_padded = (uint32_t)((out + 31) / 32 * 32),
                            .dtype = dtype}};
    void *panels = check_guarded(pack_bytes(dtype, out, in), false);
    uint16_t *half = malloc(in * sizeof *half);

    l.values = malloc(out * in * sizeof *l.values);
    for (size_t o = 0; o < out; o++) {
        float *row = l.values + o * in;
        for (size_t i = 0; i < in; i++) {
            float x = values != NULL ? values[o * in + i] : check_uniform(&seed);
            half[i] = dtype == KERNELS_BF16 ? pack_f32_to_bf16(x) : pack_f32_to_f16(x);
            row[i] = dtype == KERNELS_F32   ? x
                     : dtype == KERNELS_F16 ? pack_f16_to_f32(half[i])
                                            : pack_bf16_to_f32(half[i]);
        }
        pack_row(panels, dtype, in, o, dtype == KERNELS_F32 ? (void *)row : half);
    }
    free(half);
    l.w.panels = panels;
    return l;
}

/* y [rows, out] of x [rows, in]. */
static float *multiply(const struct kernels_gemm *g, const struct layer *l, const float *x,
                       size_t rows)
{
    void *packed = check_guarded(g->act_bytes(&l->w, rows), false);
    void *scratch = check_guarded(g->gemm_scratch(&l->w), false);
    float *y = check_guarded(rows * l->w.out * sizeof *y, false);
    struct kernels_epilogue e = {.y = y, .y_stride = l->w.out};

    memset(packed, 0xff, g->act_bytes(&l->w, rows)); /* NaN, whatever it is read as */
    memset(scratch, 0xff, g->gemm_scratch(&l->w));
    g->act_pack(&l->w, packed, x, l->w.in, rows, 0, rows, NULL);
    g->gemm(&l->w, 0, l->w.out_padded / KERNELS_PANEL, rows, 0, rows, packed, &e, scratch);
    return y;
}

static float *inputs(size_t n, float size)
{
    float *x = check_guarded(n * sizeof *x, false);

    for (size_t i = 0; i < n; i++) {
        x[i] = size * check_uniform(&seed);
    }
    return x;
}

/* No more than 1024 inputs: 2^-19 of the sum of sizes, as an exact gemm. */
static void test_sums(const struct kernels_gemm *g, size_t rows, size_t out, size_t in,
                      enum kernels_dtype dtype, float size)
{
    struct layer l = make_layer(out, in, dtype, NULL);
    float *x = inputs(rows * in, size), *y = multiply(g, &l, x, rows);
    double worst = 0, unrounded = 0;

    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < out; o++) {
            double sum = 0, whole = 0, sizes = 0;
            for (size_t i = 0; i < in; i++) {
                double a = x[r * in + i], b = l.values[o * in + i];
                sum += rounded(a) * rounded(b);
                whole += a * b;
                sizes += fabs(a * b);
            }
            worst = fmax(worst, fabs(y[r * out + o] - sum) / sizes);
            unrounded = fmax(unrounded, fabs(y[r * out + o] - whole) / sizes);
        }
    }
    check(worst <= 0x1p-19 && unrounded <= g->error && unrounded > worst,
          "%s %s %zux%zux%zu of %g: 2^%.1f from the rounded factors, 2^%.1f from the given",
          g->name, pack_dtype(dtype)->name, rows, out, in, (double)size, log2(worst),
          log2(unrounded));
    free(l.values);
}

/* Half way between two bfloat16, just beside it, at a power of two, and the largest that there
 * are: each comes out by itself, times 1. */
static void test_rounding(const struct kernels_gemm *g)
{
    static const float x[] = {0x1.01p0f,      0x1.03p0f,     -0x1.01p0f,      -0x1.03p0f,
                              0x1.010002p0f,  0x1.00fffep0f, 0x1.ffp0f,       0x1.fefffep0f,
                              0x1.01p-120f,   0x1.03p-126f,  0x1.fefffep127f, 0x1.8p127f,
                              -0x1.7f8000p9f, 0x1.2345p-3f,  0x1.6789abp17f,  0};
    enum { N = sizeof x / sizeof x[0], IN = 301 }; /* wide enough for any gemm */
    static float unit[N * IN], weights[N * IN];

    for (size_t i = 0; i < N; i++) {
        unit[i * IN + i * 19] = 1;
        weights[i * IN + i * 19 + 1] = x[i];
    }
    for (unsigned d = KERNELS_F32; d <= KERNELS_BF16; d++) {
        struct layer l = make_layer(N, IN, (enum kernels_dtype)d, unit);
        float *row = inputs(IN, 0);
        for (size_t i = 0; i < N; i++) {
            row[i * 19] = x[i];
        }
        float *y = multiply(g, &l, row, 1);
        size_t wrong = 0;
        for (size_t i = 0; i < N; i++) {
            wrong += (double)y[i] != rounded(x[i]);
        }
        check(wrong == 0, "%s: activations to nearest even, beside %s weights: %zu wrong", g->name,
              pack_dtype((enum kernels_dtype)d)->name, wrong);
        free(l.values);
    }
    struct layer l = make_layer(N, IN, KERNELS_F32, weights);
    float *ones = inputs(IN, 0);
    for (size_t i = 0; i < IN; i++) {
        ones[i] = 1;
    }
    float *y = multiply(g, &l, ones, 1);
    size_t wrong = 0;
    for (size_t i = 0; i < N; i++) {
        wrong += (double)y[i] != rounded(x[i]);
    }
    check(wrong == 0, "%s: weights to nearest even: %zu wrong", g->name, wrong);
    free(l.values);
}

/* A NaN stays one, even that whose bits a carry would make a zero; an infinity stays one; what
 * rounds to infinity is one; and the rows beside know nothing of it. */
static void test_odd(const struct kernels_gemm *g)
{
    enum { ROWS = 6, IN = 271, OUT = 33 };
    static const uint32_t nans[] = {0x7fffffff, 0x7f800001};
    struct layer l = make_layer(OUT, IN, KERNELS_F16, NULL);
    float *x = inputs(ROWS * IN, 1), *plain = multiply(g, &l, x, ROWS), *y;
    bool poisoned = true, infinite = true, apart = true;

    for (size_t r = 0; r < 2; r++) {
        memcpy(x + r * IN + 35 * r + 35, &nans[r], sizeof nans[r]);
    }
    x[2 * IN] = HUGE_VALF;
    x[3 * IN + 270] = -HUGE_VALF;
    x[4 * IN + 5] = 0x1.fffffep127f;
    y = multiply(g, &l, x, ROWS);
    for (size_t o = 0; o < OUT; o++) {
        poisoned &= isnan(y[o]) && isnan(y[OUT + o]);
        for (size_t r = 2; r < 5; r++) {
            infinite &= isinf(y[r * OUT + o]);
        }
        apart &= y[5 * OUT + o] == plain[5 * OUT + o];
    }
    check(poisoned, "%s: a row with NaN gives NaN", g->name);
    check(infinite, "%s: a row with an infinity, or with what rounds to one, gives those", g->name);
    check(apart, "%s: and the row beside them what it always does", g->name);
    free(l.values);
}

/* Exact products of split floats: as good as those of floats, 2^-19, where factors have 16 bits; of
 * f32 nearly so, because halves of halves are left out. */
static void test_split(const struct kernels_gemm *g, size_t rows, size_t out, size_t in,
                       enum kernels_dtype dtype)
{
    struct layer l = make_layer(out, in, dtype, NULL);
    float *x = inputs(rows * in, 1), *y = multiply(g, &l, x, rows);
    double worst = 0;

    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < out; o++) {
            double sum = 0, sizes = 0;
            for (size_t i = 0; i < in; i++) {
                sum += (double)x[r * in + i] * l.values[o * in + i];
                sizes += fabs((double)x[r * in + i] * l.values[o * in + i]);
            }
            worst = fmax(worst, fabs(y[r * out + o] - sum) / sizes);
        }
    }
    check(worst <= g->error, "%s %s %zux%zux%zu: 2^%.1f of the sizes", g->name,
          pack_dtype(dtype)->name, rows, out, in, log2(worst));
    free(l.values);
}

static void test_gemm(const struct kernels_gemm *g)
{
    static const struct {
        size_t rows, out, in;
        float size;
    } shapes[] = {{1, 1, 1, 1},           {2, 97, 13, 1e-3f}, {5, 33, 2, 1},
                  {29, 70, 147, 40},      {1, 33, 256, 1},    {13, 64, 771, 1e20f},
                  {15, 40, 1024, 1e-20f}, {49, 34, 301, 1},   {32, 32, 320, 1}};

    for (unsigned d = KERNELS_F32; d <= KERNELS_BF16; d++) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            size_t rows = shapes[i].rows, out = shapes[i].out, in = shapes[i].in;
            struct kernels_linear w = {.in = (uint32_t)in, .dtype = (enum kernels_dtype)d};
            if (g->can(&w, KERNELS_EXACT)) {
                test_split(g, rows, out, in, w.dtype);
            } else if (g->can(&w, KERNELS_FAST)) {
                test_sums(g, rows, out, in, w.dtype, shapes[i].size);
            }
        }
    }
}

/* Every gemm of the set that multiplies bfloat16, once or by halves; false when it has none. */
static bool test_set(const struct kernels *k)
{
    bool any = false;

    for (const struct kernels_gemm *const *g = k->gemms; *g != NULL; g++) {
        bool split = strstr((*g)->name, "-split") != NULL;
        if (split || strstr((*g)->name, "-bf16") != NULL) {
            any = true;
            test_gemm(*g);
            if (!split) {
                test_rounding(*g);
                test_odd(*g);
            }
        }
    }
    return any;
}

int main(void)
{
    check(test_set(&kernels_emulated) && emulated_released(),
          "emulated: tiles are given back when a product is done");
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        struct kernels k;
        if (!kernels_find(kernels_all[i]->name, &k)) {
            check_skip("%s: not on this CPU", kernels_all[i]->name);
            continue;
        }
        if (test_set(&k)) {
            continue;
        }
        bool same = true;
        for (unsigned d = KERNELS_F32; d <= KERNELS_BF16; d++) {
            struct kernels_linear w = {.in = 768, .out = 64, .in_padded = 768, .out_padded = 64};
            w.dtype = (enum kernels_dtype)d;
            same &= kernels_choose(&k, &w, KERNELS_FAST) == kernels_choose(&k, &w, KERNELS_EXACT);
        }
        check(same, "%s has no bfloat16 products: fast is exact", k.name);
    }
    return check_done();
}
