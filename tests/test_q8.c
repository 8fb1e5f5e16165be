/* The products of int8: every set's, against whole numbers of 64 bits made from the same bytes, bit
 * for bit; at the ends of what 32 bits hold; and of rows that no bytes can stand for. */
#include "../kernels/kernels.h"
#include "../kernels/pack.h"
#include "check.h"

extern const struct kernels kernels_emulated; /* emulated.c */

static uint64_t seed = 8;

struct layer {
    struct kernels_linear w;
    int8_t *q; /* [out, in] */
    float *scale, *bias, *smooth;
};

/* Weights of `size`: random below 127, all the same at it. */
static struct layer make_layer(size_t out, size_t in, int size, bool smooth)
{
    struct layer l = {.w = {.in = (uint32_t)in,
                            .out = (uint32_t)out,
                            .in_padded = (uint32_t)((in + 63) / 64 * 64),
                            .out_padded = (uint32_t)((out + 31) / 32 * 32),
                            .dtype = KERNELS_Q8}};
    size_t padded = l.w.out_padded;
    void *panels = check_guarded(pack_bytes(KERNELS_Q8, out, in), false);
    int32_t *sums = check_guarded(padded * sizeof *sums, false);

    l.q = malloc(out * in);
    l.scale = check_guarded(padded * sizeof(float), false);
    l.bias = check_guarded(padded * sizeof(float), false);
    for (size_t o = 0; o < padded; o++) {
        l.scale[o] = o < out ? ldexpf(1.5f + check_uniform(&seed), -9) : NAN;
        l.bias[o] = o < out ? check_uniform(&seed) : NAN;
        sums[o] = o < out ? 0 : INT32_MIN;
    }
    for (size_t o = 0; o < out; o++) {
        for (size_t i = 0; i < in; i++) {
            int q = (int)(check_random(&seed) % 255) - 127;
            l.q[o * in + i] = (int8_t)(size < 127 && size > -127 ? q : size);
            sums[o] += l.q[o * in + i];
        }
        pack_row(panels, KERNELS_Q8, in, o, l.q + o * in);
    }
    if (smooth) {
        l.smooth = check_guarded(in * sizeof(float), false);
        for (size_t i = 0; i < in; i++) {
            l.smooth[i] = 1.5f + check_uniform(&seed);
        }
    }
    l.w.panels = panels;
    l.w.scale = l.scale;
    l.w.sums = sums;
    l.w.smooth = l.smooth;
    return l;
}

/* u [in], the scale and the zero point of a row: README.md of kernels/ has the rule. */
static float quantise(int *u, int *zero, const float *x, const struct layer *l)
{
    float low = 0, high = 0;

    for (size_t i = 0; i < l->w.in; i++) {
        float v = l->smooth != NULL ? x[i] * l->smooth[i] : x[i];
        low = fminf(low, v);
        high = fmaxf(high, v);
    }
    float range = high - low, inverse = 255 / range;
    *zero = (int)floorf(0.5f - low * inverse);
    for (size_t i = 0; i < l->w.in; i++) {
        float v = l->smooth != NULL ? x[i] * l->smooth[i] : x[i];
        u[i] = (int)rintf(v * inverse) + *zero;
        u[i] = u[i] < 0 ? 0 : u[i] > 255 ? 255 : u[i];
    }
    return range / 255;
}

/* y [rows, out] of x [rows, in], with the gemm that set k has for int8. */
static float *multiply(const struct kernels *k, const struct layer *l, const float *x, size_t rows)
{
    const struct kernels_gemm *g = kernels_choose(k, &l->w, KERNELS_FAST);
    void *packed = check_guarded(g->act_bytes(&l->w, rows), false);
    void *scratch = check_guarded(g->gemm_scratch(&l->w), false);
    float *y = check_guarded(rows * l->w.out * sizeof *y, false);
    struct kernels_epilogue e = {.bias = l->bias, .y = y, .y_stride = l->w.out};

    g->act_pack(&l->w, packed, x, l->w.in, rows, 0, rows, NULL);
    g->gemm(&l->w, 0, l->w.out_padded / KERNELS_PANEL, rows, 0, rows, packed, &e, scratch);
    return y;
}

static float *inputs(size_t rows, size_t in, float low, float high)
{
    float *x = check_guarded(rows * in * sizeof *x, false);

    for (size_t i = 0; i < rows * in; i++) {
        x[i] = low + (high - low) * (0.5f + 0.5f * check_uniform(&seed));
    }
    return x;
}

static void test_whole(const struct kernels *k, size_t rows, size_t out, size_t in, int size,
                       float low, float high)
{
    struct layer l = make_layer(out, in, size, size == 0 && rows % 2 == 1);
    float *x = inputs(rows, in, low, high), *y = multiply(k, &l, x, rows);
    int *u = malloc(in * sizeof *u);
    size_t wrong = 0;
    long long most = 0;

    for (size_t r = 0; r < rows; r++) {
        int zero;
        float scale = quantise(u, &zero, x + r * in, &l);
        for (size_t o = 0; o < out; o++) {
            long long sum = 0;
            for (size_t i = 0; i < in; i++) {
                sum += (long long)(u[i] - zero) * l.q[o * in + i];
            }
            most = llabs(sum) > most ? llabs(sum) : most;
            wrong += y[r * out + o] != (float)sum * (scale * l.scale[o]) + l.bias[o];
        }
    }
    check(wrong == 0, "%s int8 %zux%zux%zu of %g to %g: %zu differ; sums up to %lld", k->name, rows,
          out, in, (double)low, (double)high, wrong, most);
    free(u);
    free(l.q);
}

/* A row of zeros, or as good as that, gives the bias; of a NaN, an infinity or a range that is one,
 * every output is a NaN, and the rows beside it know nothing of it. */
static void test_odd_rows(const struct kernels *k, size_t in)
{
    enum { ROWS = 7, OUT = 33 };
    struct layer l = make_layer(OUT, in, 0, false);
    float *x = inputs(ROWS, in, -1, 1), *y, *plain = multiply(k, &l, x, ROWS);
    bool zeros = true, poisoned = true, apart = true;

    for (size_t i = 0; i < in; i++) {
        x[i] = 0;
        x[in + i] = i % 2 ? 1e-40f : -1e-40f;
    }
    x[2 * in + in - 1] = NAN;
    x[3 * in] = HUGE_VALF;
    x[4 * in + 33] = -HUGE_VALF;
    x[5 * in + 1] = 3e38f;
    x[5 * in + 2] = -3e38f;
    y = multiply(k, &l, x, ROWS);
    for (size_t o = 0; o < OUT; o++) {
        zeros &= y[o] == l.bias[o] && y[OUT + o] == l.bias[o];
        for (size_t r = 2; r < 6; r++) {
            poisoned &= isnan(y[r * OUT + o]);
        }
        apart &= y[6 * OUT + o] == plain[6 * OUT + o];
    }
    check(zeros, "%s int8: a row of zeros gives the bias", k->name);
    check(poisoned, "%s int8: a row with NaN or an infinity gives NaN", k->name);
    check(apart, "%s int8: and its neighbour what it always does", k->name);
    free(l.q);
}

static void test_set(const struct kernels *k)
{
    test_whole(k, 1, 1, 1, 0, -1, 1);
    test_whole(k, 2, 97, 13, 0, -1, 1);
    test_whole(k, 5, 33, 2, 0, 0.5f, 1);
    test_whole(k, 29, 70, 147, 0, -1, 0);
    test_whole(k, 13, 64, 771, 0, -0.17f, 40);
    test_whole(k, 37, 33, 301, 0, -1, 1);
    test_whole(k, 64, 34, 256, 0, -1, 1);
    test_whole(k, 15, 40, 3072, 0, -1e-20f, 1e-20f);
    test_whole(k, 3, 32, 4096, 127, 0.99f, 1);
    test_whole(k, 3, 32, 4096, -127, -1, -0.99f);
    test_whole(k, 2, 2, 65536, 127, 0.999f, 1);
    test_whole(k, 2, 2, 65536, -128, 0.999f, 1);
    test_odd_rows(k, 70);
    test_odd_rows(k, 270);
}

int main(void)
{
    test_set(&kernels_emulated);
    for (size_t i = 0; kernels_all[i] != NULL; i++) {
        struct kernels k;
        if (!kernels_find(kernels_all[i]->name, &k)) {
            check_skip("%s: not on this CPU", kernels_all[i]->name);
            continue;
        }
        test_set(&k);
    }
    return check_done();
}
