/* png_rows.c - a PNG's rows as they come out of the zlib stream (PNG specification, third edition,
 * sections 7 to 9 and 13): unfiltered, spread over the picture by their pass, each sample to what
 * Pillow makes of it: fewer than 8 bits of gray are scaled up, of 16 bits the upper 8 stay, but for
 * gray without alpha, which keeps all. */
#include "png_rows.h"

#include <stdlib.h>
#include <string.h>

#include "pixels.h"

#define PASSES 7

static const unsigned channels_of[7] = {1, 0, 3, 1, 2, 0, 4}; /* by colour type */

/* Pass `number`; an empty one has no rows.  What is not interlaced has one, the picture. */
static struct png_pass make_pass(const struct png_header *h, size_t number)
{
    static const uint8_t adam7[PASSES][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                             {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    struct png_pass p = {0, 0, 1, 1, 0, 0, 0};

    if (h->interlaced) {
        p = (struct png_pass){
            adam7[number][0], adam7[number][1], adam7[number][2], adam7[number][3], 0, 0, 0};
    }
    p.columns = h->width > p.left ? (h->width - p.left + p.across - 1) / p.across : 0;
    p.rows = h->height > p.top ? (h->height - p.top + p.down - 1) / p.down : 0;
    p.rows = p.columns == 0 ? 0 : p.rows;
    p.row_bytes = (p.columns * channels_of[h->colour] * h->depth + 7) / 8;
    return p;
}

uint64_t png_rows_bytes(const struct png_header *h)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < (h->interlaced ? PASSES : 1); i++) {
        struct png_pass p = make_pass(h, i);
        bytes += (uint64_t)p.rows * (1 + p.row_bytes);
    }
    return bytes;
}

int png_rows_format(const struct png_header *h)
{
    return h->colour == 0   ? (h->depth == 16 ? CLIPC_I16 : CLIPC_L)
           : h->colour == 4 ? CLIPC_LA
           : h->colour == 6 ? CLIPC_RGBA
                            : CLIPC_RGB;
}

/* ---- Filters (section 9): each byte is what is missing to a guess from its neighbours -------- */

static uint8_t paeth(int a, int b, int c)
{
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);

    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

/* `row` and `up` are [n]; a pixel has `step` bytes, and left of the row there are zeros. */
static bool unfilter(unsigned filter, uint8_t *row, const uint8_t *up, size_t n, size_t step)
{
    size_t first = step < n ? step : n;

    switch (filter) {
    case 0:
        return true;
    case 1:
        for (size_t i = step; i < n; i++) {
            row[i] = (uint8_t)(row[i] + row[i - step]);
        }
        return true;
    case 2:
        for (size_t i = 0; i < n; i++) {
            row[i] = (uint8_t)(row[i] + up[i]);
        }
        return true;
    case 3:
        for (size_t i = 0; i < first; i++) {
            row[i] = (uint8_t)(row[i] + up[i] / 2);
        }
        for (size_t i = step; i < n; i++) {
            row[i] = (uint8_t)(row[i] + (row[i - step] + up[i]) / 2);
        }
        return true;
    case 4:
        for (size_t i = 0; i < first; i++) {
            row[i] = (uint8_t)(row[i] + up[i]);
        }
        for (size_t i = step; i < n; i++) {
            row[i] = (uint8_t)(row[i] + paeth(row[i - step], up[i], up[i - step]));
        }
        return true;
    default:
        return false;
    }
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* Sample i of a row, 8 bits at most: of 16 the upper ones. */
static unsigned sample(const uint8_t *row, size_t i, unsigned depth)
{
    if (depth >= 8) {
        return row[i * (depth / 8)];
    }
    size_t bit = i * depth;
    return row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

/* Pixel x of a row. */
static void put_pixel(const struct png_header *h, const uint8_t *row, size_t x, uint8_t *to)
{
    unsigned channels = channels_of[h->colour];

    if (h->colour == 3) {
        memcpy(to, h->palette[sample(row, x, h->depth)], 3);
    } else if (h->colour == 0 && h->depth == 16) {
        uint16_t v = (uint16_t)(row[2 * x] << 8 | row[2 * x + 1]);
        memcpy(to, &v, sizeof v);
    } else if (h->depth < 8) {
        to[0] = (uint8_t)(sample(row, x, h->depth) * 255 / ((1u << h->depth) - 1));
    } else {
        for (size_t c = 0; c < channels; c++) {
            to[c] = (uint8_t)sample(row, x * channels + c, h->depth);
        }
    }
}

static void put_row(const struct png_rows *r)
{
    const struct png_pass *p = &r->pass;
    const struct png_header *h = r->header;
    size_t bytes = pixels_formats[r->image->format].bytes;
    uint8_t *to = (uint8_t *)r->image->data + (p->top + r->y * p->down) * r->image->stride;

    if (h->depth == 8 && h->colour != 3 && !h->interlaced) {
        memcpy(to, r->row + 1, p->row_bytes);
        return;
    }
    for (size_t x = 0; x < p->columns; x++) {
        put_pixel(h, r->row + 1, x, to + (p->left + x * p->across) * bytes);
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* To the first pass from `number` on that has rows. */
static void begin_pass(struct png_rows *r, size_t number)
{
    size_t passes = r->header->interlaced ? PASSES : 1;

    for (r->pass.rows = 0; number < passes && r->pass.rows == 0; number++) {
        r->pass = make_pass(r->header, number);
        r->number = number;
    }
    r->y = 0;
    r->have = 0;
    memset(r->before, 0, 1 + r->pass.row_bytes);
}

bool png_rows_begin(struct png_rows *r, const struct png_header *h, struct clipc_image *image)
{
    size_t most = ((size_t)h->width * channels_of[h->colour] * h->depth + 7) / 8;

    memset(r, 0, sizeof *r);
    r->header = h;
    r->image = image;
    r->row = calloc(1, 1 + most);
    r->before = calloc(1, 1 + most);
    if (r->row == NULL || r->before == NULL) {
        png_rows_end(r);
        return false;
    }
    begin_pass(r, 0);
    return true;
}

static bool finish_row(struct png_rows *r)
{
    unsigned bits = channels_of[r->header->colour] * r->header->depth;
    uint8_t *row = r->row;

    if (!unfilter(row[0], row + 1, r->before + 1, r->pass.row_bytes, bits < 8 ? 1 : bits / 8)) {
        r->bad_filter = true;
        return false;
    }
    put_row(r);
    r->row = r->before;
    r->before = row;
    r->have = 0;
    r->done++;
    if (++r->y == r->pass.rows) {
        begin_pass(r, r->number + 1);
    }
    return true;
}

bool png_rows_put(void *rows, const uint8_t *bytes, size_t n)
{
    struct png_rows *r = rows;

    while (n > 0 && r->y < r->pass.rows) {
        size_t part = 1 + r->pass.row_bytes - r->have;
        part = part < n ? part : n;
        memcpy(r->row + r->have, bytes, part);
        r->have += part;
        bytes += part;
        n -= part;
        if (r->have == 1 + r->pass.row_bytes && !finish_row(r)) {
            return false;
        }
    }
    return true;
}

void png_rows_end(struct png_rows *r)
{
    free(r->row);
    free(r->before);
    r->row = r->before = NULL;
}
