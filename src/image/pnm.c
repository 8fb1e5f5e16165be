/* pnm.c - the portable any-map: P1 to P6, Netpbm's pnm(5).  As Pillow reads them: bitmaps are
 * 1-bit images, a maximum other than 255 is scaled, 16-bit gray stays 16-bit. */
#include <math.h>

#include "../base/base.h"
#include "image.h"

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '6' &&
           (p[2] == ' ' || (p[2] >= 9 && p[2] <= 13));
}

struct reader {
    const uint8_t *p;
    size_t at, n;
    bool bad;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->n && (is_space(r->p[r->at]) || r->p[r->at] == '#')) {
        if (r->p[r->at] == '#') {
            while (r->at < r->n && r->p[r->at] != '\n' && r->p[r->at] != '\r') {
                r->at++;
            }
        } else {
            r->at++;
        }
    }
}

/* The next number in text. */
static uint32_t number(struct reader *r)
{
    uint32_t v = 0;
    size_t start;

    skip_space(r);
    start = r->at;
    while (r->at < r->n && r->p[r->at] >= '0' && r->p[r->at] <= '9' && v < 100000000) {
        v = 10 * v + (uint32_t)(r->p[r->at++] - '0');
    }
    r->bad |= r->at == start; /* a number that was cut ends in a digit, and is too large anyway */
    return v;
}

/* One digit of a plain bitmap, which need not be separated. */
static uint32_t bit(struct reader *r)
{
    skip_space(r);
    r->bad |= r->at >= r->n || (r->p[r->at] != '0' && r->p[r->at] != '1');
    return r->bad ? 0 : (uint32_t)(r->p[r->at++] - '0');
}

/* Sample i of row y in the binary formats. */
static uint32_t sample(const struct reader *r, int kind, size_t row_bytes, size_t y, size_t i,
                       uint32_t max)
{
    const uint8_t *row = r->p + r->at + y * row_bytes;

    if (kind == 4) {
        return row[i / 8] >> (7 - i % 8) & 1;
    }
    return max > 255 ? (uint32_t)row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

/* v of `max` to a sample of the image, as Pillow rounds it: half to even. */
static void store(struct clipc_image *image, size_t y, size_t i, uint32_t v, uint32_t max, int kind)
{
    uint8_t *row = (uint8_t *)image->data + y * image->stride;
    uint32_t top = image->format == CLIPC_I16 ? 65535 : 255;

    if (kind == 1 || kind == 4) {
        row[i] = v ? 0 : 255;
        return;
    }
    v = v > max ? max : v;
    v = max == top ? v : (uint32_t)nearbyint((double)v / (double)max * top);
    if (image->format == CLIPC_I16) {
        ((uint16_t *)(void *)row)[i] = (uint16_t)v;
    } else {
        row[i] = (uint8_t)v;
    }
}

static int decode(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    struct reader r = {bytes, 2, n, false};
    int kind = bytes[1] - '0', status;
    bool bitmap = kind == 1 || kind == 4, binary = kind >= 4;
    uint32_t width = number(&r), height = number(&r), max = bitmap ? 1 : number(&r);
    uint32_t channels = kind == 3 || kind == 6 ? 3 : 1;

    if (r.bad || max == 0 || max > 65535) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged PNM header");
    }
    status = image_check_size(width, height, max_pixels);
    if (status != CLIPC_OK) {
        return status;
    }
    size_t samples = (size_t)width * channels;
    size_t row_bytes = kind == 4 ? (samples + 7) / 8 : samples * (max > 255 ? 2 : 1);
    if (binary) {
        r.at++; /* exactly one separator */
        if (r.at > n || row_bytes * height > n - r.at) {
            return base_fail(CLIPC_ERROR_FORMAT, "truncated PNM: %zu bytes of pixels, %zu there",
                             row_bytes * height, r.at > n ? 0 : n - r.at);
        }
    } else if ((size_t)width * height > n) { /* plain: a digit for each pixel at least */
        return base_fail(CLIPC_ERROR_FORMAT, "truncated PNM");
    }
    status = image_new(image, width, height,
                       channels == 3 ? CLIPC_RGB
                       : max > 255   ? CLIPC_I16
                                     : CLIPC_L);
    for (size_t y = 0; status == CLIPC_OK && y < height; y++) {
        for (size_t i = 0; i < samples; i++) {
            uint32_t v = binary      ? sample(&r, kind, row_bytes, y, i, max)
                         : kind == 1 ? bit(&r)
                                     : number(&r);
            r.bad |= !binary && v > max;
            store(image, y, i, v, max, kind);
        }
        if (r.bad) {
            image_free(image);
            status = base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged PNM");
        }
    }
    if (status == CLIPC_OK) {
        image->palette = bitmap;
    }
    return status;
}

extern const struct image_decoder image_pnm;
const struct image_decoder image_pnm = {"clipc", "PNM", probe, decode};
