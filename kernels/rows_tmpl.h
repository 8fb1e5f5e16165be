/* rows_tmpl.h - kernels over one row: layer_norm, softmax, activation, l2, dot. */

static inline vec load_n(const float *p, size_t n)
{
    return n < VL ? v_load_part(p, n) : v_load(p);
}

static inline void store_n(float *p, size_t n, vec a)
{
    if (n < VL) {
        v_store_part(p, n, a);
    } else {
        v_store(p, a);
    }
}

/* Mean in two parts, m + d: rows whose mean is a thousand times their spread lose nothing, because
 * x - m is exact or nearly so and the correction d is the mean of what the first mean left over. */
struct row_stats {
    float m, d, scale; /* y = ((x - m) - d) * scale */
};

static struct row_stats row_stats(const float *x, size_t n, float eps)
{
    struct row_stats s;
    vec sum = v_zero(), squares = v_zero();
    size_t i;

    for (i = 0; i < n; i += VL) {
        sum = v_add(sum, load_n(x + i, n - i < VL ? n - i : VL));
    }
    s.m = v_sum(sum) / (float)n;
    sum = v_zero();
    for (i = 0; i + VL <= n; i += VL) {
        sum = v_add(sum, v_sub(v_load(x + i), v_set1(s.m)));
    }
    s.d = v_sum(sum);
    for (; i < n; i++) {
        s.d += x[i] - s.m;
    }
    s.d /= (float)n;
    for (i = 0; i + VL <= n; i += VL) {
        vec c = v_sub(v_sub(v_load(x + i), v_set1(s.m)), v_set1(s.d));
        squares = v_fma(c, c, squares);
    }
    float variance = v_sum(squares);
    for (; i < n; i++) {
        float c = (x[i] - s.m) - s.d;
        variance += c * c;
    }
    s.scale = 1.0f / v_sqrt1(variance / (float)n + eps);
    return s;
}

static inline vec normalised(const float *x, size_t n, const struct row_stats *s,
                             const float *gamma, const float *beta)
{
    vec c = v_sub(v_sub(load_n(x, n), v_set1(s->m)), v_set1(s->d));
    return v_fma(v_mul(c, v_set1(s->scale)), load_n(gamma, n), load_n(beta, n));
}

static void layer_norm(float *y, const float *x, size_t n, const struct kernels_layer_norm *ln)
{
    struct row_stats s = row_stats(x, n, ln->eps);

    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        store_n(y + i, m, normalised(x + i, m, &s, ln->gamma + i, ln->beta + i));
    }
}

/* Exact zeros behind the row (a causal mask) would not change a bit: sums go lane by lane. */
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

static void activation(float *y, const float *x, size_t n, enum kernels_activation kind)
{
    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        store_n(y + i, m, v_activation(load_n(x + i, m), kind));
    }
}

static float dot(const float *x, const float *y, size_t n)
{
    vec sum = v_zero();

    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        sum = v_fma(load_n(x + i, m), load_n(y + i, m), sum);
    }
    return v_sum(sum);
}

static void l2(float *y, const float *x, size_t n)
{
    float length = v_sqrt1(dot(x, x, n));

    for (size_t i = 0; i < n; i += VL) {
        size_t m = n - i < VL ? n - i : VL;
        vec a = load_n(x + i, m);
        store_n(y + i, m, length > 0 ? v_div(a, v_set1(length)) : a);
    }
}
