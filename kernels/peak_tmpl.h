/* peak_tmpl.h - what the multiply-add units do when nothing else holds them up: the 100 % that
 * `clipc bench` holds each gemm against (the roof of the roofline model: Williams, Waterman &
 * Patterson 2009).  Measured and not computed from a clock rate, because CPUs change theirs with
 * the load and with the width of the vectors. */

enum { PEAK_CHAINS = 12 }; /* hides a latency of 4 to 6 cycles in two units; fits 16 registers */

/* PEAK_CHAINS independent x = a x + b, `steps` times.  The caller chooses a and b (bench: so that x
 * stays a normal number; a subnormal takes a hundred times as long), which the compiler does not
 * know, and takes the sum of all lanes, so that it may leave nothing out. */
static size_t peak(float *sink, size_t steps)
{
    vec x[PEAK_CHAINS], a = v_set1(sink[1]), b = v_set1(sink[2]);
    float lanes[VL];

    for (size_t c = 0; c < PEAK_CHAINS; c++) {
        x[c] = v_set1(sink[0]);
    }
    for (size_t i = 0; i < steps; i++) {
        for (size_t c = 0; c < PEAK_CHAINS; c++) {
            x[c] = v_fma(x[c], a, b);
        }
    }
    for (size_t c = 1; c < PEAK_CHAINS; c++) {
        x[0] = v_add(x[0], x[c]);
    }
    v_store(lanes, x[0]);
    *sink = 0;
    for (size_t l = 0; l < VL; l++) {
        *sink += lanes[l];
    }
    return steps * PEAK_CHAINS * VL * 2;
}

/* Two fewer: with 12 GCC 12 spills a sum of AVX2, and its way through memory is the slowest. */
enum { Q8_PEAK_CHAINS = 10 };

/* The same of int8 products: sum += x q of VL lanes, Q8_GROUP inputs each.  Chains begin apart, at
 * the products of x + c, lest the compiler sees that they are all one. */
static size_t q8_peak(float *sink, size_t steps)
{
    q8_act x[Q8_PEAK_CHAINS + Q8_GROUP];
    q8_weight w[VL * Q8_GROUP];
    const int32_t zeros[VL] = {0};
    qvec sums[Q8_PEAK_CHAINS];
    float lanes[VL];

    for (size_t i = 0; i < Q8_PEAK_CHAINS + Q8_GROUP; i++) {
        x[i] = (q8_act)(sink[0] + (float)i);
    }
    for (size_t i = 0; i < VL * Q8_GROUP; i++) {
        w[i] = (q8_weight)sink[2];
    }
    q8_group a = q8_spread(x), b = q8_load(w);
    for (size_t c = 0; c < Q8_PEAK_CHAINS; c++) {
        sums[c] = q8_dot(q8_zero(), q8_spread(x + c), b);
    }
    for (size_t i = 0; i < steps; i++) {
        for (size_t c = 0; c < Q8_PEAK_CHAINS; c++) {
            sums[c] = q8_dot(sums[c], a, b);
        }
    }
    *sink = 0;
    for (size_t c = 0; c < Q8_PEAK_CHAINS; c++) {
        v_store(lanes, q8_float(sums[c], 0, zeros));
        for (size_t l = 0; l < VL; l++) {
            *sink += lanes[l];
        }
    }
    return steps * Q8_PEAK_CHAINS * VL * Q8_GROUP * 2;
}

#ifdef KERNELS_HAS_BF16
/* The same of bfloat16's: sum += a b + a b, of chains that begin one apart. */
static size_t bf16_peak(float *sink, size_t steps)
{
    uint16_t factors[2 * VL], other[2 * VL];
    vec sums[PEAK_CHAINS];
    float lanes[VL];

    bf16_store_pairs(factors, v_set1(sink[1]), v_set1(sink[1]));
    bf16_store_pairs(other, v_set1(sink[2]), v_set1(sink[2]));
    bf16_pairs a = bf16_load(factors), b = bf16_load(other);
    for (size_t c = 0; c < PEAK_CHAINS; c++) {
        sums[c] = v_set1(sink[0] + (float)c);
    }
    for (size_t i = 0; i < steps; i++) {
        for (size_t c = 0; c < PEAK_CHAINS; c++) {
            sums[c] = bf16_dot(sums[c], a, b);
        }
    }
    for (size_t c = 1; c < PEAK_CHAINS; c++) {
        sums[0] = v_add(sums[0], sums[c]);
    }
    v_store(lanes, sums[0]);
    *sink = 0;
    for (size_t l = 0; l < VL; l++) {
        *sink += lanes[l];
    }
    return steps * PEAK_CHAINS * VL * 2 * 2;
}
#endif
