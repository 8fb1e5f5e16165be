/* vec_avx512.h - 16 floats: AVX-512 F, BW, DQ, VL.  See vec_scalar.h for what each name means. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* 32 registers hold a taller block: a step is 2 loads of weights and 14 broadcasts, which cost no
 * register (a multiply-add takes one operand from memory and spreads it), for 28 multiply-adds.
 * kernels/README.md has the table of shapes. */
typedef __m512 vec;
#define VL 16
#define MR 14 /* 14 x 2 accumulators, 2 weights, activations broadcast from memory: 30 of 32 */
#define NV 2

static inline vec v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, vec a)
{
    _mm512_storeu_ps(p, a);
}
/* Mask registers: bit i is lane i.  Lanes left out are zeros and touch no memory. */
static inline vec v_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void v_store_part(float *p, size_t n, vec a)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
/* Part of AVX-512 F, no F16C needed. */
static inline vec v_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
/* A bfloat16 is the upper half of a float: in each 32 bits the first of a pair lies below. */
static inline vec v_load_bf16(const uint16_t *p, vec *second)
{
    __m512i pairs = _mm512_loadu_si512(p);
    *second = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
}
static inline vec v_zero(void)
{
    return _mm512_setzero_ps();
}
static inline vec v_set1(float x)
{
    return _mm512_set1_ps(x);
}
static inline vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
static inline vec v_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}
static inline vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}
static inline vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
static inline vec v_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}
static inline vec v_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
/* The low bits of its operand are AVX2's rounding mode; the high ones, 0, ask for whole numbers. */
static inline vec v_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* VSCALEFPS: 1 * 2^floor(n), in one instruction. */
static inline vec v_pow2(vec n)
{
    return _mm512_scalef_ps(_mm512_set1_ps(1), n);
}
static inline vec v_zero_below(vec a, vec x, vec t)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, t, _CMP_GE_OQ), a);
}
static inline float v_sqrt1(float x)
{
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}
/* Halves are added like AVX2's, so the order is written down and not the compiler's. */
static inline float v_sum(vec a)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
static inline float v_hmax(vec a)
{
    return _mm512_reduce_max_ps(a);
}

/* 16 x 16: pairs of rows by element, by pairs, then quarters twice. */
static inline void v_transpose(vec t[VL])
{
    vec a[VL], b[VL];

    for (int i = 0; i < VL; i += 2) {
        a[i] = _mm512_unpacklo_ps(t[i], t[i + 1]);
        a[i + 1] = _mm512_unpackhi_ps(t[i], t[i + 1]);
    }
    for (int i = 0; i < VL; i += 4) {
        for (int j = 0; j < 2; j++) {
            b[i + 2 * j] = _mm512_shuffle_ps(a[i + j], a[i + j + 2], 0x44);
            b[i + 2 * j + 1] = _mm512_shuffle_ps(a[i + j], a[i + j + 2], 0xee);
        }
    }
    /* Quarter q of b[4 g + c] is column 4 q + c of rows 4 g to 4 g + 3. */
    for (int c = 0; c < 4; c++) {
        vec even0 = _mm512_shuffle_f32x4(b[c], b[c + 4], 0x88);
        vec even1 = _mm512_shuffle_f32x4(b[c + 8], b[c + 12], 0x88);
        vec odd0 = _mm512_shuffle_f32x4(b[c], b[c + 4], 0xdd);
        vec odd1 = _mm512_shuffle_f32x4(b[c + 8], b[c + 12], 0xdd);
        t[c] = _mm512_shuffle_f32x4(even0, even1, 0x88);
        t[c + 4] = _mm512_shuffle_f32x4(odd0, odd1, 0x88);
        t[c + 8] = _mm512_shuffle_f32x4(even0, even1, 0xdd);
        t[c + 12] = _mm512_shuffle_f32x4(odd0, odd1, 0xdd);
    }
}

/* Sums of int8 products (q8_*.h). */
typedef __m512i qvec;

static inline qvec q8_zero(void)
{
    return _mm512_setzero_si512();
}
static inline vec q8_float(qvec sum, int32_t zero, const int32_t *sums)
{
    __m512i shift = _mm512_mullo_epi32(_mm512_set1_epi32(zero), _mm512_loadu_si512(sums));
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, shift));
}
