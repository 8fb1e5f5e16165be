/* bmp.c - Windows and OS/2 bitmaps, plain and run-length coded, as Pillow reads them: to the
 * same modes, the same rounding of 5-bit colours, the same masks. */
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "image.h"
#include "kind.h"
#include "pixels.h"

enum compression { BMP_RAW = 0, BMP_RLE8 = 1, BMP_RLE4 = 2, BMP_MASKS = 3 };

/* Where 32-bit pixels keep red, green, blue and (or -1) alpha, by their masks. */
struct layout {
    uint32_t masks[4];
    int at[4];
};
static const struct layout layouts[] = {
    {{0xff0000, 0xff00, 0xff, 0}, {2, 1, 0, -1}},
    {{0xff000000, 0xff0000, 0xff00, 0}, {3, 2, 1, -1}},
    {{0xff000000, 0xff0000, 0xff00, 0xff}, {3, 2, 1, 0}},
    {{0xff, 0xff00, 0xff0000, 0xff000000}, {0, 1, 2, 3}},
    {{0xff0000, 0xff00, 0xff, 0xff000000}, {2, 1, 0, 3}},
    {{0, 0, 0, 0}, {2, 1, 0, 3}},
};

struct bmp {
    const uint8_t *p;
    size_t n;
    uint32_t width, height, bits, compression, colours;
    bool top_down, six_bits; /* six_bits: 16-bit pixels are 5-6-5 */
    const struct layout *layout;
    size_t header, entry, pixels; /* bytes of the header, of a palette entry; where pixels begin */
    uint8_t palette[256][3];
};

/* Bytes of the headers that there are: OS/2's two, and Windows' from 3.1 to 98. */
static bool is_header(uint32_t size)
{
    return size == 12 || size == 40 || size == 52 || size == 56 || size == 64 || size == 108 ||
           size == 124;
}

/* Many a text begins with BM: the header's size must be one, or so much as is there no text. */
static bool probe(const uint8_t *p, size_t n)
{
    if (n < 2 || p[0] != 'B' || p[1] != 'M') {
        return false;
    }
    return n < 18 ? !kind_is_all_text(p + 2, n - 2) : is_header(base_u32(p + 14));
}

/* Red, green, blue masks stand behind a 40-byte header and inside longer ones; longer ones also
 * have alpha's. */
static int read_masks(struct bmp *b)
{
    uint32_t masks[4] = {0};

    if (b->n < 66 + (b->header >= 56 ? 4u : 0u)) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated BMP");
    }
    for (size_t i = 0; i < (b->header >= 56 ? 4u : 3u); i++) {
        masks[i] = base_u32(b->p + 54 + 4 * i);
    }
    for (size_t i = 0; b->bits == 32 && i < sizeof layouts / sizeof layouts[0]; i++) {
        if (memcmp(masks, layouts[i].masks, sizeof masks) == 0) {
            b->layout = &layouts[i];
            return CLIPC_OK;
        }
    }
    b->six_bits = masks[1] == 0x7e0;
    if ((b->bits == 24 && masks[0] == 0xff0000 && masks[1] == 0xff00 && masks[2] == 0xff) ||
        (b->bits == 16 && masks[0] == (b->six_bits ? 0xf800 : 0x7c00) &&
         masks[1] == (b->six_bits ? 0x7e0 : 0x3e0) && masks[2] == 0x1f)) {
        return CLIPC_OK;
    }
    return base_fail(CLIPC_ERROR_UNSUPPORTED, "a BMP with unusual colour masks");
}

static int read_palette(struct bmp *b)
{
    size_t at = 14 + b->header;

    if (b->colours == 0) {
        b->colours = 1u << b->bits;
    }
    if (b->colours > 256 || at + b->colours * b->entry > b->n) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged BMP: a palette of %u colours", b->colours);
    }
    for (size_t i = 0; i < 256; i++) { /* Pillow's palettes begin as a gray ramp */
        const uint8_t *from = b->p + at + i * b->entry;
        for (size_t c = 0; c < 3; c++) {
            b->palette[i][c] = i < b->colours ? from[2 - c] : (uint8_t)i;
        }
    }
    if (b->pixels <= at) {
        b->pixels = at + b->colours * b->entry;
    }
    return CLIPC_OK;
}

static int read_header(struct bmp *b)
{
    uint32_t size = b->n >= 26 ? base_u32(b->p + 14) : 0;

    if (!is_header(size)) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged BMP: a header of %u bytes", size);
    }
    if (b->n < 14 + size) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated BMP");
    }
    bool old = size == 12;
    b->header = size;
    b->entry = old ? 3 : 4;
    b->pixels = base_u32(b->p + 10);
    b->width = old ? base_u16(b->p + 18) : base_u32(b->p + 18);
    b->height = old ? base_u16(b->p + 20) : base_u32(b->p + 22);
    b->top_down = !old && b->p[25] == 0xff;
    b->height = b->top_down ? 0u - b->height : b->height;
    b->bits = base_u16(b->p + (old ? 24 : 28));
    b->compression = old ? BMP_RAW : base_u32(b->p + 30);
    b->colours = old ? 0 : base_u32(b->p + 46);
    b->layout = &layouts[0];
    if (b->bits != 1 && b->bits != 4 && b->bits != 8 && b->bits != 16 && b->bits != 24 &&
        b->bits != 32) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "a BMP of %u bits a pixel", b->bits);
    }
    if (b->compression > BMP_MASKS || (b->compression == BMP_RLE8 && b->bits != 8) ||
        (b->compression == BMP_RLE4 && b->bits != 4) ||
        (b->compression == BMP_MASKS && b->bits < 16)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "a BMP of compression %u, %u bits",
                         b->compression, b->bits);
    }
    if (b->compression == BMP_MASKS) {
        int status = read_masks(b);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    if (b->bits > 8 && b->pixels == 0) {
        b->pixels = 14 + size;
    }
    return b->bits <= 8 ? read_palette(b) : CLIPC_OK;
}

/* A row of pixels without a palette. */
static void colour_row(const struct bmp *b, const uint8_t *from, uint8_t *to)
{
    for (uint32_t x = 0; x < b->width; x++) {
        if (b->bits == 16) {
            unsigned v = base_u16(from + 2 * x), green = b->six_bits ? 63 : 31;
            to[3 * x] = (uint8_t)((v >> (b->six_bits ? 11 : 10) & 31) * 255 / 31);
            to[3 * x + 1] = (uint8_t)((v >> 5 & green) * 255 / green);
            to[3 * x + 2] = (uint8_t)((v & 31) * 255 / 31);
        } else if (b->bits == 24) {
            to[3 * x] = from[3 * x + 2];
            to[3 * x + 1] = from[3 * x + 1];
            to[3 * x + 2] = from[3 * x];
        } else {
            size_t channels = b->layout->at[3] >= 0 ? 4 : 3;
            for (size_t c = 0; c < channels; c++) {
                to[channels * x + c] = from[4 * x + (unsigned)b->layout->at[c]];
            }
        }
    }
}

static void index_row(const struct bmp *b, const uint8_t *from, uint8_t *to)
{
    for (uint32_t x = 0; x < b->width; x++) {
        size_t bit = (size_t)x * b->bits;
        to[x] = (uint8_t)(from[bit / 8] >> (8 - b->bits - bit % 8) & ((1u << b->bits) - 1));
    }
}

/* The run-length coded pixels on their way to indices [height, width], zeroed before, in the file's
 * order of rows. */
struct runs {
    const struct bmp *b;
    uint8_t *to;
    size_t done, total, x, at; /* pixels made, of so many; place in the row; place in the file */
};

static void put_run(struct runs *r, uint8_t count, uint8_t value)
{
    size_t room = r->x < r->b->width ? r->b->width - r->x : 0, run = count < room ? count : room;

    for (size_t i = 0; i < run && r->done < r->total; i++) { /* cut at the end of the row */
        bool four = r->b->compression == BMP_RLE4;
        r->to[r->done++] = !four ? value : i % 2 == 0 ? value >> 4 : value & 15;
    }
    r->x += run;
}

/* `count` pixels as they are, in whole pairs of bytes.  False at the end of the file. */
static bool put_literal(struct runs *r, uint8_t count)
{
    bool four = r->b->compression == BMP_RLE4;
    size_t bytes = four ? (count + 1u) / 2 : count;
    const uint8_t *from = r->b->p + r->at;

    if (bytes > r->b->n - r->at) {
        return false;
    }
    for (size_t i = 0; i < count && r->done < r->total; i++) {
        r->to[r->done++] = !four ? from[i] : i % 2 == 0 ? from[i / 2] >> 4 : from[i / 2] & 15;
    }
    r->x += count;
    r->at += bytes + bytes % 2;
    return true;
}

/* How many pixels the codes make before they, the file or the picture end. */
static size_t read_runs(const struct bmp *b, uint8_t *to)
{
    struct runs r = {b, to, 0, (size_t)b->width * b->height, 0, b->pixels};
    bool more = true;

    while (more && r.done < r.total && r.at <= b->n && b->n - r.at >= 2) {
        uint8_t count = b->p[r.at], value = b->p[r.at + 1];
        r.at += 2;
        if (count != 0) {
            put_run(&r, count, value);
        } else if (value == 0) { /* end of the row */
            r.done = (r.done + b->width - 1) / b->width * b->width;
            r.x = 0;
        } else if (value == 1) { /* end of the picture */
            more = false;
        } else if (value == 2) { /* right and up; what is jumped over keeps index 0 */
            more = b->n - r.at >= 2;
            r.done += more ? b->p[r.at] + (size_t)b->p[r.at + 1] * b->width : 0;
            r.x = r.done % b->width;
            r.at += 2;
        } else {
            more = put_literal(&r, value);
        }
    }
    return r.done < r.total ? r.done : r.total;
}

static bool is_packed(const struct bmp *b)
{
    return b->compression == BMP_RLE8 || b->compression == BMP_RLE4;
}

/* Pixels of all rows that are there, in the file's order: of plain ones whole rows, but for the
 * last row's padding. */
static size_t count_pixels(const struct bmp *b, size_t stride)
{
    size_t last = ((size_t)b->width * b->bits + 7) / 8;
    size_t bytes = b->pixels < b->n ? b->n - b->pixels : 0;
    size_t rows = bytes / stride + (bytes % stride >= last);

    return b->width * (rows < b->height ? rows : b->height);
}

/* Row y of the file to its place in the image; of a run-length coded one that ends early only the
 * first `known` pixels. */
static void put_row(const struct bmp *b, struct clipc_image *image, uint32_t y, size_t stride,
                    uint8_t *row, size_t known)
{
    uint8_t *to = (uint8_t *)image->data + image->stride * (b->top_down ? y : b->height - 1 - y);
    const uint8_t *from = b->p + b->pixels + y * stride;

    if (b->bits > 8) {
        colour_row(b, from, to);
        return;
    }
    if (!is_packed(b)) {
        index_row(b, from, row);
    }
    for (size_t x = 0; image->format == CLIPC_RGB && x < known; x++) {
        memcpy(to + 3 * x, b->palette[row[x]], 3);
    }
    if (image->format == CLIPC_L) {
        memcpy(to, row, known);
    }
}

/* All rows into an image whose format says what of.  `indices`: room for a row of them, or for all
 * that are run-length coded, zeroed. */
static int read_rows(const struct bmp *b, bool truncated, struct clipc_image *image,
                     uint8_t *indices)
{
    size_t stride = ((size_t)b->width * b->bits + 31) / 32 * 4;
    size_t total = (size_t)b->width * b->height;
    size_t done = is_packed(b) ? read_runs(b, indices) : count_pixels(b, stride);

    if (done < total && (!truncated || done == 0)) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated BMP: its pixels end too early");
    }
    if (done < total) {
        pixels_gray(image);
    }
    for (uint32_t y = 0; (size_t)y * b->width < done; y++) {
        size_t at = (size_t)y * b->width, known = done - at < b->width ? done - at : b->width;
        put_row(b, image, y, stride, indices + (is_packed(b) ? at : 0), known);
    }
    return CLIPC_OK;
}

/* Is the palette the ramp 0, 1, 2, ...?  Then 8-bit pixels are gray, not indices. */
static bool is_gray(const struct bmp *b)
{
    for (size_t i = 0; i < 256; i++) {
        if (b->palette[i][0] != i || b->palette[i][1] != i || b->palette[i][2] != i) {
            return false;
        }
    }
    return true;
}

/* Can so few bytes hold the picture?  A pair of bytes makes at most 255 pixels, a jump of four
 * 65535 rows: so only plain pictures are refused here. */
static int check(const struct bmp *b, const struct image_limits *limits)
{
    int status = pixels_check_size(b->width, b->height, limits->max_pixels);

    if (status == CLIPC_OK && !limits->truncated && !is_packed(b) &&
        (uint64_t)b->width * b->height * b->bits / 8 > b->n) {
        status = base_fail(CLIPC_ERROR_FORMAT, "truncated BMP: %zu bytes for %u x %u pixels", b->n,
                           b->width, b->height);
    }
    return status;
}

static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    struct bmp b = {.p = bytes, .n = n};
    int status = read_header(&b);

    if (status == CLIPC_OK) {
        status = check(&b, limits);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    bool gray = b.bits == 8 && is_gray(&b);
    uint8_t *indices = b.bits > 8 ? NULL : calloc(is_packed(&b) ? (size_t)b.height : 1, b.width);
    if (b.bits <= 8 && indices == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for %u x %u pixels", b.width, b.height);
    }
    status = pixels_new(image, b.width, b.height,
                        gray                                   ? CLIPC_L
                        : b.bits == 32 && b.layout->at[3] >= 0 ? CLIPC_RGBA
                                                               : CLIPC_RGB);
    if (status == CLIPC_OK) {
        status = read_rows(&b, limits->truncated, image, indices);
        image->palette = b.bits <= 8 && !gray;
        if (status != CLIPC_OK) {
            pixels_free(image);
        }
    }
    free(indices);
    return status;
}

extern const struct image_decoder image_bmp;
const struct image_decoder image_bmp = {"clipc", "BMP", probe, decode, NULL};
