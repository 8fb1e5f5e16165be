/* q8_dotprod.h - int8 products of ARMv8.2's dot product (SDOT): quads of signed bytes, from the
 * panels as they lie; so activations are stored less 128.  See q8_scalar.h for what each name
 * means. */
#include <string.h>

typedef int8x16_t q8_group;
typedef int8_t q8_act, q8_weight;
#define Q8_GROUP 4
#define Q8_BIAS  128

static inline q8_group q8_spread(const q8_act *x)
{
    int32_t group;
    memcpy(&group, x, sizeof group);
    return vreinterpretq_s8_s32(vdupq_n_s32(group));
}
static inline q8_group q8_load(const q8_weight *w)
{
    return vld1q_s8(w);
}
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    return vdotq_s32(sum, x, w);
}
