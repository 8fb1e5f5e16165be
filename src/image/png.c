/* png.c - PNG's chunks, and through inflate.c and png_rows.c its pixels.  What Pillow takes is
 * taken: the chunks in front of the pixels must be whole and their checksums right, the pixels must
 * be all there; of what stands behind them (the checksum of the pixels' chunk, IEND, texts) nothing
 * is needed, only a chunk cut short is refused.  Colour profiles, transparency and animation change
 * no pixel here. */
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "../base/crc32.h"
#include "image.h"
#include "inflate.h"
#include "pixels.h"
#include "png_rows.h"

#define SIGNATURE "\x89PNG\r\n\x1a\n"

static uint32_t get(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 8 && memcmp(p, SIGNATURE, 8) == 0;
}

/* ---- Chunks ---------------------------------------------------------------------------------- */

struct chunk {
    const uint8_t *type, *body;
    size_t length; /* as it says; more than `there` when the file ends within it */
    size_t there;
};

/* The chunk at `at`; false when none begins there: a name is four letters. */
static bool read_chunk(const uint8_t *p, size_t n, size_t at, struct chunk *c)
{
    if (at > n || n - at < 8) {
        return false;
    }
    c->length = get(p + at);
    c->type = p + at + 4;
    c->body = p + at + 8;
    c->there = c->length < n - at - 8 ? c->length : n - at - 8;
    for (size_t i = 0; i < 4; i++) {
        uint8_t letter = c->type[i] | 32;
        if ((letter < 'a' || letter > 'z') && (c->type[i] < '0' || c->type[i] > '9') &&
            c->type[i] != '_') {
            return false;
        }
    }
    return true;
}

static bool is(const struct chunk *c, const char *type)
{
    return memcmp(c->type, type, 4) == 0;
}

static int damaged(const char *what)
{
    return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: %s", what);
}

/* ---- In front of the pixels ------------------------------------------------------------------ */

static int read_header(const struct chunk *c, size_t max_pixels, struct png_header *h)
{
    /* Allowed depths of colour types 0 to 6, one bit for each depth. */
    static const uint32_t depths[7] = {0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100};
    const uint8_t *p = c->body;

    if (c->length < 13 || p[8] > 16 || p[9] > 6 || (depths[p[9]] >> p[8] & 1) == 0 || p[11] != 0) {
        return damaged("its header asks for what no PNG has");
    }
    h->width = get(p);
    h->height = get(p + 4);
    h->depth = p[8];
    h->colour = p[9];
    h->interlaced = p[12] != 0;
    return pixels_check_size(h->width, h->height, max_pixels);
}

/* Colours behind the palette's end are a gray ramp, as in Pillow. */
static int read_palette(const struct chunk *c, struct png_header *h)
{
    if (h->colour == 3 && c->length > 768) {
        return damaged("a palette of more than 256 colours");
    }
    if (h->colour == 3) {
        memcpy(h->palette, c->body, c->length / 3 * 3);
    }
    return CLIPC_OK;
}

/* Up to the first chunk of pixels, which `*at` then is the place of. */
static int read_front(const uint8_t *p, size_t n, const struct image_limits *limits, size_t *at,
                      struct png_header *h)
{
    struct chunk c;
    bool iphone = false;
    int status = CLIPC_OK;

    for (*at = 8; status == CLIPC_OK; *at += 12 + c.length) {
        if (!read_chunk(p, n, *at, &c)) {
            return *at + 8 > n ? base_fail(CLIPC_ERROR_FORMAT, "truncated PNG: no pixels")
                               : damaged("no chunk where one must begin");
        }
        if (is(&c, "IDAT") || is(&c, "IEND")) {
            break;
        }
        if (c.there < c.length || n - *at - 8 - c.length < 4) {
            return base_fail(CLIPC_ERROR_FORMAT, "truncated PNG: it ends within a chunk");
        }
        bool matters = (c.type[0] & 32) == 0;
        if ((matters || !limits->truncated) &&
            crc32_of(c.type, c.length + 4) != get(c.body + c.length)) {
            return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: wrong checksum at byte %zu", *at);
        }
        iphone |= is(&c, "CgBI");
        if (is(&c, "IHDR")) {
            status =
                h->width != 0 ? damaged("two headers") : read_header(&c, limits->max_pixels, h);
        } else if (is(&c, "PLTE")) {
            status = read_palette(&c, h);
        }
    }
    if (status == CLIPC_OK && (h->width == 0 || is(&c, "IEND"))) {
        return damaged(h->width == 0 ? "no header" : "no pixels");
    }
    if (status == CLIPC_OK && iphone) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "an iPhone's own kind of PNG (CgBI): convert it with Apple's pngcrush");
    }
    return status;
}

/* ---- The pixels ------------------------------------------------------------------------------ */

/* The bytes of chunks of pixels that follow one another from `at` on: *p [*bytes], in `*joined`
 * (for free()) when there is more than one.  Returns where they end; (size_t)-1: no memory. */
static size_t join(const uint8_t *file, size_t n, size_t at, const uint8_t **p, size_t *bytes,
                   uint8_t **joined)
{
    size_t end = at, total = 0, chunks = 0;
    struct chunk c;

    for (; read_chunk(file, n, end, &c) && is(&c, "IDAT"); end += 12 + c.length, chunks++) {
        *p = c.body;
        total += c.there;
    }
    *bytes = total;
    *joined = NULL;
    if (chunks > 1) {
        *joined = malloc(total == 0 ? 1 : total);
        if (*joined == NULL) {
            return (size_t)-1;
        }
        *p = *joined;
        for (size_t to = 0; at < end; at += 12 + c.length) {
            read_chunk(file, n, at, &c);
            memcpy(*joined + to, c.body, c.there);
            to += c.there;
        }
    }
    return end;
}

/* Are the chunks behind the pixels whole, up to IEND or to what is no chunk? */
static int check_tail(const uint8_t *p, size_t n, size_t at)
{
    struct chunk c;

    for (; read_chunk(p, n, at, &c) && !is(&c, "IEND") && !is(&c, "fcTL"); at += 12 + c.length) {
        if (c.there < c.length) {
            return base_fail(CLIPC_ERROR_FORMAT, "truncated PNG: it ends within a chunk");
        }
    }
    return CLIPC_OK;
}

static int missing(enum inflate_end end, const struct png_rows *rows)
{
    return rows->bad_filter         ? damaged("a row of an unknown filter")
           : end == INFLATE_DAMAGED ? damaged("its pixels cannot be unpacked")
           : end == INFLATE_MEMORY
               ? base_fail(CLIPC_ERROR_MEMORY, "no memory for a PNG")
               : base_fail(CLIPC_ERROR_FORMAT, "truncated PNG: its pixels end too early");
}

/* Unpack `packed` [bytes] into a new image. */
static int read_pixels(const struct png_header *h, const uint8_t *packed, size_t bytes,
                       const struct image_limits *limits, struct clipc_image *image)
{
    struct png_rows rows;
    uint64_t total = png_rows_bytes(h);

    if (!limits->truncated && total / 1032 > bytes) { /* deflate makes at most 1032 of one */
        return base_fail(CLIPC_ERROR_FORMAT, "truncated PNG: %zu bytes for %u x %u pixels", bytes,
                         h->width, h->height);
    }
    int status = pixels_new(image, h->width, h->height, png_rows_format(h));
    if (status == CLIPC_OK && !png_rows_begin(&rows, h, image)) {
        pixels_free(image);
        status = base_fail(CLIPC_ERROR_MEMORY, "no memory for a row of %u pixels", h->width);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    if (limits->truncated) {
        pixels_gray(image);
    }
    image->palette = h->colour == 3 || (h->colour == 0 && h->depth == 1);
    enum inflate_end end = inflate_zlib(packed, bytes, (size_t)total, png_rows_put, &rows);
    bool whole = rows.y == rows.pass.rows && (end == INFLATE_FULL || end == INFLATE_ENDED);
    if (!whole && (!limits->truncated || rows.done == 0)) {
        status = missing(end, &rows);
        pixels_free(image);
    }
    png_rows_end(&rows);
    return status;
}

static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    struct png_header h = {0};
    const uint8_t *packed = NULL;
    uint8_t *joined = NULL;
    size_t at, size = 0;

    for (size_t i = 0; i < 256; i++) {
        memset(h.palette[i], (int)i, 3);
    }
    int status = read_front(bytes, n, limits, &at, &h);
    if (status != CLIPC_OK) {
        return status;
    }
    size_t end = join(bytes, n, at, &packed, &size, &joined);
    if (end == (size_t)-1) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for a PNG of %zu bytes", n);
    }
    status = limits->truncated ? CLIPC_OK : check_tail(bytes, n, end);
    if (status == CLIPC_OK) {
        status = read_pixels(&h, packed, size, limits, image);
    }
    free(joined);
    return status;
}

extern const struct image_decoder image_png;
const struct image_decoder image_png = {"clipc", "PNG", probe, decode, NULL};
