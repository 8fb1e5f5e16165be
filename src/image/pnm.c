/* pnm.c - the portable any-map: P1 to P6, Netpbm's pnm(5).  As Pillow reads them: bitmaps are
 * 1-bit images, a maximum other than 255 is scaled, 16-bit gray stays 16-bit. */
#include <math.h>

#include "../base/base.h"
#include "image.h"
#include "kind.h"
#include "pixels.h"

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

/* The header: which of P1 to P6, the sides, the largest value; then r->at is behind the one blank
 * that ends it. */
struct header {
    int kind;
    uint32_t width, height, max, channels;
    size_t samples, row_bytes; /* of a row; its bytes in the binary formats */
};

static bool read_header(struct reader *r, struct header *h)
{
    h->kind = r->p[1] - '0';
    bool bitmap = h->kind == 1 || h->kind == 4;
    h->width = number(r);
    h->height = number(r);
    h->max = bitmap ? 1 : number(r);
    h->channels = h->kind == 3 || h->kind == 6 ? 3 : 1;
    h->samples = (size_t)h->width * h->channels;
    h->row_bytes = h->kind == 4 ? (h->samples + 7) / 8 : h->samples * (h->max > 255 ? 2 : 1);
    r->bad |= r->at < r->n && !is_space(r->p[r->at]);
    r->at++;
    return !r->bad && h->max != 0 && h->max <= 65535;
}

/* P1 and a space may begin a text.  A picture has the numbers of a header, and behind them: digits
 * in the plain formats; in the others as many bytes as the header asks for (or more than a probe
 * sees), or at least some that no text has. */
static bool probe(const uint8_t *p, size_t n)
{
    struct reader r = {p, 2, n, false};
    struct header h;

    if (n < 3 || p[0] != 'P' || p[1] < '1' || p[1] > '6' || !is_space(p[2]) ||
        !read_header(&r, &h)) {
        return false;
    }
    if (h.kind >= 4) {
        return n >= IMAGE_PROBE_BYTES || r.at >= n || h.row_bytes * h.height <= n - r.at ||
               !kind_is_all_text(p + r.at, n - r.at);
    }
    for (; r.at < n && r.at < IMAGE_PROBE_BYTES; r.at++) {
        if (p[r.at] == '#') {
            while (r.at < n && p[r.at] != '\n' && p[r.at] != '\r') {
                r.at++;
            }
        } else if (!is_space(p[r.at]) && (p[r.at] < '0' || p[r.at] > '9')) {
            return false;
        }
    }
    return true;
}

/* Sample i of row y in the binary formats. */
static uint32_t sample(const struct reader *r, const struct header *h, size_t y, size_t i)
{
    const uint8_t *row = r->p + r->at + y * h->row_bytes;

    if (h->kind == 4) {
        return row[i / 8] >> (7 - i % 8) & 1;
    }
    return h->max > 255 ? (uint32_t)row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

/* v of `max` to a sample of the image, as Pillow rounds it: half to even. */
static void store(struct clipc_image *image, size_t y, size_t i, uint32_t v, const struct header *h)
{
    uint8_t *row = (uint8_t *)image->data + y * image->stride;
    uint32_t top = image->format == CLIPC_I16 ? 65535 : 255;

    if (h->kind == 1 || h->kind == 4) {
        row[i] = v ? 0 : 255;
        return;
    }
    v = v > h->max ? h->max : v;
    v = h->max == top ? v : (uint32_t)nearbyint((double)v / (double)h->max * top);
    if (image->format == CLIPC_I16) {
        ((uint16_t *)(void *)row)[i] = (uint16_t)v;
    } else {
        row[i] = (uint8_t)v;
    }
}

/* Row y's samples; false when they end early, or one is none. */
static bool read_row(struct reader *r, const struct header *h, size_t y, struct clipc_image *image)
{
    size_t there = r->at < r->n ? r->n - r->at : 0, start = y * h->row_bytes;

    if (h->kind >= 4 && there < start + h->row_bytes) {
        return false;
    }
    for (size_t i = 0; i < h->samples; i++) {
        uint32_t v = h->kind >= 4 ? sample(r, h, y, i) : h->kind == 1 ? bit(r) : number(r);
        r->bad |= h->kind < 4 && v > h->max;
        if (r->bad) {
            return false;
        }
        store(image, y, i, v, h);
    }
    return true;
}

/* Rows until one is not whole; how many there were. */
static size_t read_rows(struct reader *r, const struct header *h, bool truncated,
                        struct clipc_image *image)
{
    size_t y = 0;

    while (y < h->height && read_row(r, h, y, image)) {
        y++;
    }
    if (truncated && y < h->height) { /* the part of a row, and what follows, to gray */
        struct clipc_image rest = *image;
        rest.data = (uint8_t *)image->data + y * image->stride;
        rest.height = h->height - (uint32_t)y;
        pixels_gray(&rest);
    }
    return y;
}

static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    struct reader r = {bytes, 2, n, false};
    struct header h;

    if (!read_header(&r, &h)) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged PNM header");
    }
    int status = pixels_check_size(h.width, h.height, limits->max_pixels);
    if (status != CLIPC_OK) {
        return status;
    }
    /* Plain formats have a digit for each pixel at least. */
    size_t least = h.kind < 4 ? (size_t)h.width * h.height : h.row_bytes * h.height;
    size_t there = r.at < n ? n - r.at : 0;
    if (there < least && !limits->truncated) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated PNM: %zu bytes of pixels, %zu there", least,
                         there);
    }
    status = pixels_new(image, h.width, h.height,
                        h.channels == 3 ? CLIPC_RGB
                        : h.max > 255   ? CLIPC_I16
                                        : CLIPC_L);
    if (status != CLIPC_OK) {
        return status;
    }
    size_t rows = read_rows(&r, &h, limits->truncated, image);
    if (rows < h.height && (!limits->truncated || rows == 0)) {
        pixels_free(image);
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged PNM");
    }
    image->palette = h.kind == 1 || h.kind == 4;
    return CLIPC_OK;
}

extern const struct image_decoder image_pnm;
const struct image_decoder image_pnm = {"clipc", "PNM", probe, decode, NULL};
