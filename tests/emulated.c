/* A kernel set for the CPU that this one is not: the templates of bfloat16 and of tiles over one
 * float at a time, with VDPBF16PS, VPDPBUSD and the tiles in plain C.  So what stands around the
 * instructions is tested on any machine. */
#include <math.h>
#include <stdbool.h>

#include "../kernels/kernels.h"
#include "../kernels/vec_scalar.h"

#define TILE_PLAIN_C
#include "../kernels/tile.h"

#define Q8_GROUP 4
#define Q8_BIAS  0

typedef uint8_t q8_act;
typedef int8_t q8_weight;
typedef struct {
    int32_t of[4];
} q8_group;

static inline q8_group q8_spread(const q8_act *x)
{
    return (q8_group){{x[0], x[1], x[2], x[3]}};
}
static inline q8_group q8_load(const q8_weight *w)
{
    return (q8_group){{w[0], w[1], w[2], w[3]}};
}
static inline qvec q8_dot(qvec sum, q8_group x, q8_group w)
{
    return sum + x.of[0] * w.of[0] + x.of[1] * w.of[1] + x.of[2] * w.of[2] + x.of[3] * w.of[3];
}

#define KERNELS_HAS_BF16

typedef struct {
    float of[2];
} bf16_pairs;

/* As the instruction has them, without subnormal numbers. */
static inline bf16_pairs bf16_load(const uint16_t *w)
{
    return (bf16_pairs){
        {tile_flushed(pack_bf16_to_f32(w[0])), tile_flushed(pack_bf16_to_f32(w[1]))}};
}
static inline bf16_pairs bf16_spread(const uint16_t *x)
{
    return bf16_load(x);
}
/* Each multiply-add rounds once. */
static inline vec bf16_dot(vec sum, bf16_pairs a, bf16_pairs b)
{
    sum = tile_flushed(fmaf(a.of[1], b.of[1], sum));
    return tile_flushed(fmaf(a.of[0], b.of[0], sum));
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

static bool load(void)
{
    return true;
}

/* Do a thread's tiles rest? */
bool emulated_released(void);
bool emulated_released(void)
{
    return !tiles.configured;
}

#define KERNELS_HAS_TILES
#define KERNELS_ISA emulated
#include "../kernels/kernels_tmpl.h"
