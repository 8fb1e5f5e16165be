/* pixels.c - the table of pixel formats, and pictures of them: checked sizes, memory, gray. */
#include "pixels.h"

#include <string.h>

#include "../base/base.h"

const struct pixels_format pixels_formats[PIXELS_FORMATS] = {
    [CLIPC_RGB] = {"RGB", 3, 3, 0}, [CLIPC_RGBA] = {"RGBA", 4, 4, 1}, [CLIPC_L] = {"L", 1, 1, 0},
    [CLIPC_LA] = {"LA", 2, 2, 1},   [CLIPC_CMYK] = {"CMYK", 4, 4, 0}, [CLIPC_I16] = {"I", 2, 1, 0},
};

int pixels_check_size(uint64_t width, uint64_t height, size_t max_pixels)
{
    if (width == 0 || height == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged: an image of no pixels");
    }
    if (width > 65535 || height > 65535 || width * height > max_pixels) {
        return base_fail(CLIPC_ERROR_LIMIT,
                         "%llu x %llu pixels: the limits are 65535 a side and %zu in all",
                         (unsigned long long)width, (unsigned long long)height, max_pixels);
    }
    return CLIPC_OK;
}

int pixels_new(struct clipc_image *image, uint32_t width, uint32_t height, int format)
{
    memset(image, 0, sizeof *image);
    image->stride = width * pixels_formats[format].bytes;
    image->data = base_alloc(image->stride * height);
    if (image->data == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for %u x %u pixels", width, height);
    }
    image->width = width;
    image->height = height;
    image->format = format;
    return CLIPC_OK;
}

void pixels_free(struct clipc_image *image)
{
    if (image != NULL) {
        base_free(image->data);
        memset(image, 0, sizeof *image);
    }
}

/* In the order that each format stores: 16-bit gray is clipped to 8 bits, not scaled, so that 128
 * is 128 there too; CMYK of no colour and half the black is the same gray. */
void pixels_gray(struct clipc_image *image)
{
    static const uint8_t grays[PIXELS_FORMATS][4] = {
        [CLIPC_RGB] = {128, 128, 128}, [CLIPC_RGBA] = {128, 128, 128, 255}, [CLIPC_L] = {128},
        [CLIPC_LA] = {128, 255},       [CLIPC_CMYK] = {0, 0, 0, 127},
    };
    static const uint16_t deep = 128;
    const void *gray = image->format == CLIPC_I16 ? (const void *)&deep : grays[image->format];
    size_t bytes = pixels_formats[image->format].bytes;

    for (uint32_t y = 0; y < image->height; y++) {
        uint8_t *row = (uint8_t *)image->data + y * image->stride;
        for (uint32_t x = 0; x < image->width; x++) {
            memcpy(row + x * bytes, gray, bytes);
        }
    }
}

void pixels_row_to_rgb(const uint8_t *from, size_t n, int format, uint8_t *to)
{
    for (size_t i = 0; i < n; i++, to += 3) {
        switch (format) {
        case CLIPC_RGB:
            memcpy(to, from + 3 * i, 3);
            break;
        case CLIPC_RGBA:
            memcpy(to, from + 4 * i, 3);
            break;
        case CLIPC_L:
            memset(to, from[i], 3);
            break;
        case CLIPC_LA:
            memset(to, from[2 * i], 3);
            break;
        case CLIPC_CMYK: {
            unsigned nk = 255u - from[4 * i + 3];
            for (size_t c = 0; c < 3; c++) {
                to[c] = (uint8_t)(nk - pixels_muldiv255(from[4 * i + c], nk));
            }
            break;
        }
        default: { /* mode I: clipped, not scaled */
            uint16_t v = ((const uint16_t *)(const void *)from)[i];
            memset(to, v > 255 ? 255 : v, 3);
        }
        }
    }
}
