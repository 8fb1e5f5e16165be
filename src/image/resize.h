/* resize.h - the crop of a picture resized as Pillow does it, never computed outside the crop. */
#ifndef CLIPC_RESIZE_H
#define CLIPC_RESIZE_H

#include "preprocess.h"
#include "rows.h"

/* What happens to a row of the image before it is resized. */
enum prepare { PREPARE_NOTHING, PREPARE_RGB, PREPARE_ALPHA };

/* What is resized: rows of a picture, prepared to `channels` bytes a pixel (or one of 16 bits). */
struct view {
    struct image_rows *rows;
    size_t width, height, channels;
    enum prepare prepare;
};

/* Where the crop lies in the resized picture, which is never computed outside it. */
struct plan {
    size_t width, height; /* of the whole picture resized */
    size_t left, top;     /* of the crop, size x size */
};

/* crop: [size, size, 3] bytes.  0, or a negative clipc_status with a message: no memory, or what
 * was wrong with a row.  Rows are asked for from the top, but by resize_deep, which wants a whole
 * picture.
 * bytes: uint8 through the two passes, then to RGB.  nearest: as for palettes.  deep: 16-bit gray
 * in double, rounded and clipped at the end. */
int resize_bytes(const struct preprocess *p, const struct kernels *k, const struct view *in,
                 const struct plan *plan, uint8_t *crop);
int resize_nearest(const struct preprocess *p, const struct view *in, const struct plan *plan,
                   uint8_t *crop);
int resize_deep(const struct preprocess *p, const struct kernels *k, const struct view *in,
                const struct plan *plan, uint8_t *crop);

#endif
