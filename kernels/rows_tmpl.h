/* rows_tmpl.h - kernels over one row: layer_norm, softmax, activation, l2, dot.
 *
 * A row is n floats, not padded: whole vectors first, then the n % VL that are left through the
 * part loads, which read and write nothing behind the row.  Sums go lane by lane over the whole
 * row and end in v_sum, so that their order depends on n alone. */

/* The first n <= VL floats at p, zeros behind. */
static inline vec load_n(const float *p, size_t n)
{
    return n < VL ? v_load_part(p, n) : v_load(p);
}

/* The first n <= VL lanes of a. */
static inline void store_n(float *p, size_t n, vec a)
{
    if (n < VL) {
        v_store_part(p, n, a);
    } else {
        v_store(p, a);
    }
}

/* What LayerNorm wants to know of a row: Ba et al. 2016, section 3, equation 3: the mean over the
 * row's n values and the root of their mean squared distance from it (n below, not n - 1); eps
 * under the root is PyTorch's.
 *
 * Mean in two parts, m + d: rows whose mean is a thousand times their spread lose nothing, because
 * x - m is exact or nearly so and the correction d is the mean of what the first mean left over
 * (the corrected two-pass algorithm: Chan, Golub & LeVeque 1983).  E[x^2] - mean^2, which needs one
 * pass less, would be the difference of two large numbers: tests/test_kernels.c has rows of mean
 * 1000 and -30000. */
struct row_stats {
    float m, d, scale; /* y = ((x - m) - d) * scale */
};

/* Three passes over some rows in cache, of which each is summed by itself, and which wait for one
 * another's additions only.  The rest of a row may join the first sum as a part load, whose zeros
 * add nothing; of the other two it is summed by itself, because 0 - m is not 0. */
static inline __attribute__((always_inline)) void
row_stats_of(struct row_stats *s, const float *x, size_t stride, size_t rows, size_t n, float eps)
{
    vec sum[MR];
    float variance[MR];
    size_t i, whole = n / VL * VL;

    /* m: the mean, rounded to a float. */
    for (size_t r = 0; r < rows; r++) {
        sum[r] = v_zero();
    }
    for (i = 0; i < n; i += VL) {
        for (size_t r = 0; r < rows; r++) {
            sum[r] = v_add(sum[r], load_n(x + r * stride + i, n - i < VL ? n - i : VL));
        }
    }
    for (size_t r = 0; r < rows; r++) {
        s[r].m = v_sum(sum[r]) / (float)n;
        sum[r] = v_zero();
    }
    /* d: the mean of x - m, which is what that rounding, and those of the sum, left over. */
    for (i = 0; i < whole; i += VL) {
        for (size_t r = 0; r < rows; r++) {
            sum[r] = v_add(sum[r], v_sub(v_load(x + r * stride + i), v_set1(s[r].m)));
        }
    }
    for (size_t r = 0; r < rows; r++) {
        s[r].d = v_sum(sum[r]);
        for (i = whole; i < n; i++) {
            s[r].d += x[r * stride + i] - s[r].m;
        }
        s[r].d /= (float)n;
        sum[r] = v_zero();
    }
    /* The variance about m + d. */
    for (i = 0; i < whole; i += VL) {
        for (size_t r = 0; r < rows; r++) {
            vec c = v_sub(v_sub(v_load(x + r * stride + i), v_set1(s[r].m)), v_set1(s[r].d));
            sum[r] = v_fma(c, c, sum[r]);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        variance[r] = v_sum(sum[r]);
        for (i = whole; i < n; i++) {
            float c = (x[r * stride + i] - s[r].m) - s[r].d;
            variance[r] += c * c;
        }
        s[r].scale = 1.0f / v_sqrt1(variance[r] / (float)n + eps);
    }
}

static struct row_stats row_stats(const float *x, size_t n, float eps)
{
    struct row_stats s;

    row_stats_of(&s, x, n, 1, n, eps);
    return s;
}

/* s[rows] of x[rows, stride], three rows at a time: additions take 3 or 4 cycles. */
static void row_stats_each(struct row_stats *s, const float *x, size_t stride, size_t rows,
                           size_t n, float eps)
{
    size_t r = 0;

    for (; r + 3 <= rows; r += 3) {
        row_stats_of(s + r, x + r * stride, stride, 3, n, eps);
    }
    for (; r < rows; r++) {
        s[r] = row_stats(x + r * stride, n, eps);
    }
}

/* ((x - m) - d) * scale * gamma + beta of n <= VL values.  The two parts of the mean are subtracted
 * one after the other: m + d in one float would be m again. */
static inline vec normalised(const float *x, size_t n, const struct row_stats *s,
                             const float *gamma, const float *beta)
{
    vec c = v_sub(v_sub(load_n(x, n), v_set1(s->m)), v_set1(s->d));
    return v_fma(v_mul(c, v_set1(s->scale)), load_n(gamma, n), load_n(beta, n));
}

/* y[n] = ln(x[n]); act_pack of gemm_tmpl.h does the same on the way, with the same functions. */
static void layer_norm(float *y, const float *x, size_t n, const struct kernels_layer_norm *ln)
{
    struct row_stats s = row_stats(x, n, ln->eps);

    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        store_n(y + i, m, normalised(x + i, m, &s, ln->gamma + i, ln->beta + i));
    }
}

/* y_i = e^(x_i - max x) / sum_j e^(x_j - max x).  The largest is subtracted, which changes no
 * quotient, so that no power overflows and one of them is 1: the sum is never 0.
 * Exact zeros behind the row (a causal mask) would not change a bit: sums go lane by lane.
 *
 * The last, partial vector: its lanes behind n hold e^(0 - max), so that it is summed as it was
 * stored and loaded again, with zeros there.  Division and not multiplication by 1 / sum: one
 * rounding less, and a row is some hundred numbers. */
static void softmax(float *y, const float *x, size_t n)
{
    float highest = -HUGE_VALF, total;
    vec max = v_set1(-HUGE_VALF), sum = v_zero();
    size_t i;

    for (i = 0; i + VL <= n; i += VL) {
        max = v_max(max, v_load(x + i));
    }
    highest = v_hmax(max);
    for (; i < n; i++) {
        highest = x[i] > highest ? x[i] : highest;
    }
    for (i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        vec e = v_exp(v_sub(load_n(x + i, m), v_set1(highest)));
        store_n(y + i, m, e);
        sum = v_add(sum, m < VL ? v_load_part(y + i, m) : e);
    }
    total = v_sum(sum);
    for (i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        store_n(y + i, m, v_div(load_n(y + i, m), v_set1(total)));
    }
}

/* y = the GELU of x, each value by itself: vec_math.h.  gemm does this on its own, in registers; a
 * row is for those whose gemm cannot (blas). */
static void activation(float *y, const float *x, size_t n, enum kernels_activation kind)
{
    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        store_n(y + i, m, v_activation(load_n(x + i, m), kind));
    }
}

/* sum x_i y_i in VL partial sums. */
static float dot(const float *x, const float *y, size_t n)
{
    vec sum = v_zero();

    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        sum = v_fma(load_n(x + i, m), load_n(y + i, m), sum);
    }
    return v_sum(sum);
}

/* y = x / |x|: l2_normalize of CLIP's figure 3.  A row of zeros has no direction and stays. */
static void l2(float *y, const float *x, size_t n)
{
    float length = v_sqrt1(dot(x, x, n));

    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        vec a = load_n(x + i, m);
        store_n(y + i, m, length > 0 ? v_div(a, v_set1(length)) : a);
    }
}
