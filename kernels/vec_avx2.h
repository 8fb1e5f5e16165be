/* vec_avx2.h - 8 floats: AVX2, FMA, F16C.  See vec_scalar.h for what each name means.
 * The instructions behind the names: Intel SDM volume 2, or the Intrinsics Guide. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* The block of BLIS's sgemm for the same CPUs (haswell, 6 x 16): a step is 2 loads of weights and 6
 * broadcasts for 12 multiply-adds.  Two of each go in a cycle, so that loads (4 cycles) never hold
 * up the multiply-adds (6), and 12 sums are enough to hide a latency of up to 6 cycles. */
typedef __m256 vec;
#define VL 8
#define MR 6 /* 6 x 2 accumulators, 2 weights, 1 activation: 15 of 16 registers */
#define NV 2

/* n lanes of ones, then zeros: a window that slides over eight of each.  Lanes that a mask leaves
 * out are not touched, even where the page behind the row cannot be read. */
static inline __m256i avx2_mask(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(ones + 8 - n));
}
static inline vec v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void v_store(float *p, vec a)
{
    _mm256_storeu_ps(p, a);
}
static inline vec v_load_part(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, avx2_mask(n));
}
static inline void v_store_part(float *p, size_t n, vec a)
{
    _mm256_maskstore_ps(p, avx2_mask(n), a);
}
/* VCVTPH2PS: subnormals and NaN too, whatever the mode of denormals is. */
static inline vec v_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
/* A bfloat16 is the upper half of a float: in each 32 bits the first of a pair lies below. */
static inline vec v_load_bf16(const uint16_t *p, vec *second)
{
    __m256i pairs = _mm256_loadu_si256((const __m256i *)p);
    *second = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}
static inline vec v_zero(void)
{
    return _mm256_setzero_ps();
}
static inline vec v_set1(float x)
{
    return _mm256_set1_ps(x);
}
static inline vec v_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}
static inline vec v_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}
static inline vec v_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}
static inline vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}
static inline vec v_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}
static inline vec v_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vec v_round(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* The exponent field is n + 127; n is whole and its conversion exact. */
static inline vec v_pow2(vec n)
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}
/* The comparison's lanes are all ones or all zeros; false for NaN. */
static inline vec v_zero_below(vec a, vec x, vec t)
{
    return _mm256_and_ps(a, _mm256_cmp_ps(x, t, _CMP_GE_OQ));
}
/* One lane of SSE, correctly rounded (IEEE 754); the reciprocal square root would be 12 bits. */
static inline float v_sqrt1(float x)
{
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}
/* ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)): halves folded onto one another. */
static inline float v_sum(vec a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
/* Folded the same way, though a largest has no order. */
static inline float v_hmax(vec a)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

/* 8 x 8: pairs of rows by element, by pairs, by halves. */
static inline void v_transpose(vec t[VL])
{
    vec a[VL], b[VL];

    for (int i = 0; i < VL; i += 2) {
        a[i] = _mm256_unpacklo_ps(t[i], t[i + 1]);
        a[i + 1] = _mm256_unpackhi_ps(t[i], t[i + 1]);
    }
    for (int i = 0; i < VL; i += 4) {
        for (int j = 0; j < 2; j++) {
            b[i + 2 * j] = _mm256_shuffle_ps(a[i + j], a[i + j + 2], 0x44);
            b[i + 2 * j + 1] = _mm256_shuffle_ps(a[i + j], a[i + j + 2], 0xee);
        }
    }
    for (int i = 0; i < VL / 2; i++) {
        t[i] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
    }
}

/* Sums of int8 products (q8_*.h). */
typedef __m256i qvec;

static inline qvec q8_zero(void)
{
    return _mm256_setzero_si256();
}
static inline vec q8_float(qvec sum, int32_t zero, const int32_t *sums)
{
    __m256i shift =
        _mm256_mullo_epi32(_mm256_set1_epi32(zero), _mm256_loadu_si256((const __m256i *)sums));
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(sum, shift));
}
