/* q8_avxvnni.h - int8 products of AVX-VNNI: quads of bytes and signed bytes, exactly (VPDPBUSD does
 * not saturate), from the panels as they lie.  See q8_scalar.h for what each name means. */
#include <string.h>

typedef __m256i q8_group;
typedef uint8_t q8_act;
typedef int8_t q8_weight;
#define Q8_GROUP 4
#define Q8_BIAS  0

static inline q8_group q8_spread(const q8_act *x)
{
    int32_t group;
    memcpy(&group, x, sizeof group);
    return _mm256_set1_epi32(group);
}
static inline q8_group q8_load(const q8_weight *w)
{
    return _mm256_loadu_si256((const __m256i *)w);
}
/* Without the empty statement GCC 12 stores each sum at every step. */
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    sum = _mm256_dpbusd_avx_epi32(sum, x, w);
    __asm__("" : "+x"(sum));
    return sum;
}
