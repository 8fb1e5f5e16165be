#include "exif.h"

#include <string.h>

#include "../base/base.h"
#include "pixels.h"

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
    bool little = n >= 8 && memcmp(p, "II*\0", 4) == 0;

    if (n < 8 || (!little && memcmp(p, "MM\0*", 4) != 0)) {
        return 1;
    }
    size_t at = get(p + 4, 4, little);
    if (at > n || n - at < 2) {
        return 1;
    }
    size_t entries = get(p + at, 2, little);
    for (at += 2; entries > 0 && n - at >= 12; entries--, at += 12) {
        if (get(p + at, 2, little) == 0x112) { /* a SHORT, or a LONG of careless writers */
            uint32_t value = get(p + at + 8, get(p + at + 2, 2, little) == 4 ? 4 : 2, little);
            return value >= 1 && value <= 8 ? (int)value : 1;
        }
    }
    return 1;
}

static int jpeg_orientation(const uint8_t *p, size_t n)
{
    for (size_t at = 2; n - at >= 4 && p[at] == 0xff && p[at + 1] != 0xda;) { /* up to the scan */
        size_t length = get(p + at + 2, 2, false);
        if (p[at + 1] == 0xff) { /* a fill byte */
            at++;
            continue;
        }
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

/* PNG (a length, a name, the bytes, a checksum) and WebP (a name, a length, the bytes, padded to
 * whole pairs) keep it in a chunk of its own. */
static int chunk_orientation(const uint8_t *p, size_t n, bool png)
{
    for (size_t at = png ? 8 : 12; n - at >= 12;) {
        size_t length = png ? get(p + at, 4, false) : get(p + at + 4, 4, true);
        const uint8_t *body = p + at + 8;
        if (length > n - at - 8) {
            return 1;
        }
        if (memcmp(body - (png ? 4 : 8), png ? "eXIf" : "EXIF", 4) == 0) {
            size_t skip = length >= 6 && memcmp(body, "Exif\0", 6) == 0 ? 6 : 0;
            return tiff_orientation(body + skip, length - skip);
        }
        size_t rest = png ? 4 : length & 1;
        if (rest > n - at - 8 - length) {
            return 1;
        }
        at += 8 + length + rest;
    }
    return 1;
}

int exif_orientation(const uint8_t *p, size_t n)
{
    if (n >= 4 && p[0] == 0xff && p[1] == 0xd8) {
        return jpeg_orientation(p, n);
    }
    if (n >= 12 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) {
        return chunk_orientation(p, n, true);
    }
    if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) {
        return chunk_orientation(p, n, false);
    }
    return 1;
}

int exif_apply(struct clipc_image *image, int orientation)
{
    struct clipc_image out;
    bool swap = orientation >= 5;
    size_t bytes = image->stride / image->width;
    int status = pixels_new(&out, swap ? image->height : image->width,
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
    pixels_free(image);
    *image = out;
    return CLIPC_OK;
}
