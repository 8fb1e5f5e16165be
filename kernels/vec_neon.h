/* vec_neon.h - 4 floats: AArch64 Advanced SIMD.  See vec_scalar.h for what each name means. */
#include <arm_neon.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* 24 sums: two units (Neoverse N1) to four (Apple M1), each with a latency of 4 cycles, want 8 to
 * 16 under way.  4 vectors are 16 of a panel's 32 columns. */
typedef float32x4_t vec;
#define VL 4
#define MR 6 /* 6 x 4 accumulators, 4 weights, 1 activation: 29 of 32 registers */
#define NV 4

static inline vec v_load(const float *p)
{
    return vld1q_f32(p);
}
static inline void v_store(float *p, vec a)
{
    vst1q_f32(p, a);
}
/* There are no masked loads: lane by lane through the stack.  Only row ends come here. */
static inline vec v_load_part(const float *p, size_t n)
{
    float lanes[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        lanes[i] = p[i];
    }
    return vld1q_f32(lanes);
}
static inline void v_store_part(float *p, size_t n, vec a)
{
    float lanes[4];
    vst1q_f32(lanes, a);
    for (size_t i = 0; i < n; i++) {
        p[i] = lanes[i];
    }
}
/* FCVTL, which every AArch64 has; arithmetic in f16 would want an extension. */
static inline vec v_load_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
/* A bfloat16 is the upper half of a float: in each 32 bits the first of a pair lies below. */
static inline vec v_load_bf16(const uint16_t *p, vec *second)
{
    uint32x4_t pairs = vreinterpretq_u32_u16(vld1q_u16(p));
    *second = vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff0000)));
    return vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16));
}
static inline vec v_zero(void)
{
    return vdupq_n_f32(0);
}
static inline vec v_set1(float x)
{
    return vdupq_n_f32(x);
}
static inline vec v_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}
static inline vec v_sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}
static inline vec v_mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}
static inline vec v_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}
static inline vec v_max(vec a, vec b)
{
    return vmaxq_f32(a, b);
}
static inline vec v_min(vec a, vec b)
{
    return vminq_f32(a, b);
}
/* FMLA adds to its first operand: c + a * b, rounded once. */
static inline vec v_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
static inline vec v_round(vec a)
{
    return vrndnq_f32(a);
}
/* The exponent field is n + 127. */
static inline vec v_pow2(vec n)
{
    int32x4_t e = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(e, 23));
}
/* The comparison's lanes are all ones or all zeros; false for NaN. */
static inline vec v_zero_below(vec a, vec x, vec t)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), vcgeq_f32(x, t)));
}
static inline float v_sqrt1(float x)
{
    return sqrtf(x);
}
/* (0 + 2) + (1 + 3): written down, because vaddvq_f32 adds neighbours and its order is ours to
 * choose, once and for all. */
static inline float v_sum(vec a)
{
    float32x2_t s = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(s, 0) + vget_lane_f32(s, 1);
}
static inline float v_hmax(vec a)
{
    return vmaxvq_f32(a);
}

/* 4 x 4: pairs of rows by element, then halves. */
static inline void v_transpose(vec t[VL])
{
    float32x4x2_t low = vtrnq_f32(t[0], t[1]), high = vtrnq_f32(t[2], t[3]);

    t[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    t[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    t[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    t[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

/* Sums of int8 products (q8_*.h). */
typedef int32x4_t qvec;

static inline qvec q8_zero(void)
{
    return vdupq_n_s32(0);
}
static inline vec q8_float(qvec sum, int32_t zero, const int32_t *sums)
{
    return vcvtq_f32_s32(vmlsq_s32(sum, vdupq_n_s32(zero), vld1q_s32(sums)));
}
