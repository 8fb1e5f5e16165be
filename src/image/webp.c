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

/* The first chunk of this name at `at` or behind; false when there is none, or (unless a part will
 * do) it is cut.  *body is clipped to the file. */
static bool find_chunk(const uint8_t *p, size_t n, size_t at, const char *name, bool part,
                       const uint8_t **body, size_t *length)
{
    while (at <= n && n - at >= 8) {
        size_t rest = n - at - 8, says = base_u32(p + at + 4);
        if (says > rest && !part) {
            return false;
        }
        if (memcmp(p + at, name, 4) == 0) {
            *body = p + at + 8;
            *length = says < rest ? says : rest;
            return true;
        }
        at += 8 + says + (says & 1);
    }
    return false;
}

/* Where a picture lies: its bytes, and its place on the canvas. */
struct frame {
    const uint8_t *p;
    size_t n;
    uint32_t left, top, width, height;
};

/* The first ANMF chunk: 16 bytes of place and time, then the chunks of a picture. */
static bool first_frame(const uint8_t *p, size_t n, bool part, struct frame *f)
{
    const uint8_t *q;
    size_t length;

    if (!find_chunk(p, n, 12, "ANMF", part, &q, &length) || length <= 16) {
        return false;
    }
    *f = (struct frame){q + 16,         length - 16,    2 * u24(q),
                        2 * u24(q + 3), u24(q + 6) + 1, u24(q + 9) + 1};
    return true;
}

static int damaged(void)
{
    return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged WebP");
}

/* What is to be decoded, and where it goes on a canvas of canvas->width x canvas->height. */
static int find_frame(const uint8_t *p, size_t n, bool part, const WebPBitstreamFeatures *canvas,
                      struct frame *f)
{
    WebPBitstreamFeatures inner;
    size_t length;

    *f = (struct frame){p, n, 0, 0, (uint32_t)canvas->width, (uint32_t)canvas->height};
    if (canvas->has_animation) {
        return first_frame(p, n, part, f) && f->left + f->width <= (uint32_t)canvas->width &&
                       f->top + f->height <= (uint32_t)canvas->height &&
                       WebPGetFeatures(f->p, f->n, &inner) == VP8_STATUS_OK &&
                       !inner.has_animation && (uint32_t)inner.width == f->width &&
                       (uint32_t)inner.height == f->height
                   ? CLIPC_OK
                   : damaged();
    }
    /* Without the flag of alpha in VP8X, libwebp's demuxer, and so Pillow, passes over ALPH: the
     * picture is RGBA and opaque. */
    if (n > 20 && memcmp(p + 12, "VP8X", 4) == 0 && (p[20] & 0x10) == 0 &&
        find_chunk(p, n, 12, "VP8 ", part, &f->p, &length)) {
        f->p -= 8;
        f->n = 8 + length;
    }
    return CLIPC_OK;
}

/* As many rows as there are; the others become gray. */
static bool decode_part(const struct frame *f, uint8_t *to, size_t room, struct clipc_image *image)
{
    WEBP_CSP_MODE mode = image->format == CLIPC_RGBA ? MODE_RGBA : MODE_RGB;
    WebPIDecoder *decoder = WebPINewRGB(mode, to, room, (int)image->stride);
    int rows = 0;

    if (decoder == NULL) {
        return false;
    }
    WebPIUpdate(decoder, f->p, f->n);
    if (WebPIDecGetRGB(decoder, &rows, NULL, NULL, NULL) == NULL) {
        rows = 0;
    }
    WebPIDelete(decoder);
    struct clipc_image rest = *image;
    rest.data = to + (size_t)rows * image->stride;
    rest.width = f->width;
    rest.height = f->height - (uint32_t)rows;
    pixels_gray(&rest);
    return rows > 0;
}

static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    WebPBitstreamFeatures canvas;
    struct frame f;

    /* The size that the file claims is checked, because a later frame may be what was cut. */
    if ((base_u32(bytes + 4) > n - 8 && !limits->truncated) ||
        WebPGetFeatures(bytes, n, &canvas) != VP8_STATUS_OK) {
        return damaged();
    }
    int status =
        pixels_check_size((uint64_t)canvas.width, (uint64_t)canvas.height, limits->max_pixels);
    if (status == CLIPC_OK) {
        status = find_frame(bytes, n, limits->truncated, &canvas, &f);
    }
    if (status == CLIPC_OK) {
        status = pixels_new(image, (uint32_t)canvas.width, (uint32_t)canvas.height,
                            canvas.has_alpha ? CLIPC_RGBA : CLIPC_RGB);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    size_t skip = f.top * image->stride + f.left * pixels_formats[image->format].bytes;
    size_t room = image->stride * image->height - skip;
    uint8_t *to = (uint8_t *)image->data + skip;
    bool good = limits->truncated ? decode_part(&f, to, room, image)
                : canvas.has_alpha
                    ? WebPDecodeRGBAInto(f.p, f.n, to, room, (int)image->stride) != NULL
                    : WebPDecodeRGBInto(f.p, f.n, to, room, (int)image->stride) != NULL;
    if (!good) {
        pixels_free(image);
        return damaged();
    }
    return CLIPC_OK;
}

extern const struct image_decoder image_webp;
const struct image_decoder image_webp = {"libwebp", "WebP", probe, decode, NULL};
