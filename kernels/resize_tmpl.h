/* resize_tmpl.h - the two 8-bit passes of Pillow's resize (libImaging/Resample.c): coefficients are
 * whole numbers scaled by 2^22, sums start at one half, and each pass rounds and clips to a byte:
 *
 *     dst = clip8((2^21 + sum_i src[first + i] * coeffs[i]) >> 22)
 *
 * Whole-number arithmetic: every set gives the same bytes, and they are Pillow's.  There are no
 * vectors in the text: the loops are plain, and the flags of the file that includes them say for
 * which CPU the compiler vectorises them. */

/* Pillow's PRECISION_BITS: of 32 bits 8 are the byte's, one is the sign's, and one is for sums of
 * more than 1: bicubic weights are negative in places, so that a part of those of one output sums
 * to more than 1, or to less than 0. */
#define RESIZE_BITS 22

/* Rounded already by the half that the sum began with.  The shift of a negative sum is arithmetic
 * in gcc and clang, as Pillow relies on too; what it leaves of it is clipped. */
static inline uint8_t resize_clip(int32_t sum)
{
    int32_t v = sum >> RESIZE_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One row of n_out pixels of `channels` interleaved bytes, each from its own stretch of the input.
 * The number of channels is a constant wherever this is inlined: the inner loops unroll. */
static inline __attribute__((always_inline)) void resize_channels(uint8_t *dst, const uint8_t *src,
                                                                  size_t n_out, size_t channels,
                                                                  const struct kernels_taps *taps,
                                                                  const int32_t *coeffs)
{
    for (size_t x = 0; x < n_out; x++) {
        const uint8_t *from = src + taps[x].first * channels;
        const int32_t *c = coeffs + taps[x].offset;
        int32_t sum[4] = {1 << (RESIZE_BITS - 1), 1 << (RESIZE_BITS - 1), 1 << (RESIZE_BITS - 1),
                          1 << (RESIZE_BITS - 1)};
        for (size_t i = 0; i < taps[x].n; i++) {
            for (size_t k = 0; k < channels; k++) {
                sum[k] += from[i * channels + k] * c[i];
            }
        }
        for (size_t k = 0; k < channels; k++) {
            dst[x * channels + k] = resize_clip(sum[k]);
        }
    }
}

/* The pass along x, which Pillow does first: ImagingResampleHorizontal_8bpc. */
static void resize_horizontal(uint8_t *dst, const uint8_t *src, size_t n_out, size_t channels,
                              const struct kernels_taps *taps, const int32_t *coeffs)
{
    switch (channels) {
    case 1:
        resize_channels(dst, src, n_out, 1, taps, coeffs);
        break;
    case 2:
        resize_channels(dst, src, n_out, 2, taps, coeffs);
        break;
    case 3:
        resize_channels(dst, src, n_out, 3, taps, coeffs);
        break;
    default:
        resize_channels(dst, src, n_out, 4, taps, coeffs);
    }
}

/* Columns in groups whose sums stay in registers: 64 sums are 8 registers of AVX2, 4 of AVX-512. */
#define RESIZE_GROUP 64

/* n <= RESIZE_GROUP bytes of one output row: each is a sum down a column, and all have the same
 * coefficients; so a channel is of no interest here, and neighbours are neighbouring lanes. */
static inline __attribute__((always_inline)) void resize_columns(uint8_t *dst, const uint8_t *src,
                                                                 size_t src_stride, size_t n,
                                                                 size_t n_taps,
                                                                 const int32_t *coeffs)
{
    int32_t sum[RESIZE_GROUP];

    for (size_t i = 0; i < n; i++) {
        sum[i] = 1 << (RESIZE_BITS - 1);
    }
    for (size_t t = 0; t < n_taps; t++) {
        for (size_t i = 0; i < n; i++) {
            sum[i] += src[t * src_stride + i] * coeffs[t];
        }
    }
    for (size_t i = 0; i < n; i++) {
        dst[i] = resize_clip(sum[i]);
    }
}

/* The pass along y: ImagingResampleVertical_8bpc.  src: n_taps rows, the output of the first
 * pass. */
static void resize_vertical(uint8_t *dst, const uint8_t *src, size_t src_stride, size_t n_bytes,
                            size_t n_taps, const int32_t *coeffs)
{
    size_t i = 0;

    for (; i + RESIZE_GROUP <= n_bytes; i += RESIZE_GROUP) {
        resize_columns(dst + i, src + i, src_stride, RESIZE_GROUP, n_taps, coeffs);
    }
    resize_columns(dst + i, src + i, src_stride, n_bytes - i, n_taps, coeffs);
}
