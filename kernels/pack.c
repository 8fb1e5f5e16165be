#include "pack.h"

#include <string.h>

static size_t round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

size_t pack_bytes(enum kernels_dtype dtype, size_t out, size_t in)
{
    size_t element = dtype == KERNELS_F32 ? 4 : dtype == KERNELS_F16 ? 2 : 0;

    if (out > UINT32_MAX / 2 || in > UINT32_MAX / 2 || sizeof(size_t) < 8) {
        return 0;
    }
    size_t rows = round_up(out, KERNELS_PANEL), columns = round_up(in, KERNELS_PAD);
    return element == 0 || rows > SIZE_MAX / 8 / (columns + 1) ? 0 : rows * columns * element;
}

/* Where column `o` of the panels begins, in elements. */
static size_t column_start(size_t o, size_t in)
{
    return o / KERNELS_PANEL * KERNELS_PANEL * round_up(in, KERNELS_PAD) + o % KERNELS_PANEL;
}

void pack_row(void *panels, enum kernels_dtype dtype, size_t in, size_t o, const void *row)
{
    size_t start = column_start(o, in);

    for (size_t i = 0; i < in; i++) {
        if (dtype == KERNELS_F16) {
            ((uint16_t *)panels)[start + i * KERNELS_PANEL] = ((const uint16_t *)row)[i];
        } else {
            ((float *)panels)[start + i * KERNELS_PANEL] = ((const float *)row)[i];
        }
    }
}

void pack_unpack_row(float *row, const struct kernels_linear *w, size_t o)
{
    size_t start = column_start(o, w->in);

    for (size_t i = 0; i < w->in; i++) {
        size_t at = start + i * KERNELS_PANEL;
        row[i] = w->dtype == KERNELS_F16 ? pack_f16_to_f32(((const uint16_t *)w->panels)[at])
                                         : ((const float *)w->panels)[at];
    }
}

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
    if (magnitude < 0x38800000) { /* below 2^-14: adding 0.5 makes the FPU round at 2^-24 */
        float scaled;
        memcpy(&scaled, &magnitude, sizeof scaled);
        scaled += 0.5f;
        memcpy(&magnitude, &scaled, sizeof magnitude);
        return (uint16_t)(sign | (magnitude - 0x3f000000));
    }
    magnitude += 0xfff + (magnitude >> 13 & 1); /* half, or just below it when even already */
    return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

float pack_bf16_to_f32(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}
