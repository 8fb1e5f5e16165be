/* vec_scalar.h - one float that pretends to be a vector: the reference, and the list of what every
 * vec_<isa>.h defines.
 *
 *   VL                     floats in a vec
 *   MR, NV                 gemm's register block: MR rows of NV vectors (32 % (NV * VL) == 0)
 *   v_load(p) v_store(p,v) unaligned;  v_load_part(p,n) v_store_part(p,n,v) the first n < VL, zeros
 *   v_load_f16(p)          VL binary16 values, widened exactly
 *   v_load_bf16(p,second)  VL pairs of bfloat16: the first of each, and in *second the second
 *   v_zero() v_set1(x) v_add v_sub v_mul v_div v_max v_min
 *   v_fma(a,b,c)           a * b + c (one rounding where the machine has it)
 *   v_round(a)             to the nearest whole number, ties to even
 *   v_pow2(n)              2^n for whole n in [-126, 127]
 *   v_zero_below(a,x,t)    a where x >= t, else 0
 *   v_sqrt1(x)             sqrt of one float, correctly rounded
 *   v_sum(a) v_hmax(a)     over the lanes, in one fixed order
 *   v_transpose(t)         t[i][j] becomes t[j][i], VL vectors in place
 *   qvec                   VL 32-bit sums of int8 products, which q8_scalar.h is about;  q8_zero()
 *   q8_float(s,zero,sums)  s - zero * sums[VL], in 32 bits that wrap round, then rounded to float
 *
 * Each name is one instruction of a CPU, or the few that do the same.  What is written with them
 * (the *_tmpl.h) is C that any compiler reads, and the same algorithm on every CPU; only the order
 * of a sum over lanes, and v_fma's rounding, differ between sets. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "pack.h"

/* 4 rows of 8 columns: 32 sums are more than a CPU has registers for one float at a time; a
 * compiler makes of the 8 neighbours in a row what it can (two vectors of SSE2 on x86). */
typedef float vec;
#define VL 1
#define MR 4
#define NV 8

static inline vec v_load(const float *p)
{
    return *p;
}
static inline void v_store(float *p, vec a)
{
    *p = a;
}
/* With one lane "the first n < VL" are none. */
static inline vec v_load_part(const float *p, size_t n)
{
    return n > 0 ? *p : 0;
}
static inline void v_store_part(float *p, size_t n, vec a)
{
    if (n > 0) {
        *p = a;
    }
}
static inline vec v_load_f16(const uint16_t *p)
{
    return pack_f16_to_f32(*p);
}
static inline vec v_load_bf16(const uint16_t *p, vec *second)
{
    *second = pack_bf16_to_f32(p[1]);
    return pack_bf16_to_f32(p[0]);
}
static inline vec v_zero(void)
{
    return 0;
}
static inline vec v_set1(float x)
{
    return x;
}
static inline vec v_add(vec a, vec b)
{
    return a + b;
}
static inline vec v_sub(vec a, vec b)
{
    return a - b;
}
static inline vec v_mul(vec a, vec b)
{
    return a * b;
}
static inline vec v_div(vec a, vec b)
{
    return a / b;
}
static inline vec v_max(vec a, vec b)
{
    return a > b ? a : b;
}
static inline vec v_min(vec a, vec b)
{
    return a < b ? a : b;
}
/* Two roundings: the compiler may not contract them (-ffp-contract=off), so that this set has the
 * same bits on every CPU. */
static inline vec v_fma(vec a, vec b, vec c)
{
    return a * b + c;
}
/* Floats from 2^23 to 2^24 are the whole numbers: adding one of them makes the FPU round a to a
 * whole number, ties to even, and taking it away again is exact. */
static inline vec v_round(vec a)
{
    return (a + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23: |a| stays far below */
}
/* A float with exponent field n + 127 and fraction 0 is 2^n. */
static inline vec v_pow2(vec n)
{
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}
/* A NaN in x is below everything: the comparison is false. */
static inline vec v_zero_below(vec a, vec x, vec t)
{
    return x >= t ? a : 0;
}
static inline float v_sqrt1(float x)
{
    return sqrtf(x);
}
static inline float v_sum(vec a)
{
    return a;
}
static inline float v_hmax(vec a)
{
    return a;
}

/* One by one. */
static inline void v_transpose(vec t[VL])
{
    (void)t;
}

typedef int32_t qvec;

static inline qvec q8_zero(void)
{
    return 0;
}
static inline vec q8_float(qvec sum, int32_t zero, const int32_t *sums)
{
    return (float)(int32_t)((uint32_t)sum - (uint32_t)zero * (uint32_t)*sums);
}
