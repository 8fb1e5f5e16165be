/* image_webp.c - WebP through libwebp: still pictures, as Pillow opens them. */
#include <string.h>

#include <webp/decode.h>

#include "base.h"
#include "image.h"

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0;
}

static int decode(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    WebPBitstreamFeatures features;

    if (WebPGetFeatures(bytes, n, &features) != VP8_STATUS_OK) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged WebP");
    }
    if (features.has_animation) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "an animated WebP: only still ones are read");
    }
    int status = image_check_size((uint64_t)features.width, (uint64_t)features.height, max_pixels);
    if (status == CLIPC_OK) {
        status = image_new(image, (uint32_t)features.width, (uint32_t)features.height,
                           features.has_alpha ? CLIPC_RGBA : CLIPC_RGB);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    size_t size = image->stride * image->height;
    uint8_t *done = features.has_alpha
                        ? WebPDecodeRGBAInto(bytes, n, image->data, size, (int)image->stride)
                        : WebPDecodeRGBInto(bytes, n, image->data, size, (int)image->stride);
    if (done == NULL) {
        image_free(image);
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged WebP");
    }
    return CLIPC_OK;
}

extern const struct image_decoder image_webp;
const struct image_decoder image_webp = {"libwebp", "WebP", probe, decode};
