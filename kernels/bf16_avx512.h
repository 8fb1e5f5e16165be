/* bf16_avx512.h - the products of AVX512-BF16.  VDPBF16PS adds the second product of a pair to its
 * sum and then the first, rounding to nearest each time; it takes subnormal numbers for 0 and makes
 * none.  What every bf16_<isa>.h defines beside its vec_<isa>.h:
 *
 *   bf16_pairs             VL pairs of bfloat16
 *   bf16_spread(x)         the pair at x for each lane
 *   bf16_load(w)           the VL pairs at w
 *   bf16_dot(s,a,b)        s + a[0] b[0] + a[1] b[1], lane by lane
 *   bf16_store(to,v)       to[VL] = v, rounded to nearest even; NaN stays NaN
 *   bf16_store_pairs(to,first,second)   to[VL][2], rounded so
 *
 * and KERNELS_HAS_BF16. */
#include <string.h>

#define KERNELS_HAS_BF16

typedef __m512bh bf16_pairs;

static inline bf16_pairs bf16_spread(const uint16_t *x)
{
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}
static inline bf16_pairs bf16_load(const uint16_t *w)
{
    return (__m512bh)_mm512_loadu_si512(w);
}
/* Without the empty statement GCC 12 stores each sum at every step. */
static inline vec bf16_dot(vec sum, bf16_pairs a, bf16_pairs b)
{
    sum = _mm512_dpbf16_ps(sum, a, b);
    __asm__("" : "+v"(sum));
    return sum;
}
static inline void bf16_store(uint16_t *to, vec v)
{
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(v));
}
static inline void bf16_store_pairs(uint16_t *to, vec first, vec second)
{
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
    _mm512_storeu_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}
