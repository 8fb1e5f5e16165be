/* q8_avx2.h - int8 products of AVX2: pairs of 16 bits, exactly (VPMADDWD).  VPMADDUBSW takes bytes,
 * but its sums of two saturate at 16 bits, which 2 * 255 * 127 exceeds.  So weights are widened,
 * once for each panel.  See q8_scalar.h for what each name means. */
#include <string.h>

typedef __m256i q8_group;
typedef int16_t q8_act, q8_weight;
#define Q8_GROUP 2
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
/* Two instructions in one statement: GCC 12 puts them far apart and spills half of the sums. */
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    __m256i pairs;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(pairs) : "x"(x), "x"(w));
    return sum;
}
/* A byte goes into the upper half of its 16 bits, and a shift brings it down with its sign: the
 * first two of each quad, and the other two. */
static inline void q8_widen(q8_weight *to, const int8_t *from)
{
    const __m128i two = _mm_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13);
    const __m128i last = _mm_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15);
    for (size_t c = 0; c < 32; c += 8) {
        __m256i quads = _mm256_loadu_si256((const __m256i *)(from + c * 4));
        __m256i a = _mm256_shuffle_epi8(quads, _mm256_broadcastsi128_si256(two));
        __m256i b = _mm256_shuffle_epi8(quads, _mm256_broadcastsi128_si256(last));
        _mm256_storeu_si256((__m256i *)(to + c * 2), _mm256_srai_epi16(a, 8));
        _mm256_storeu_si256((__m256i *)(to + 64 + c * 2), _mm256_srai_epi16(b, 8));
    }
}
