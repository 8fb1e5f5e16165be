/* gif.c - the first picture of a GIF, as Pillow shows it: transparent pixels in their palette
 * colour, a gray ramp as gray, and what the picture does not cover in the transparent or first
 * colour. */
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "image.h"
#include "kind.h"
#include "pixels.h"

#define CODES 4096 /* of at most 12 bits */

struct gif {
    const uint8_t *p;
    size_t n, at;
    uint32_t width, height;         /* of the screen, or larger when the picture is */
    uint32_t left, top, cols, rows; /* of the picture */
    bool interlaced;
    uint8_t empty; /* index of what the picture does not cover */
    uint8_t palette[256][3];
};

/* Behind the magic stand a width, a height, flags, a colour and a ratio: where all seven bytes are
 * a text's, the picture would be of thousands of pixels each way and without a colour table. */
static bool probe(const uint8_t *p, size_t n)
{
    return n >= 6 && (memcmp(p, "GIF87a", 6) == 0 || memcmp(p, "GIF89a", 6) == 0) &&
           !kind_is_all_text(p + 6, n < 13 ? n - 6 : 7);
}

static int truncated(void)
{
    return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged GIF");
}

/* The table of colours at g->at, of 2 << (flags & 7) entries; the rest is a gray ramp. */
static bool read_palette(struct gif *g, uint8_t flags)
{
    size_t bytes = (size_t)3 * (2u << (flags & 7));

    if (g->n - g->at < bytes) {
        return false;
    }
    for (size_t i = 0; i < 256; i++) {
        memset(g->palette[i], (int)i, 3);
    }
    memcpy(g->palette, g->p + g->at, bytes);
    g->at += bytes;
    return true;
}

/* Past an extension whose label stands at g->at.  A graphic control names the transparent index. */
static bool read_extension(struct gif *g)
{
    const uint8_t *p = g->p + g->at;

    if (g->n - g->at >= 6 && p[0] == 0xf9 && p[1] >= 4 && (p[2] & 1)) {
        g->empty = p[5];
    }
    for (g->at++; g->at < g->n && g->p[g->at] != 0;) {
        size_t block = g->p[g->at] + 1u;
        if (g->n - g->at <= block) {
            return false;
        }
        g->at += block;
    }
    g->at++;
    return g->at < g->n;
}

/* The screen, what stands before the first picture, and the picture's place and palette. */
static int read_header(struct gif *g)
{
    if (g->n < 13) {
        return truncated();
    }
    g->width = base_u16(g->p + 6);
    g->height = base_u16(g->p + 8);
    g->at = 13;
    for (size_t i = 0; i < 256; i++) {
        memset(g->palette[i], (int)i, 3);
    }
    if ((g->p[10] & 0x80) && !read_palette(g, g->p[10])) {
        return truncated();
    }
    while (g->at < g->n && g->p[g->at] != ',') {
        uint8_t tag = g->p[g->at++];
        if (tag == ';' || (tag == '!' && (g->at >= g->n || !read_extension(g)))) {
            return truncated();
        }
    }
    if (g->at > g->n || g->n - g->at < 12) {
        return truncated();
    }
    const uint8_t *p = g->p + g->at;
    g->left = base_u16(p + 1);
    g->top = base_u16(p + 3);
    g->cols = base_u16(p + 5);
    g->rows = base_u16(p + 7);
    g->width = g->left + g->cols > g->width ? g->left + g->cols : g->width;
    g->height = g->top + g->rows > g->height ? g->top + g->rows : g->height;
    g->interlaced = p[9] & 0x40;
    g->at += 10;
    if (((p[9] & 0x80) && !read_palette(g, p[9])) || g->at >= g->n || g->cols == 0 ||
        g->rows == 0) {
        return truncated();
    }
    return CLIPC_OK;
}

/* ---- The codes ----------------------------------------------------------------------------- */

/* Bits from blocks of a length byte and data, least significant first. */
struct bits {
    const uint8_t *p;
    size_t at, n, block; /* block: bytes left of this one */
    uint32_t held;
    unsigned count;
};

/* The next `width` bits; -1 at the end of the blocks. */
static int next_code(struct bits *b, unsigned width)
{
    while (b->count < width) {
        if (b->block == 0) {
            if (b->at >= b->n || b->p[b->at] == 0 || b->n - b->at <= b->p[b->at]) {
                return -1;
            }
            b->block = b->p[b->at++];
        }
        b->held |= (uint32_t)b->p[b->at++] << b->count;
        b->count += 8;
        b->block--;
    }
    int code = (int)(b->held & ((1u << width) - 1));
    b->held >>= width;
    b->count -= width;
    return code;
}

/* Each code is an index behind the string of an older code. */
struct table {
    uint16_t link[CODES];
    uint8_t last[CODES];
    uint8_t string[CODES]; /* one string, filled from its end */
};

/* The picture's indices, in the order of the file, to `to` [total].  How many there were before the
 * codes ended, or one that cannot be came. */
static size_t read_codes(struct bits *b, unsigned depth, struct table *t, uint8_t *to, size_t total)
{
    const int clear = 1 << depth, end = clear + 1;
    int next = clear + 2, old = -1;
    unsigned width = depth + 1;
    uint8_t first = 0; /* first index of the string of `old` */
    size_t done = 0;

    while (done < total) {
        int code = next_code(b, width), c = code;
        size_t from = CODES;
        if (code < 0 || code == end || (old < 0 && code > end) || code > next) {
            break;
        }
        if (code == clear) {
            next = clear + 2;
            width = depth + 1;
            old = -1;
            continue;
        }
        if (code == next &&
            old >= 0) { /* the string about to be made: old's, and its first index */
            t->string[--from] = first;
            c = old;
        }
        for (; c >= clear && from > 0; c = t->link[c]) {
            t->string[--from] = t->last[c];
        }
        if (c >= clear || from == 0) {
            break;
        }
        first = (uint8_t)c;
        t->string[--from] = first;
        if (old >= 0 && next < CODES) {
            t->last[next] = first;
            t->link[next] = (uint16_t)old;
            if (next == (1 << width) - 1 && width < 12) {
                width++;
            }
            next++;
        }
        old = code;
        size_t count = CODES - from < total - done ? CODES - from : total - done;
        memcpy(to + done, t->string + from, count);
        done += count;
    }
    return done;
}

/* ---- The picture --------------------------------------------------------------------------- */

/* The first n pixels of row y of the picture. */
static void put_row(const struct gif *g, struct clipc_image *image, uint32_t y, const uint8_t *from,
                    size_t n)
{
    uint8_t *row = (uint8_t *)image->data + (g->top + y) * image->stride;

    if (image->format == CLIPC_L) {
        memcpy(row + g->left, from, n);
        return;
    }
    for (size_t x = 0; x < n; x++) {
        memcpy(row + 3 * (g->left + x), g->palette[from[x]], 3);
    }
}

/* Which row of the file is row y of the picture? */
static uint32_t place_of(const struct gif *g, uint32_t y)
{
    static const uint8_t start[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2}; /* GIF89a, appendix E */
    uint32_t place = 0;

    for (size_t pass = 0; g->interlaced && pass < 4; pass++) {
        if (y % step[pass] == start[pass]) {
            return place + y / step[pass];
        }
        place += g->rows > start[pass] ? (g->rows - start[pass] + step[pass] - 1) / step[pass] : 0;
    }
    return y;
}

/* The screen: empty, but for the first `done` of the picture's indices; the others are gray. */
static void put_picture(const struct gif *g, struct clipc_image *image, const uint8_t *indices,
                        size_t done)
{
    pixels_gray(image);
    for (uint32_t y = 0; y < image->height; y++) {
        uint8_t *row = (uint8_t *)image->data + y * image->stride;
        bool crossed = y >= g->top && y - g->top < g->rows;
        for (uint32_t x = 0; x < image->width; x++) {
            if (crossed && x >= g->left && x - g->left < g->cols) {
                continue;
            }
            if (image->format == CLIPC_L) {
                row[x] = g->empty;
            } else {
                memcpy(row + 3 * x, g->palette[g->empty], 3);
            }
        }
    }
    for (uint32_t y = 0; y < g->rows; y++) {
        size_t at = (size_t)place_of(g, y) * g->cols;
        if (at < done) {
            put_row(g, image, y, indices + at, done - at < g->cols ? done - at : g->cols);
        }
    }
}

static bool is_gray(const struct gif *g)
{
    for (size_t i = 0; i < 256; i++) {
        if (g->palette[i][0] != i || g->palette[i][1] != i || g->palette[i][2] != i) {
            return false;
        }
    }
    return true;
}

static int read_indices(const struct gif *g, bool truncated_too, uint8_t *indices, size_t total,
                        size_t *done)
{
    unsigned depth = g->p[g->at];
    struct bits bits = {g->p, g->at + 1, g->n, 0, 0, 0};
    struct table *table = depth <= 8 ? calloc(1, sizeof *table) : NULL;

    if (depth > 8) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged GIF: indices of %u bits", depth);
    }
    if (table == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    *done = read_codes(&bits, depth, table, indices, total);
    free(table);
    return *done == total || (truncated_too && *done > 0) ? CLIPC_OK : truncated();
}

static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    struct gif g = {.p = bytes, .n = n};
    int status = read_header(&g);

    if (status == CLIPC_OK) {
        status = pixels_check_size(g.width, g.height, limits->max_pixels);
    }
    size_t total = (size_t)g.cols * g.rows, done = 0;
    /* A code has 2 bits at least and makes CODES indices at most. */
    if (status == CLIPC_OK && !limits->truncated && total / (4 * CODES) > n) {
        status = truncated();
    }
    if (status != CLIPC_OK) {
        return status;
    }
    uint8_t *indices = malloc(total);
    if (indices == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for %u x %u pixels", g.width, g.height);
    }
    status = read_indices(&g, limits->truncated, indices, total, &done);
    if (status == CLIPC_OK) {
        bool gray = is_gray(&g);
        status = pixels_new(image, g.width, g.height, gray ? CLIPC_L : CLIPC_RGB);
        if (status == CLIPC_OK) {
            image->palette = !gray;
            put_picture(&g, image, indices, done);
        }
    }
    free(indices);
    return status;
}

extern const struct image_decoder image_gif;
const struct image_decoder image_gif = {"clipc", "GIF", probe, decode, NULL};
