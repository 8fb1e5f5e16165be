/* The element types of weights, their panels, and the 16-bit floats. */
#include "../kernels/kernels.h"
#include "../kernels/pack.h"
#include "check.h"

static uint64_t seed = 1;

/* The table of element types, and what pack does with those that it cannot handle. */
static void test_dtypes(void)
{
    static const struct {
        const char *name;
        size_t bytes, group;
    } want[] = {{"f32", 4, 1}, {"f16", 2, 1}, {"bf16", 2, 2}, {"q8", 1, 4}};
    bool good = true;
    for (unsigned d = 0; d < 4; d++) {
        const struct pack_dtype *t = pack_dtype((enum kernels_dtype)(d + 1));
        good &= t != NULL && strcmp(t->name, want[d].name) == 0 &&
                t->element_bytes == want[d].bytes && t->group == want[d].group;
    }
    check(good, "the element types f32, f16, bf16, q8: names, sizes, groups along the input");

    static const unsigned bad[] = {0, 5, 6, 77, 0x7fffffff};
    unsigned char panels[4] = {0xa5, 0xa5, 0xa5, 0xa5}, row[4] = {1, 2, 3, 4};
    float values[1] = {5};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum kernels_dtype d = (enum kernels_dtype)bad[i];
        struct kernels_linear w = {.panels = panels, .in = 1, .out = 1, .dtype = d};
        check(pack_bytes(d, 1, 1) == 0 && !pack_row(panels, d, 1, 0, row) &&
                  !pack_unpack_row(values, &w, 0) && !pack_table_row(values, d, panels, 0, 1) &&
                  pack_dtype(d) == NULL && panels[0] == 0xa5 && panels[3] == 0xa5 && values[0] == 5,
              "type %u has no panels: nothing is sized, written or read", bad[i]);
    }
    check(!pack_table_row(values, KERNELS_Q8, panels, 0, 1) && values[0] == 5,
          "a table of int8 has no scales, and no rows");
    const size_t most = (size_t)1 << 30;
    check(pack_bytes(KERNELS_F32, 33, 65) == 64 * 128 * 4 &&
              pack_bytes(KERNELS_F16, 1, 1) == 32 * 64 * 2 && pack_bytes(KERNELS_F32, 0, 9) == 0 &&
              pack_bytes(KERNELS_F32, 9, 0) == 0,
          "bytes of panels: padded to 32 x 64, nothing for an empty layer");
    check((sizeof(size_t) > 4 ? pack_bytes(KERNELS_F32, most, most) >> 62 == 1
                              : pack_bytes(KERNELS_F32, most, most) == 0) &&
              pack_bytes(KERNELS_F32, 2 * most - 1, 2 * most - 1) == 0 &&
              pack_bytes(KERNELS_F32, SIZE_MAX, 2) == 0 &&
              pack_bytes(KERNELS_F16, 2, SIZE_MAX) == 0,
          "bytes of panels: 2^62 fit into 64 bits, 2^64 do not, and nothing wraps round");
}

/* x as `dtype` holds it; *half: its 16 bits, but of f32. */
static float rounded(enum kernels_dtype dtype, float x, uint16_t *half)
{
    *half = dtype == KERNELS_BF16 ? pack_f32_to_bf16(x) : pack_f32_to_f16(x);
    return dtype == KERNELS_F32   ? x
           : dtype == KERNELS_F16 ? pack_f16_to_f32(*half)
                                  : pack_bf16_to_f32(*half);
}

/* A row comes back as it went in, from where pack.h says that it lies. */
static void test_panels(void)
{
    for (int d = KERNELS_F32; d <= KERNELS_BF16; d++) {
        size_t in = 67, out = 45, bytes = pack_bytes((enum kernels_dtype)d, out, in);
        unsigned char *panels = check_guarded(bytes, false);
        struct kernels_linear w = {
            .panels = panels, .in = 67, .out = 45, .dtype = (enum kernels_dtype)d};
        float rows[45][67], back[67];
        uint16_t halves[67];
        bool good = true;

        for (size_t o = 0; o < out; o++) {
            for (size_t i = 0; i < in; i++) {
                rows[o][i] = rounded(w.dtype, check_uniform(&seed), &halves[i]);
            }
            good &= pack_row(panels, w.dtype, in, o, d == KERNELS_F32 ? rows[o] : (void *)halves);
        }
        for (size_t o = 0; o < out; o++) {
            good &= pack_unpack_row(back, &w, o) && memcmp(back, rows[o], sizeof back) == 0;
            for (size_t i = 0; i < in; i++) {
                size_t at = (o / 32 * 128 + i) * 32 + o % 32;
                size_t pair = (o / 32 * 64 + i / 2) * 64 + o % 32 * 2 + i % 2;
                good &= d == KERNELS_F32 ? ((float *)panels)[at] == rows[o][i]
                        : d == KERNELS_F16
                            ? pack_f16_to_f32(((uint16_t *)panels)[at]) == rows[o][i]
                            : pack_bf16_to_f32(((uint16_t *)panels)[pair]) == rows[o][i];
            }
        }
        check(good, "panels of %s: rows go in where the format says, and come back",
              pack_dtype(w.dtype)->name);
    }
}

/* Rows as int8: the largest becomes 127 in size, each value the nearest multiple of the scale; they
 * come back as those multiples, smoothed or not, from quads. */
static void test_q8(void)
{
    enum { IN = 67, OUT = 45 };
    unsigned char *panels = check_guarded(pack_bytes(KERNELS_Q8, OUT, IN), false);
    float scale[OUT], smooth[IN], row[IN], back[IN], rows[OUT][IN];
    struct kernels_linear w = {
        .panels = panels, .in = IN, .out = OUT, .scale = scale, .dtype = KERNELS_Q8};
    bool good = true, nearest = true;

    for (size_t i = 0; i < IN; i++) {
        smooth[i] = ldexpf(1, (int)(i % 7) - 3);
    }
    for (size_t o = 0; o < OUT; o++) {
        int8_t q[IN];
        int32_t sum = 77, most = 0, want = 0;
        for (size_t i = 0; i < IN; i++) {
            row[i] = ldexpf(check_uniform(&seed), (int)o - 20);
        }
        scale[o] = pack_quantise(q, &sum, row, IN);
        for (size_t i = 0; i < IN; i++) {
            most = abs(q[i]) > most ? abs(q[i]) : most;
            want += q[i];
            rows[o][i] = q[i] * scale[o];
            nearest &= fabs(q[i] - (double)row[i] / scale[o]) <= 0.500001;
        }
        nearest &= most == 127 && sum == want;
        good &= pack_row(panels, KERNELS_Q8, IN, o, q);
        for (size_t i = 0; i < IN; i++) {
            size_t quad = (o / 32 * 32 + i / 4) * 128 + o % 32 * 4 + i % 4;
            good &= ((int8_t *)panels)[quad] == q[i];
        }
    }
    check(nearest, "int8: the largest is 127 steps, each value the nearest step, sums are theirs");
    for (int smoothed = 0; smoothed < 2; smoothed++) {
        w.smooth = smoothed ? smooth : NULL;
        for (size_t o = 0; o < OUT; o++) {
            good &= pack_unpack_row(back, &w, o);
            for (size_t i = 0; i < IN; i++) {
                good &= back[i] == rows[o][i] * (smoothed ? smooth[i] : 1);
            }
        }
    }
    check(good, "panels of q8: quads go in where the format says, and come back scaled");

    static const float few[][3] = {{0, 0, 0}, {0, 1e-45f, -1e-45f}, {3e38f, -3.4e38f, 1}};
    for (size_t i = 0; i < 3; i++) {
        int8_t q[3];
        int32_t sum;
        float s = pack_quantise(q, &sum, few[i], 3);
        check(isfinite(s) && s > 0 && isnormal(s) && sum == q[0] + q[1] + q[2] &&
                  (i < 2 ? q[1] == 0 : q[1] == -127),
              "int8 of {%g, %g, %g}: %d, %d, %d times %g", (double)few[i][0], (double)few[i][1],
              (double)few[i][2], q[0], q[1], q[2], (double)s);
    }
}

static void test_f16(void)
{
    bool good = true;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = pack_f16_to_f32((uint16_t)h);
        int e = (int)(h >> 10 & 31);
        double want =
            ldexp(e == 0 ? (double)(h & 1023) : 1024 + (double)(h & 1023), (e ? e : 1) - 25);
        if (e == 31) {
            good &= (h & 1023) ? isnan(f) : isinf(f);
        } else {
            good &= fabs((double)f) == want && !signbit(f) == !(h >> 15);
        }
        good &= isnan(f) || pack_f32_to_f16(f) == h;
    }
    check(good, "binary16: all 65536 values widen exactly and round back");
    good = true;
    for (int i = 0; i < 2000000; i++) { /* nearest: no other half is closer, ties go to even */
        float f = ldexpf(check_uniform(&seed), (int)(check_random(&seed) % 44) - 27);
        uint16_t h = pack_f32_to_f16(f);
        double d = fabs((double)pack_f16_to_f32(h) - f);
        if ((h & 0x7fff) < 0x7bff) {
            double up = fabs((double)pack_f16_to_f32((uint16_t)(h + 1)) - f);
            double down = h & 0x7fff ? fabs((double)pack_f16_to_f32((uint16_t)(h - 1)) - f) : 1e9;
            good &= d <= up && d <= down && ((d != up && d != down) || h % 2 == 0);
        }
    }
    check(good && pack_f32_to_f16(65519.9f) == 0x7bff && pack_f32_to_f16(65520) == 0x7c00,
          "binary16: 2 million random floats round to nearest even");
}

/* Against the definition: the sign, 8 bits of exponent and 7 of fraction of a binary32. */
static void test_bf16(void)
{
    bool good = true;

    for (uint32_t h = 0; h < 65536; h++) {
        float f = pack_bf16_to_f32((uint16_t)h);
        int e = (int)(h >> 7 & 255);
        double want =
            ldexp(e == 0 ? (double)(h & 127) : 128 + (double)(h & 127), (e ? e : 1) - 134);
        if (e == 255) {
            good &= (h & 127) ? isnan(f) && isnan(pack_bf16_to_f32(pack_f32_to_bf16(f))) : isinf(f);
        } else {
            good &= fabs((double)f) == want && !signbit(f) == !(h >> 15);
        }
        good &= isnan(f) || pack_f32_to_bf16(f) == h;
    }
    check(good, "bfloat16: all 65536 values widen exactly and round back");
    good = true;
    for (int i = 0; i < 2000000; i++) { /* nearest: no other is closer, ties go to even */
        float f = ldexpf(check_uniform(&seed), (int)(check_random(&seed) % 250) - 140);
        uint16_t h = pack_f32_to_bf16(f);
        double d = fabs((double)pack_bf16_to_f32(h) - f);
        if ((h & 0x7fff) < 0x7f7f) {
            double up = fabs((double)pack_bf16_to_f32((uint16_t)(h + 1)) - f);
            double down = h & 0x7fff ? fabs((double)pack_bf16_to_f32((uint16_t)(h - 1)) - f) : 1e99;
            good &= d <= up && d <= down && ((d != up && d != down) || h % 2 == 0);
        }
    }
    check(good && pack_f32_to_bf16(3.4e38f) == 0x7f80 && pack_f32_to_bf16(0x1.fefp127f) == 0x7f7f,
          "bfloat16: 2 million random floats round to nearest even");
}

/* A table in plain rows: 3 rows of 5 values that all types hold exactly. */
static void test_tables(void)
{
    float want[3][5], got[5];
    uint16_t halves[3][5], brains[3][5];
    bool good = true;

    for (size_t r = 0; r < 3; r++) {
        for (size_t i = 0; i < 5; i++) {
            want[r][i] = ldexpf((float)(r * 5 + i) - 7, -3);
            halves[r][i] = pack_f32_to_f16(want[r][i]);
            brains[r][i] = pack_f32_to_bf16(want[r][i]);
        }
    }
    for (size_t r = 0; r < 3; r++) {
        good &=
            pack_table_row(got, KERNELS_F32, want, r, 5) && memcmp(got, want[r], sizeof got) == 0;
        good &=
            pack_table_row(got, KERNELS_F16, halves, r, 5) && memcmp(got, want[r], sizeof got) == 0;
        good &= pack_table_row(got, KERNELS_BF16, brains, r, 5) &&
                memcmp(got, want[r], sizeof got) == 0;
    }
    check(good, "rows of a table of f32, of f16 and of bf16");
}

/* Whatever type the table has, some gemm multiplies with, exactly and fast. */
static void test_computable(void)
{
    for (unsigned d = KERNELS_F32; pack_dtype((enum kernels_dtype)d) != NULL; d++) {
        struct kernels_linear w = {
            .in = 64, .out = 32, .in_padded = 64, .out_padded = 32, .dtype = (enum kernels_dtype)d};
        for (size_t i = 0; kernels_all[i] != NULL; i++) {
            struct kernels k;
            if (kernels_find(kernels_all[i]->name, &k)) {
                check(kernels_choose(&k, &w, KERNELS_EXACT) != NULL &&
                          kernels_choose(&k, &w, KERNELS_FAST) != NULL,
                      "%s multiplies %s", k.name, pack_dtype(w.dtype)->name);
            }
        }
    }
}

int main(void)
{
    test_dtypes();
    test_panels();
    test_q8();
    test_tables();
    test_computable();
    test_f16();
    test_bf16();
    return check_done();
}
