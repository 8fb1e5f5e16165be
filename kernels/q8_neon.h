/* q8_neon.h - int8 products of any AArch64 CPU: a widening multiply-add of 16 bits (SMLAL), one
 * input at a time.  See q8_scalar.h for what each name means. */

typedef int16x4_t q8_group;
typedef int16_t q8_act, q8_weight;
#define Q8_GROUP 1
#define Q8_BIAS  0

static inline q8_group q8_spread(const q8_act *x)
{
    return vdup_n_s16(*x);
}
static inline q8_group q8_load(const q8_weight *w)
{
    return vld1_s16(w);
}
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    return vmlal_s16(sum, x, w);
}
/* LD4 takes quads apart: vector i holds input i of eight columns. */
static inline void q8_widen(q8_weight *to, const int8_t *from)
{
    for (size_t c = 0; c < 32; c += 8) {
        int8x8x4_t quads = vld4_s8(from + c * 4);
        for (size_t i = 0; i < 4; i++) {
            vst1q_s16(to + i * 32 + c, vmovl_s8(quads.val[i]));
        }
    }
}
