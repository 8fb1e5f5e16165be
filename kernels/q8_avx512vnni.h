/* q8_avx512vnni.h - int8 products of AVX512-VNNI, as q8_avxvnni.h, twice as wide. */
#include <string.h>

typedef __m512i q8_group;
typedef uint8_t q8_act;
typedef int8_t q8_weight;
#define Q8_GROUP 4
#define Q8_BIAS  0

static inline q8_group q8_spread(const q8_act *x)
{
    int32_t group;
    memcpy(&group, x, sizeof group);
    return _mm512_set1_epi32(group);
}
static inline q8_group q8_load(const q8_weight *w)
{
    return _mm512_loadu_si512(w);
}
/* Without the empty statement GCC 12 stores each sum at every step. */
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    sum = _mm512_dpbusd_epi32(sum, x, w);
    __asm__("" : "+v"(sum));
    return sum;
}
