/* kernels_tmpl.h - one kernel set.  Before it, a file of a few lines defines KERNELS_ISA (the
 * suffix and name) and `static bool supported(void)`, includes vec_<isa>.h and q8_<isa>.h with all
 * that those of scalar list, bf16_<isa>.h (bf16_avx512.h has the list) and tile.h, which wants a
 * `static bool load(void)`, where the CPU has such products.  Used with VL, MR, NV = 1, 4, 8; 4, 6,
 * 4; 8, 6, 2; 16, 14, 2; NV * VL must divide KERNELS_PANEL.
 *
 * Templates in C, by inclusion: every function below is static, so each set has its own copy,
 * compiled for its CPU, and the one name that leaves the file is the table.  Nothing of a set may
 * be called before supported() has said yes, not even a small helper: the compiler may have used
 * the CPU's newest instructions in it. */
#include <math.h>
#include <string.h>

#include "cpu.h"
#include "kernels.h"
#include "pack.h"
#include "vec_math.h"
#include "rows_tmpl.h"
#include "act_tmpl.h"
#include "gemm_micro_tmpl.h"
#include "gemm_tmpl.h"
#include "gemm_q8_tmpl.h"
#ifdef KERNELS_HAS_BF16
#include "gemm_bf16_tmpl.h"
#endif
#ifdef KERNELS_HAS_TILES
#include "gemm_tile_tmpl.h"
#include "gemm_tile_q8_tmpl.h"
#endif
#include "attention_tmpl.h"
#include "resize_tmpl.h"
#include "peak_tmpl.h"

#define KERNELS_JOIN_(a, b) a##b
#define KERNELS_JOIN(a, b)  KERNELS_JOIN_(a, b)
#define KERNELS_TEXT_(a)    #a
#define KERNELS_TEXT(a)     KERNELS_TEXT_(a)

/* Multiplies float by float; other weights are widened on the way.  Its error: a
 * rounding of 2^-24 at each of `in` additions in sequence; in practice, sqrt(in) of them. */
static const struct kernels_gemm gemm_float = {
    .name = KERNELS_TEXT(KERNELS_ISA) "-f32",
    .can = gemm_can,
    .error = 0x1p-19,
    .act_bytes = act_bytes,
    .act_align = MR,
    .act_pack = act_pack,
    .gemm_scratch = gemm_scratch,
    .gemm = gemm,
    .peak = peak,
};

/* Multiplies 8-bit activations.  Exact but for the activations' rounding, by up to 1/510 of their
 * row's range each: of a row whose values are all alike in size, 2^-6 of them. */
static const struct kernels_gemm gemm_q8 = {
    .name = KERNELS_TEXT(KERNELS_ISA) "-q8",
    .can = q8_can,
    .error = 0x1p-6,
    .act_bytes = q8_act_bytes,
    .act_align = MR,
    .act_pack = q8_act_pack,
    .gemm_scratch = q8_scratch,
    .gemm = q8_gemm,
    .peak = q8_peak,
};

#ifdef KERNELS_HAS_BF16
/* Multiplies bfloat16.  Its error is that of rounding both factors to it: (1 + 2^-8)^2 - 1, and a
 * little for the sums. */
static const struct kernels_gemm gemm_bf16 = {
    .name = KERNELS_TEXT(KERNELS_ISA) "-bf16",
    .can = bf16_can,
    .error = 0x1.02p-7,
    .act_bytes = bf16_act_bytes,
    .act_align = MR,
    .act_pack = bf16_act_pack,
    .gemm_scratch = bf16_scratch,
    .gemm = bf16_gemm,
    .peak = bf16_peak,
};
#endif

#ifdef KERNELS_HAS_TILES
/* On tiles.  Errors: as the two above; and of split floats, that of the halves left out. */
static const struct kernels_gemm gemm_tile_bf16 = {
    .name = KERNELS_TEXT(KERNELS_ISA) "-tile-bf16",
    .can = tile_can_bf16,
    .error = 0x1.02p-7,
    .act_bytes = tile_bf16_act_bytes,
    .act_align = TILE_BLOCK,
    .act_pack = tile_bf16_act_pack,
    .gemm_scratch = tile_bf16_scratch,
    .gemm = tile_bf16_gemm,
    .peak = tile_bf16_peak,
};

static const struct kernels_gemm gemm_tile_q8 = {
    .name = KERNELS_TEXT(KERNELS_ISA) "-tile-q8",
    .can = tile_can_q8,
    .error = 0x1p-6,
    .act_bytes = tile_q8_act_bytes,
    .act_align = TILE_BLOCK,
    .act_pack = tile_q8_act_pack,
    .gemm_scratch = q8_scratch,
    .gemm = tile_q8_gemm,
    .peak = tile_q8_peak,
};

static const struct kernels_gemm gemm_tile_split = {
    .name = KERNELS_TEXT(KERNELS_ISA) "-tile-split",
    .can = tile_can_split,
    .error = 0x1p-18,
    .act_bytes = tile_split_act_bytes,
    .act_align = TILE_BLOCK,
    .act_pack = tile_split_act_pack,
    .gemm_scratch = tile_split_scratch,
    .gemm = tile_split_gemm,
    .peak = tile_split_peak,
};
#endif

static const struct kernels_gemm *const gemms[] = {
#ifdef KERNELS_HAS_TILES
    &gemm_tile_bf16, &gemm_tile_q8, &gemm_tile_split,
#endif
#ifdef KERNELS_HAS_BF16
    &gemm_bf16,
#endif
    &gemm_q8, &gemm_float, NULL};

extern const struct kernels KERNELS_JOIN(kernels_, KERNELS_ISA);
const struct kernels KERNELS_JOIN(kernels_, KERNELS_ISA) = {
    .name = KERNELS_TEXT(KERNELS_ISA),
    .supported = supported,
#ifdef KERNELS_HAS_TILES
    .load = load,
    .unloaded = "the system refuses its tiles to this process",
#endif
    .deterministic = true,
    .gemms = gemms,
    .attention_scratch = attention_scratch,
    .attention = attention,
    .layer_norm = layer_norm,
    .softmax = softmax,
    .activation = activation,
    .l2 = l2,
    .dot = dot,
    .resize_horizontal = resize_horizontal,
    .resize_vertical = resize_vertical,
};
