/* webp.c - WebP through libwebp: still pictures, and the first frame of an animation on an
 * empty (transparent) canvas, as Pillow opens them. */
#include <string.h>

#include <webp/decode.h>

#include "../base/base.h"
#include "image.h"
#include "pixels.h"

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0;
}

static uint32_t u24(const uint8_t *p)
{
    return base_u16(p) | (uint32_t)p[2] << 16;
}

/* Where a picture lies: its bytes, and its place on the canvas. */
struct frame {
    const uint8_t *p;
    size_t n;
    uint32_t left, top, width, height;
};

/* The first ANMF chunk: 16 bytes of place and time, then the chunks of a picture. */
static bool first_frame(const uint8_t *p, size_t n, struct frame *f)
{
    for (size_t at = 12; n - at >= 24;) {
        size_t length = base_u32(p + at + 4);
        if (length > n - at - 8) {
            return false;
        }
        if (memcmp(p + at, "ANMF", 4) == 0 && length > 16) {
            const uint8_t *q = p + at + 8;
            *f = (struct frame){q + 16,         length - 16,    2 * u24(q),
                                2 * u24(q + 3), u24(q + 6) + 1, u24(q + 9) + 1};
            return true;
        }
        length += length & 1;
        if (length > n - at - 8) {
            return false;
        }
        at += 8 + length;
    }
    return false;
}

static int damaged(void)
{
    return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged WebP");
}

static int decode(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    WebPBitstreamFeatures canvas, inner;

    /* The size that the file claims is checked, because a later frame may be what was cut. */
    if (base_u32(bytes + 4) > n - 8 || WebPGetFeatures(bytes, n, &canvas) != VP8_STATUS_OK) {
        return damaged();
    }
    struct frame f = {bytes, n, 0, 0, (uint32_t)canvas.width, (uint32_t)canvas.height};
    int status = pixels_check_size(f.width, f.height, max_pixels);
    if (status != CLIPC_OK) {
        return status;
    }
    if (canvas.has_animation &&
        (!first_frame(bytes, n, &f) || f.left + f.width > (uint32_t)canvas.width ||
         f.top + f.height > (uint32_t)canvas.height ||
         WebPGetFeatures(f.p, f.n, &inner) != VP8_STATUS_OK || inner.has_animation ||
         (uint32_t)inner.width != f.width || (uint32_t)inner.height != f.height)) {
        return damaged();
    }
    status = pixels_new(image, (uint32_t)canvas.width, (uint32_t)canvas.height,
                       canvas.has_alpha ? CLIPC_RGBA : CLIPC_RGB);
    if (status != CLIPC_OK) {
        return status;
    }
    size_t skip = f.top * image->stride + f.left * (canvas.has_alpha ? 4u : 3u);
    size_t room = image->stride * image->height - skip;
    uint8_t *to = (uint8_t *)image->data + skip;
    uint8_t *done = canvas.has_alpha ? WebPDecodeRGBAInto(f.p, f.n, to, room, (int)image->stride)
                                     : WebPDecodeRGBInto(f.p, f.n, to, room, (int)image->stride);
    if (done == NULL) {
        pixels_free(image);
        return damaged();
    }
    return CLIPC_OK;
}

extern const struct image_decoder image_webp;
const struct image_decoder image_webp = {"libwebp", "WebP", probe, decode};
