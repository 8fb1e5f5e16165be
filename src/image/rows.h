/* rows.h - a picture whose rows are asked for one after the other, from the top: it need not exist
 * whole.  A JPEG of twelve million pixels is 36 MB, of which the resize reads each row once. */
#ifndef CLIPC_ROWS_H
#define CLIPC_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "../clipc.h"

struct image_rows;
struct image_rows_class {
    /* Row y, which is good until the next call.  y never goes back, but for a whole picture's rows
     * (rows_whole).  NULL: `status`, with base_fail's message. */
    const uint8_t *(*row)(struct image_rows *rows, size_t y);
    /* Read to the end, for the faults that are there.  0, or a negative clipc_status. */
    int (*end)(struct image_rows *rows);
    void (*free)(struct image_rows *rows);
};

/* What every kind begins with. */
struct image_rows {
    const struct image_rows_class *class;
    uint32_t width, height;
    int format;  /* enum clipc_format */
    int palette; /* as clipc_image has it */
    int status;  /* of the row that failed */
};

static inline const uint8_t *rows_get(struct image_rows *rows, size_t y)
{
    return rows->class->row(rows, y);
}

/* Of a picture that is there: `whole` is made by the call, and needs no end and no free. */
struct rows_whole {
    struct image_rows rows;
    struct clipc_image image;
};
void rows_of_image(struct rows_whole *whole, const struct clipc_image *image);

/* The same on the heap, which frees the picture with itself; NULL without memory. */
struct image_rows *rows_own_image(struct clipc_image *image);

#endif
