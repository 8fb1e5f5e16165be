#include "exif.h"

#include <string.h>

#include "base.h"
#include "image.h"

static uint32_t get(const uint8_t *p, int n, bool little)
{
    uint32_t v = 0;

    for (int i = 0; i < n; i++) {
        v = v << 8 | p[little ? n - 1 - i : i];
    }
    return v;
}

/* The orientation in a TIFF block: byte order, offset of the first directory, its entries. */
static int tiff_orientation(const uint8_t *p, size_t n)
{
    bool little = n >= 8 && p[0] == 'I';
    size_t at = n >= 8 ? get(p + 4, 4, little) : n;

    if (at > n || n - at < 2) {
        return 1;
    }
    size_t entries = get(p + at, 2, little);
    for (at += 2; entries > 0 && n - at >= 12; entries--, at += 12) {
        if (get(p + at, 2, little) == 0x112) {
            uint32_t value = get(p + at + 8, 2, little);
            return value >= 1 && value <= 8 ? (int)value : 1;
        }
    }
    return 1;
}

int exif_orientation(const uint8_t *p, size_t n)
{
    size_t at = 2;

    if (n < 4 || p[0] != 0xff || p[1] != 0xd8) {
        return 1;
    }
    while (n - at >= 4 && p[at] == 0xff && p[at + 1] != 0xda) { /* segments before the scan */
        size_t length = get(p + at + 2, 2, false);
        if (length < 2 || length > n - at - 2) {
            return 1;
        }
        if (p[at + 1] == 0xe1 && length >= 8 && memcmp(p + at + 4, "Exif\0", 6) == 0) {
            return tiff_orientation(p + at + 10, length - 8);
        }
        at += 2 + length;
    }
    return 1;
}

int exif_apply(struct clipc_image *image, int orientation)
{
    struct clipc_image out;
    bool swap = orientation >= 5;
    size_t bytes = image->stride / image->width;
    int status = image_new(&out, swap ? image->height : image->width,
                           swap ? image->width : image->height, image->format);

    if (status != CLIPC_OK) {
        return status;
    }
    /* Mirrored left to right, or top to bottom, in the coordinates of the stored picture. */
    bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (uint32_t y = 0; y < out.height; y++) {
        for (uint32_t x = 0; x < out.width; x++) {
            uint32_t sx = swap ? y : x, sy = swap ? x : y;
            sx = flip_x ? image->width - 1 - sx : sx;
            sy = flip_y ? image->height - 1 - sy : sy;
            memcpy((uint8_t *)out.data + y * out.stride + x * bytes,
                   (const uint8_t *)image->data + sy * image->stride + sx * bytes, bytes);
        }
    }
    out.palette = image->palette;
    image_free(image);
    *image = out;
    return CLIPC_OK;
}
