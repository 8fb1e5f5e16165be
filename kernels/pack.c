/* pack.c - the table of element types, rows of a weight matrix into panels and back, and the 16-bit
 * floats.  The converter's half of gemm: nothing here runs in a forward pass but the widening of
 * token rows. */
#include "pack.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* group: how many inputs an instruction of the type's multiplies at once in one lane (pack.h). */
const struct pack_dtype *pack_dtype(enum kernels_dtype dtype)
{
    static const struct pack_dtype table[] = {
        [KERNELS_F32] = {"f32", 4, 1},
        [KERNELS_F16] = {"f16", 2, 1},
        [KERNELS_BF16] = {"bf16", 2, 2},
        [KERNELS_Q8] = {"q8", 1, 4},
    };

    return dtype >= KERNELS_F32 && dtype <= KERNELS_Q8 ? &table[dtype] : NULL;
}

/* In 64 bits whatever size_t is: a file may say sizes that this machine cannot hold. */
static uint64_t round_up(uint64_t n, uint64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

size_t pack_bytes(enum kernels_dtype dtype, size_t out, size_t in)
{
    const struct pack_dtype *d = pack_dtype(dtype);

    if (d == NULL || out == 0 || in == 0 || out > UINT32_MAX / 2 || in > UINT32_MAX / 2) {
        return 0;
    }
    /* Both factors are at most 2^31 + 63, so that 64 bits hold what is compared. */
    uint64_t rows = round_up(out, KERNELS_PANEL), columns = round_up(in, KERNELS_PAD);
    return rows > SIZE_MAX / d->element_bytes / columns
               ? 0
               : (size_t)(rows * columns * d->element_bytes);
}

/* Column `o` of the panels: where its input 0 lies, in elements, and the mask of a group. */
struct column {
    size_t start, mask;
};

static struct column column(const struct pack_dtype *d, size_t o, size_t in)
{
    size_t panel = o / KERNELS_PANEL * KERNELS_PANEL * (size_t)round_up(in, KERNELS_PAD);

    return (struct column){panel + o % KERNELS_PANEL * d->group, d->group - 1};
}

/* Input i: whole groups of all 32 columns come first, then the place within the group. */
static size_t place(const struct column *c, size_t i)
{
    return c->start + (i & ~c->mask) * KERNELS_PANEL + (i & c->mask);
}

/* A column of the panels is written for each row of W: in f32, in strides of 32 values.  That is
 * slow and does not matter: it is done once, when a checkpoint is converted. */
bool pack_row(void *panels, enum kernels_dtype dtype, size_t in, size_t o, const void *row)
{
    const struct pack_dtype *d = pack_dtype(dtype);

    if (d == NULL) {
        return false;
    }
    struct column c = column(d, o, in);
    switch (dtype) {
    case KERNELS_F32:
        for (size_t i = 0; i < in; i++) {
            ((float *)panels)[place(&c, i)] = ((const float *)row)[i];
        }
        return true;
    case KERNELS_F16:
    case KERNELS_BF16:
        for (size_t i = 0; i < in; i++) {
            ((uint16_t *)panels)[place(&c, i)] = ((const uint16_t *)row)[i];
        }
        return true;
    case KERNELS_Q8:
        for (size_t i = 0; i < in; i++) {
            ((int8_t *)panels)[place(&c, i)] = ((const int8_t *)row)[i];
        }
        return true;
    }
    return false;
}

bool pack_unpack_row(float *row, const struct kernels_linear *w, size_t o)
{
    const struct pack_dtype *d = pack_dtype(w->dtype);

    if (d == NULL) {
        return false;
    }
    struct column c = column(d, o, w->in);
    switch (w->dtype) {
    case KERNELS_F32:
        for (size_t i = 0; i < w->in; i++) {
            row[i] = ((const float *)w->panels)[place(&c, i)];
        }
        return true;
    case KERNELS_F16:
        for (size_t i = 0; i < w->in; i++) {
            row[i] = pack_f16_to_f32(((const uint16_t *)w->panels)[place(&c, i)]);
        }
        return true;
    case KERNELS_BF16:
        for (size_t i = 0; i < w->in; i++) {
            row[i] = pack_bf16_to_f32(((const uint16_t *)w->panels)[place(&c, i)]);
        }
        return true;
    case KERNELS_Q8:
        for (size_t i = 0; i < w->in; i++) {
            float value = ((const int8_t *)w->panels)[place(&c, i)];
            row[i] = value * w->scale[o] * (w->smooth != NULL ? w->smooth[i] : 1);
        }
        return true;
    }
    return false;
}

bool pack_table_row(float *to, enum kernels_dtype dtype, const void *table, size_t row, size_t n)
{
    if (pack_dtype(dtype) == NULL) {
        return false;
    }
    switch (dtype) {
    case KERNELS_F32:
        memcpy(to, (const float *)table + row * n, n * sizeof *to);
        return true;
    case KERNELS_F16:
        for (size_t i = 0; i < n; i++) {
            to[i] = pack_f16_to_f32(((const uint16_t *)table)[row * n + i]);
        }
        return true;
    case KERNELS_BF16:
        for (size_t i = 0; i < n; i++) {
            to[i] = pack_bf16_to_f32(((const uint16_t *)table)[row * n + i]);
        }
        return true;
    case KERNELS_Q8:
        break;
    }
    return false;
}

/* Symmetric, and -128 is left out: weights lie about 0.  The scale is never 0, nor subnormal, whose
 * reciprocal might be infinite. */
float pack_quantise(int8_t *q, int32_t *sum, const float *row, size_t n)
{
    float most = 0;

    for (size_t i = 0; i < n; i++) {
        most = fabsf(row[i]) > most ? fabsf(row[i]) : most;
    }
    float scale = most / 127 > FLT_MIN ? most / 127 : FLT_MIN;
    *sum = 0;
    for (size_t i = 0; i < n; i++) {
        q[i] = (int8_t)rintf(row[i] / scale);
        *sum += q[i];
    }
    return scale;
}

/* IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 of fraction; binary32 has 8 (bias 127)
 * and 23.  So a normal number's exponent grows by 112, and its fraction moves up by 13 bits. */
float pack_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    uint32_t bits;
    float f;

    if (exponent == 31) {
        bits = 0x7f800000 | mantissa << 13;
    } else if (exponent != 0) {
        bits = (exponent + 112) << 23 | mantissa << 13;
    } else { /* subnormal: mantissa * 2^-24, exact in binary32 */
        f = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &f, sizeof bits);
    }
    bits |= sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The way back, where 13 bits of fraction are rounded off, to nearest, ties to even.  A carry out
 * of the fraction walks into the exponent, which is right: 1.11..1 rounds to the next power of two.
 * 65520 is half way between the largest binary16, 65504, and 65536, which is infinity there. */
uint16_t pack_f32_to_f16(float f)
{
    uint32_t bits, sign, magnitude;

    memcpy(&bits, &f, sizeof bits);
    sign = bits >> 16 & 0x8000;
    magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) { /* NaN: quiet, with what fits of its payload */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    }
    if (magnitude >= 0x477ff000) { /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00);
    }
    /* Below 2^-14: subnormal, whole multiples of 2^-24.  Those are also the steps of floats between
     * 0.5 and 1, so that adding 0.5 makes the FPU round, and taking 0.5's bits away leaves the
     * multiple. */
    if (magnitude < 0x38800000) {
        float scaled;
        memcpy(&scaled, &magnitude, sizeof scaled);
        scaled += 0.5f;
        memcpy(&magnitude, &scaled, sizeof magnitude);
        return (uint16_t)(sign | (magnitude - 0x3f000000));
    }
    magnitude += 0xfff + (magnitude >> 13 & 1); /* half, or just below it when even already */
    return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

/* bfloat16 is the upper half of a binary32. */
float pack_bf16_to_f32(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The lower half is rounded off, to nearest, ties to even; the carry may walk into the exponent, up
 * to infinity. */
uint16_t pack_f32_to_bf16(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) { /* NaN: quiet, with what fits of its payload */
        return (uint16_t)(bits >> 16 | 0x40);
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
