/* The order of gemm's sums: each element is one chain of multiply-adds, from the first input to the
 * last, made here in one float at a time and compared bit for bit.  Rows and inputs are more than a
 * cache lets a set take at once, so that a sum is put aside and taken up again; how many, which the
 * machine decides, is not to be seen. */
#include "../kernels/cpu.h"
#include "../kernels/kernels.h"
#include "../kernels/pack.h"
#include "check.h"

static uint64_t seed = 5;

static float *floats(size_t n)
{
    float *p = check_guarded(n * sizeof *p, false);

    for (size_t i = 0; i < n; i++) {
        p[i] = check_uniform(&seed);
    }
    return p;
}

/* A layer of random weights, which `values` [out, in] gets as the panels hold them. */
static struct kernels_linear make_layer(size_t out, size_t in, enum kernels_dtype dtype,
                                        float *values)
{
    struct kernels_linear w = {.in = (uint32_t)in,
                               .out = (uint32_t)out,
                               .in_padded = (uint32_t)((in + 63) / 64 * 64),
                               .out_padded = (uint32_t)((out + 31) / 32 * 32),
                               .dtype = dtype};
    void *panels = check_guarded(pack_bytes(dtype, out, in), false);
    float *scale = check_guarded(w.out_padded * sizeof *scale, false), *row = floats(in);
    uint16_t *half = malloc(in * sizeof *half);
    int8_t *q = malloc(in);
    int32_t sum;

    w.panels = panels;
    w.scale = scale;
    w.smooth = floats(in);
    for (size_t o = 0; o < out; o++) {
        for (size_t i = 0; i < in; i++) {
            row[i] = check_uniform(&seed);
            half[i] = dtype == KERNELS_F16 ? pack_f32_to_f16(row[i]) : pack_f32_to_bf16(row[i]);
        }
        if (dtype == KERNELS_Q8) {
            scale[o] = pack_quantise(q, &sum, row, in);
        }
        pack_row(panels, dtype, in, o,
                 dtype == KERNELS_F32  ? (const void *)row
                 : dtype == KERNELS_Q8 ? (const void *)q
                                       : half);
        pack_unpack_row(values + o * in, &w, o);
    }
    free(half);
    free(q);
    return w;
}

/* Of the scalar set a multiply-add is two roundings, of the others one. */
static float chain(const struct kernels *k, const float *x, const float *w, size_t in)
{
    const bool fused = strcmp(k->name, "scalar") != 0;
    float sum = 0;

    for (size_t i = 0; i < in; i++) {
        sum = fused ? fmaf(x[i], w[i], sum) : x[i] * w[i] + sum;
    }
    return sum;
}

/* The one that multiplies float by float: tiles make exact products of several parts. */
static const struct kernels_gemm *float_gemm(const struct kernels *k)
{
    const struct kernels_gemm *const *g = k->gemms;

    while (strstr((*g)->name, "-f32") == NULL) {
        g++;
    }
    return *g;
}

/* As if the machine were another: a cache that lets a stretch have 512 or 1024 inputs, or all of
 * them, and units that widen beside those that multiply, or not. */
static const struct machine {
    size_t l2;
    bool widens_aside;
} machines[] = {{1 << 18, true}, {1 << 19, false}, {1 << 23, true}, {1 << 23, false}};

static void pretend(const struct machine *m)
{
    struct cpu *cpu = (struct cpu *)(uintptr_t)cpu_features(); /* which is no constant */

    cpu->l2 = m->l2;
    cpu->widens_aside = m->widens_aside;
}

/* All rows at once; of the result, every row near the ends and some between. */
static void test_order(const struct kernels *k, size_t rows, size_t out, size_t in,
                       enum kernels_dtype dtype)
{
    float *values = malloc(out * in * sizeof *values), *x = floats(rows * in);
    float *want = malloc(rows * out * sizeof *want);
    struct kernels_linear w = make_layer(out, in, dtype, values);
    const struct kernels_gemm *g = float_gemm(k);
    size_t step[] = {1, 19}, wrong = 0;

    for (size_t r = 0; r < rows; r += step[r >= 20 && r + 20 <= rows]) {
        for (size_t o = 0; o < out; o++) {
            want[r * out + o] = chain(k, x + r * in, values + o * in, in);
        }
    }
    for (size_t m = 0; m < sizeof machines / sizeof machines[0]; m++) {
        float *y = floats(rows * out);
        struct kernels_epilogue e = {.y = y, .y_stride = out, .activation = KERNELS_LINEAR};
        pretend(&machines[m]);
        void *packed = check_guarded(g->act_bytes(&w, rows), false);
        g->act_pack(&w, packed, x, in, rows, 0, rows, NULL);
        g->gemm(&w, 0, w.out_padded / KERNELS_PANEL, rows, 0, rows, packed, &e,
                check_guarded(g->gemm_scratch(&w), false));
        for (size_t r = 0; r < rows; r += step[r >= 20 && r + 20 <= rows]) {
            for (size_t o = 0; o < out; o++) {
                wrong += y[r * out + o] != want[r * out + o];
            }
        }
    }
    check(wrong == 0, "%s %s %zux%zux%zu: each sum is one chain (%zu are not)", g->name,
          pack_dtype(dtype)->name, rows, out, in, wrong);
    free(want);
    free(values);
}

int main(void)
{
    static const struct {
        size_t rows, out, in;
    } shapes[] = {{1, 33, 9001}, {8, 33, 9001}, {15, 40, 4608}, {530, 33, 4501}, {31, 70, 100}};
    struct kernels k;

    for (size_t s = 0; kernels_all[s] != NULL; s++) {
        if (!kernels_all[s]->deterministic || !kernels_find(kernels_all[s]->name, &k)) {
            continue;
        }
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            for (int d = KERNELS_F32; pack_dtype((enum kernels_dtype)d) != NULL; d++) {
                test_order(&k, shapes[i].rows, shapes[i].out, shapes[i].in, (enum kernels_dtype)d);
            }
        }
    }
    return check_done();
}
