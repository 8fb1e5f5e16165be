/* rows.c - the rows of a picture that is there as a whole. */
#include "rows.h"

#include <stdlib.h>

#include "pixels.h"

static const uint8_t *row(struct image_rows *rows, size_t y)
{
    const struct clipc_image *image = &((struct rows_whole *)rows)->image;

    return (const uint8_t *)image->data + y * image->stride;
}

static int end(struct image_rows *rows)
{
    (void)rows;
    return CLIPC_OK;
}

static void free_rows(struct image_rows *rows)
{
    pixels_free(&((struct rows_whole *)rows)->image);
    free(rows);
}

void rows_of_image(struct rows_whole *whole, const struct clipc_image *image)
{
    static const struct image_rows_class class = {row, end, free_rows};

    whole->rows = (struct image_rows){.class = &class,
                                      .width = image->width,
                                      .height = image->height,
                                      .format = image->format,
                                      .palette = image->palette};
    whole->image = *image;
}

struct image_rows *rows_own_image(struct clipc_image *image)
{
    struct rows_whole *whole = malloc(sizeof *whole);

    if (whole == NULL) {
        pixels_free(image);
        return NULL;
    }
    rows_of_image(whole, image);
    return &whole->rows;
}
