/* vec_math.h - exp and the three GELUs over `vec`: Hendrycks & Gimpel 2016, "Gaussian Error Linear
 * Units", section 2.  GELU(x) = x Phi(x) with Phi the normal distribution's (1 + erf(x / sqrt 2)) /
 * 2; the two others are their approximations of it.  They differ by up to 0.02 (quick) and 5e-4
 * (tanh), and twelve layers make more of that: a model wants the one that it was trained with.
 *
 * No tables and no branches: every lane takes the same way.  Polynomials by Horner's rule, which is
 * one multiply-add for each coefficient.  Errors are those that tests/test_kernels.c measures over
 * all sets, against double. */

/* e^x, relative error < 2e-7 for x in [-87, 88]; above 88 as at 88, below -87.3 exactly 0 (softmax
 * counts on that for -inf).  x = n ln 2 + r with n whole; ln 2 in two parts keeps r exact (Cody and
 * Waite 1980); e^r = 1 + r + r^2 p(r), p fitted for relative error 3e-9 on |r| <= ln 2 / 2 by
 * reweighted least squares on Chebyshev nodes. */
static inline vec v_exp(vec x)
{
    /* Between these 2^n is a normal float (n from -126 to 127), and so v_pow2 needs no cases. */
    vec c = v_max(v_min(x, v_set1(88.0f)), v_set1(-87.3f));
    vec n = v_round(v_mul(c, v_set1(1.44269504088896341f)));
    vec r = v_fma(n, v_set1(-0.693359375f), c);
    r = v_fma(n, v_set1(2.12194440e-4f), r);
    vec p = v_set1(0.00138146185f);
    p = v_fma(p, r, v_set1(0.00836871008f));
    p = v_fma(p, r, v_set1(0.0416683873f));
    p = v_fma(p, r, v_set1(0.166665207f));
    p = v_fma(p, r, v_set1(0.499999935f));
    p = v_fma(v_mul(r, r), p, v_add(r, v_set1(1)));
    return v_zero_below(v_mul(p, v_pow2(n)), x, v_set1(-87.3f));
}

/* erf(x), absolute error < 4.2e-7: x P(x^2) / Q(x^2) on |x| <= 3.925, beyond which a float's erf is
 * 1 but for 3e-8.  Fitted as above to relative error 2e-8; the rest is rounding. */
static inline vec v_erf(vec x)
{
    vec z = v_max(v_min(x, v_set1(3.925f)), v_set1(-3.925f)), s = v_mul(z, z);
    vec p = v_set1(2.04597586e-6f), q = v_set1(3.80477104e-5f);
    p = v_fma(p, s, v_set1(0.000284852431f));
    q = v_fma(q, s, v_set1(0.00116394518f));
    p = v_fma(p, s, v_set1(0.0037729016f));
    q = v_fma(q, s, v_set1(0.0149838952f));
    p = v_fma(p, s, v_set1(0.0527703688f));
    q = v_fma(q, s, v_set1(0.114186063f));
    p = v_fma(p, s, v_set1(0.190601826f));
    q = v_fma(q, s, v_set1(0.502249181f));
    p = v_fma(p, s, v_set1(1.12837911f));
    q = v_fma(q, s, v_set1(1));
    return v_div(v_mul(z, p), q);
}

/* x * sigmoid(a) = x / (1 + e^-a): right at both ends: a to +inf is x / (1 + 0), a to -inf x /
 * e^88, as good as 0. */
static inline vec v_times_sigmoid(vec x, vec a)
{
    return v_div(x, v_add(v_set1(1), v_exp(v_sub(v_zero(), a))));
}

/* What the file's header names: QuickGELU of openai/CLIP's model.py; nn.GELU of PyTorch, exact or
 * with approximate="tanh".  Relative to |x|: quick and tanh GELU < 4e-7, erf GELU < 3e-7. */
static inline vec v_activation(vec x, enum kernels_activation activation)
{
    switch (activation) {
    case KERNELS_QUICK_GELU:
        return v_times_sigmoid(x, v_mul(x, v_set1(1.702f)));
    case KERNELS_GELU_ERF: {
        vec half = v_mul(x, v_set1(0.5f));
        return v_fma(half, v_erf(v_mul(x, v_set1(0.707106781f))), half);
    }
    case KERNELS_GELU_TANH: {
        /* (1 + tanh u) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3) */
        vec cube = v_mul(v_mul(x, x), v_mul(x, v_set1(0.044715f)));
        return v_times_sigmoid(x, v_mul(v_add(x, cube), v_set1(1.59576912f)));
    }
    case KERNELS_LINEAR:
        break;
    }
    return x;
}
