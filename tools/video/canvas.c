/* canvas.c - scaling as Pillow's BILINEAR does it (src/image/axis.h), which averages where it makes
 * smaller. */
#include "canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/image/axis.h"
#include "../../src/image/pixels.h"

static const uint8_t *image_row(const struct clipc_image *image, size_t y)
{
    return (const uint8_t *)image->data + y * image->stride;
}

static void copy(const struct clipc_image *image, uint8_t *rgb, size_t stride)
{
    for (uint32_t y = 0; y < image->height; y++) {
        uint8_t *row = rgb + y * stride;
        if (image->format == CLIPC_RGB) {
            memcpy(row, image_row(image, y), 3 * (size_t)image->width);
        } else {
            pixels_row_to_rgb(image_row(image, y), image->width, image->format, row);
        }
    }
}

/* Across first, all rows of the image; then down. */
static int scale(const struct kernels *k, const struct clipc_image *image, uint8_t *rgb,
                 size_t stride, uint32_t width, uint32_t height)
{
    size_t bytes = 3 * (size_t)width;
    struct axis x = {0}, y = {0};
    uint8_t *row = malloc(3 * (size_t)image->width), *rows = malloc(bytes * image->height);
    int status =
        row == NULL || rows == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : CLIPC_OK;

    if (status == CLIPC_OK) {
        status = axis_make(&x, FORMAT_BILINEAR, image->width, width, 0, width);
    }
    if (status == CLIPC_OK) {
        status = axis_make(&y, FORMAT_BILINEAR, image->height, height, 0, height);
    }
    for (uint32_t i = 0; status == CLIPC_OK && i < image->height; i++) {
        const uint8_t *from = image_row(image, i);
        if (image->format != CLIPC_RGB) {
            pixels_row_to_rgb(from, image->width, image->format, row);
            from = row;
        }
        k->resize_horizontal(rows + i * bytes, from, width, 3, x.taps, x.coeffs);
    }
    for (uint32_t i = 0; status == CLIPC_OK && i < height; i++) {
        const struct kernels_taps *t = &y.taps[i];
        k->resize_vertical(rgb + i * stride, rows + t->first * bytes, bytes, bytes, t->n,
                           y.coeffs + t->offset);
    }
    axis_free(&x);
    axis_free(&y);
    free(row);
    free(rows);
    return status;
}

int canvas_scale(const struct kernels *kernels, const struct clipc_image *image, uint8_t *rgb,
                 size_t stride, uint32_t width, uint32_t height)
{
    if (width == image->width && height == image->height) {
        copy(image, rgb, stride);
        return CLIPC_OK;
    }
    return scale(kernels, image, rgb, stride, width, height);
}

int canvas_fit(const struct kernels *kernels, const struct clipc_image *image, uint8_t *rgb,
               size_t stride, uint32_t width, uint32_t height)
{
    double by = fmin((double)width / image->width, (double)height / image->height);
    uint32_t to_width = (uint32_t)fmin(width, fmax(1, round(image->width * by)));
    uint32_t to_height = (uint32_t)fmin(height, fmax(1, round(image->height * by)));

    if (to_width < width || to_height < height) {
        for (uint32_t y = 0; y < height; y++) {
            memset(rgb + y * stride, 0, 3 * (size_t)width);
        }
    }
    rgb += (height - to_height) / 2 * stride + 3 * (size_t)((width - to_width) / 2);
    return canvas_scale(kernels, image, rgb, stride, to_width, to_height);
}

void canvas_even(uint8_t *rgb, uint32_t width, uint32_t height)
{
    size_t stride = 3 * (size_t)canvas_even_size(width);

    for (uint32_t y = 0; width % 2 != 0 && y < height; y++) {
        memcpy(rgb + y * stride + stride - 3, rgb + y * stride + stride - 6, 3);
    }
    if (height % 2 != 0) {
        memcpy(rgb + height * stride, rgb + (height - 1) * stride, stride);
    }
}
