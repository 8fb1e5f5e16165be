/* q8_avx512.h - int8 products of AVX-512 BW: pairs of 16 bits, as q8_avx2.h, twice as wide. */
#include <string.h>

typedef __m512i q8_group;
typedef int16_t q8_act, q8_weight;
#define Q8_GROUP 2
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
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    __m512i pairs;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+v"(sum), "=&v"(pairs) : "v"(x), "v"(w));
    return sum;
}
static inline void q8_widen(q8_weight *to, const int8_t *from)
{
    const __m128i two = _mm_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13);
    const __m128i last = _mm_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15);
    for (size_t c = 0; c < 32; c += 16) {
        __m512i quads = _mm512_loadu_si512(from + c * 4);
        __m512i a = _mm512_shuffle_epi8(quads, _mm512_broadcast_i32x4(two));
        __m512i b = _mm512_shuffle_epi8(quads, _mm512_broadcast_i32x4(last));
        _mm512_storeu_si512(to + c * 2, _mm512_srai_epi16(a, 8));
        _mm512_storeu_si512(to + 64 + c * 2, _mm512_srai_epi16(b, 8));
    }
}
