/* rgb.c - rows of any format to RGB, one at a time. */
#include "rgb.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/image/pixels.h"

struct rgb {
    struct image_rows rows; /* first */
    struct image_rows *from;
    uint8_t *line;
};

/* One pixel of any format as RGB, as cv2.imread(IMREAD_COLOR) has it: alpha dropped, the high byte
 * of 16 bits, ink subtracted. */
static void to_rgb_pixel(int format, const uint8_t *p, uint8_t *rgb)
{
    uint16_t deep;

    switch (format) {
    case CLIPC_RGB:
    case CLIPC_RGBA:
        memcpy(rgb, p, 3);
        return;
    case CLIPC_CMYK:
        for (int c = 0; c < 3; c++) {
            rgb[c] = (uint8_t)((255 - p[c]) * (255 - p[3]) / 255);
        }
        return;
    case CLIPC_I16:
        memcpy(&deep, p, sizeof deep);
        memset(rgb, deep >> 8, 3);
        return;
    default: /* CLIPC_L, CLIPC_LA */
        memset(rgb, p[0], 3);
    }
}

static const uint8_t *row(struct image_rows *rows, size_t y)
{
    struct rgb *r = (struct rgb *)rows;
    size_t each = pixels_formats[r->from->format].bytes;
    const uint8_t *from = rows_get(r->from, y);

    if (from == NULL) {
        rows->status = r->from->status;
        return NULL;
    }
    if (r->line == NULL) {
        return from;
    }
    for (size_t x = 0; x < rows->width; x++) {
        to_rgb_pixel(r->from->format, from + x * each, r->line + 3 * x);
    }
    return r->line;
}

static int end(struct image_rows *rows)
{
    struct rgb *r = (struct rgb *)rows;

    return r->from->class->end(r->from);
}

static void free_rows(struct image_rows *rows)
{
    struct rgb *r = (struct rgb *)rows;

    r->from->class->free(r->from);
    free(r->line);
    free(r);
}

int rgb_rows(struct image_rows **rows)
{
    static const struct image_rows_class class = {row, end, free_rows};
    struct image_rows *from = *rows;
    bool converts = from->format != CLIPC_RGB;
    struct rgb *r = calloc(1, sizeof *r);
    uint8_t *line = converts ? malloc(3 * (size_t)from->width) : NULL;

    if (r == NULL || (converts && line == NULL)) {
        free(r);
        free(line);
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for a row of a picture");
    }
    *r = (struct rgb){.rows = {.class = &class,
                               .width = from->width,
                               .height = from->height,
                               .format = CLIPC_RGB},
                      .from = from,
                      .line = line};
    *rows = &r->rows;
    return CLIPC_OK;
}
