/* A kernel set for the CPU that this one is not: the templates of bfloat16 over one float at a time,
 * with VDPBF16PS in plain C.  So what stands around the instruction is tested on any machine. */
#include <math.h>
#include <stdbool.h>

#include "../kernels/kernels.h"
#include "../kernels/vec_scalar.h"
#include "../kernels/q8_scalar.h"

#define KERNELS_HAS_BF16

typedef struct {
    float of[2];
} bf16_pairs;

/* As the instruction has them: a subnormal number is a zero of the same sign. */
static inline float flushed(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}
static inline bf16_pairs bf16_load(const uint16_t *w)
{
    return (bf16_pairs){{flushed(pack_bf16_to_f32(w[0])), flushed(pack_bf16_to_f32(w[1]))}};
}
static inline bf16_pairs bf16_spread(const uint16_t *x)
{
    return bf16_load(x);
}
/* Each multiply-add rounds once. */
static inline vec bf16_dot(vec sum, bf16_pairs a, bf16_pairs b)
{
    sum = flushed(fmaf(a.of[1], b.of[1], sum));
    return flushed(fmaf(a.of[0], b.of[0], sum));
}
static inline void bf16_store(uint16_t *to, vec v)
{
    *to = pack_f32_to_bf16(v);
}
static inline void bf16_store_pairs(uint16_t *to, vec first, vec second)
{
    to[0] = pack_f32_to_bf16(first);
    to[1] = pack_f32_to_bf16(second);
}

static bool supported(void)
{
    return true;
}

#define KERNELS_ISA emulated
#include "../kernels/kernels_tmpl.h"
