/* canvas.h - a picture of any format and size into a rectangle of RGB bytes. */
#ifndef CLIPC_CANVAS_H
#define CLIPC_CANVAS_H

#include <stddef.h>
#include <stdint.h>

#include "../../kernels/kernels.h"
#include "../../src/clipc.h"

/* The whole image into [height, width, 3] bytes at rgb, rows `stride` bytes apart: pixel for pixel
 * where it has this size, else scaled, as large as it goes, in the middle, black beside it.  0, or
 * CLIPC_ERROR_MEMORY. */
int canvas_fit(const struct kernels *kernels, const struct clipc_image *image, uint8_t *rgb,
               size_t stride, uint32_t width, uint32_t height);

/* The whole image as width x height pixels, whatever its shape, rows `stride` bytes apart.  0, or
 * CLIPC_ERROR_MEMORY. */
int canvas_scale(const struct kernels *kernels, const struct clipc_image *image, uint8_t *rgb,
                 size_t stride, uint32_t width, uint32_t height);

/* Of rows of `width` pixels, `height` of them, the last column and the last row once more where
 * that makes the number even: rgb: [even height, even width, 3], the picture in its corner. */
void canvas_even(uint8_t *rgb, uint32_t width, uint32_t height);

static inline uint32_t canvas_even_size(uint32_t n)
{
    return n + n % 2;
}

#endif
