/* peak_tmpl.h - what the multiply-add units do when nothing else holds them up. */

enum { PEAK_CHAINS = 12 }; /* hides a latency of 4 to 6 cycles in two units; fits 16 registers */

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
