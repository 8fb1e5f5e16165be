/* bf16_neon.h - the products of ARMv8.6's BFDOT.  It adds the two products of a pair, and that to
 * the sum, rounding to odd each time: by less than one unit in the last place.  See bf16_avx512.h
 * for what each name means. */
#include <string.h>

#define KERNELS_HAS_BF16

typedef bfloat16x8_t bf16_pairs;

static inline bf16_pairs bf16_spread(const uint16_t *x)
{
    uint32_t pair;
    memcpy(&pair, x, sizeof pair);
    return vreinterpretq_bf16_u32(vdupq_n_u32(pair));
}
static inline bf16_pairs bf16_load(const uint16_t *w)
{
    return vreinterpretq_bf16_u16(vld1q_u16(w));
}
static inline vec bf16_dot(vec sum, bf16_pairs a, bf16_pairs b)
{
    return vbfdotq_f32(sum, a, b);
}
static inline void bf16_store(uint16_t *to, vec v)
{
    vst1_u16(to, vreinterpret_u16_bf16(vcvt_bf16_f32(v)));
}
static inline void bf16_store_pairs(uint16_t *to, vec first, vec second)
{
    uint16x4x2_t pairs = {{vreinterpret_u16_bf16(vcvt_bf16_f32(first)),
                           vreinterpret_u16_bf16(vcvt_bf16_f32(second))}};
    vst2_u16(to, pairs);
}
