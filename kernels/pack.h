/* pack.h - the element types of weights, the panel forms of a matrix W [out, in] in each, and the
 * way into and out of them.
 *
 * `in` is padded with zeros to a multiple of 64, `out` to 32.  Panel p holds output columns
 * 32 p .. 32 p + 31; a group of neighbouring inputs of one column lies side by side, because that
 * is what one lane of the CPU's dot-product instruction takes (AMX tiles, vdpbf16ps, vpdpbusd):
 *   f32, f16  [out/32][in][32]        plain rows: one fused multiply-add takes one input
 *   bf16      [out/32][in/2][32][2]   pairs along the input
 *   q8        [out/32][in/4][32][4]   quads along the input
 *
 * With g the group (1, 2 or 4), element W[o][i] lies at place
 *
 *     (o / 32) * in_padded * 32  +  (i / g) * 32 g  +  (o % 32) * g  +  i % g
 *
 * 32 columns: two cache lines of f32 for each input, one of f16; every set's block of NV * VL
 * columns divides it; and it is two AMX tiles wide.  Panels and not plain rows, because gemm reads
 * NV * VL columns of one input at a time: in a row-major W^T these lie together but the next
 * input's are a row away, each on another page (Goto & van de Geijn 2008, section 4.2).
 * kernels/README.md has the measurement behind the plain rows of f16. */
#ifndef CLIPC_PACK_H
#define CLIPC_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

/* What there is to know of an element type: the one table, for the reader, the converter and the
 * kernels. */
struct pack_dtype {
    const char *name;     /* as people write it: "f16" */
    size_t element_bytes; /* of one value */
    size_t group;         /* inputs that lie side by side in a panel; a power of two */
};

/* NULL when there is no such type.  Types are numbered from 1 without gaps. */
const struct pack_dtype *pack_dtype(enum kernels_dtype dtype);

/* Bytes of the panels of an [out, in] layer in `dtype`; 0 for no such dtype, an empty layer, or
 * a size that does not fit into a size_t. */
size_t pack_bytes(enum kernels_dtype dtype, size_t out, size_t in);

/* Write row `o` of the matrix (row: [in] in dtype's own element type) into the panels.  The caller
 * zeroes the panels first, so that the padding is zero.  False, and nothing written, for a dtype
 * that pack_bytes refuses. */
bool pack_row(void *panels, enum kernels_dtype dtype, size_t in, size_t o, const void *row);

/* A row [n] of finite floats as int8: row[i] is about scale * q[i], with the scale, positive and
 * finite, that makes the largest of them 127 or -127; *sum: of all q. */
float pack_quantise(int8_t *q, int32_t *sum, const float *row, size_t n);

/* The inverse of pack_row, widened: row: [in] floats.  False, and nothing written, as above. */
bool pack_unpack_row(float *row, const struct kernels_linear *w, size_t o);

/* Row `row` of a table [.., n] in `dtype` that lies as it is, not in panels, widened: to: [n].
 * False, and nothing written, as above. */
bool pack_table_row(float *to, enum kernels_dtype dtype, const void *table, size_t row, size_t n);

/* IEEE binary16 and bfloat16 <-> binary32; rounding to nearest even; NaN stays NaN. */
float pack_f16_to_f32(uint16_t h);
uint16_t pack_f32_to_f16(float f);
float pack_bf16_to_f32(uint16_t h);
uint16_t pack_f32_to_bf16(float f);

#endif
