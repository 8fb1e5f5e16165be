/* pack.h - the panel forms of a weight matrix W [out, in], and the way into and out of them.
 *
 * `in` is padded with zeros to a multiple of 64, `out` to 32.  Panel p holds output columns
 * 32 p .. 32 p + 31:
 *   f32, f16  [out/32][in][32]        element (o, i) at (p * in_padded + i) * 32 + o % 32
 *   bf16      [out/32][in/2][32][2]   pairs along the input            (reserved)
 *   q8        [out/32][in/4][32][4]   quads along the input            (reserved) */
#ifndef CLIPC_PACK_H
#define CLIPC_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

/* Bytes of the panels of an [out, in] layer in `dtype`; 0 for a dtype that has no panels yet or a
 * size that overflows. */
size_t pack_bytes(enum kernels_dtype dtype, size_t out, size_t in);

/* Write row `o` of the matrix (row: [in] in dtype's own element type) into the panels.  The caller
 * zeroes the panels first, so that the padding is zero. */
void pack_row(void *panels, enum kernels_dtype dtype, size_t in, size_t o, const void *row);

/* The inverse, widened: row: [in] floats. */
void pack_unpack_row(float *row, const struct kernels_linear *w, size_t o);

/* IEEE binary16 <-> binary32 and bfloat16 -> binary32; rounding to nearest even; NaN stays NaN. */
float pack_f16_to_f32(uint16_t h);
uint16_t pack_f32_to_f16(float f);
float pack_bf16_to_f32(uint16_t h);

#endif
