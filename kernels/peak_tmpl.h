/* peak_tmpl.h - what the multiply-add units do when nothing else holds them up: the 100 % that
 * `clipc bench` holds gemm against (the roof of the roofline model: Williams, Waterman &
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
