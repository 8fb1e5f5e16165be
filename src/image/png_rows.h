/* png_rows.h - the unpacked bytes of a PNG to its pixels: filters, interlacing, depths, palette. */
#ifndef CLIPC_PNG_ROWS_H
#define CLIPC_PNG_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../clipc.h"

/* IHDR and PLTE. */
struct png_header {
    uint32_t width, height;
    unsigned depth, colour; /* bits of a sample; colour type 0, 2, 3, 4 or 6 */
    bool interlaced;
    uint8_t palette[256][3];
};

/* Part of a picture: one of Adam7's seven, or all of it. */
struct png_pass {
    uint32_t left, top, across, down; /* its first column and row, and the steps between them */
    size_t columns, rows, row_bytes;
};

struct png_rows {
    const struct png_header *header;
    struct clipc_image *image;
    struct png_pass pass;
    size_t number, y;      /* of the pass; rows of it that are done */
    size_t have, done;     /* bytes of the row that is coming, its filter's among them; rows done */
    uint8_t *row, *before; /* [1 + row_bytes], the filter's byte in front */
    bool bad_filter;
};

/* Bytes of all rows, one for its filter in front of each. */
uint64_t png_rows_bytes(const struct png_header *header);

/* Of which format is such a picture?  Pillow's mode; palettes become RGB. */
int png_rows_format(const struct png_header *header);

/* False when memory is out.  `image` is of that format and size. */
bool png_rows_begin(struct png_rows *rows, const struct png_header *header,
                    struct clipc_image *image);
/* The next n bytes; false at an unknown filter.  Whole rows go into the image as they come. */
bool png_rows_put(void *rows, const uint8_t *bytes, size_t n);
void png_rows_end(struct png_rows *rows);

#endif
