/* resize.h - the crop of a picture resized as Pillow does it, never computed outside the crop. */
#ifndef CLIPC_RESIZE_H
#define CLIPC_RESIZE_H

#include "preprocess.h"

/* What happens to a row of the image before it is resized. */
enum prepare { PREPARE_NOTHING, PREPARE_RGB, PREPARE_ALPHA };

/* What is resized: rows of the image, prepared to `channels` bytes a pixel (or one of 16 bits). */
struct view {
    const struct clipc_image *image;
    size_t width, height, channels;
    enum prepare prepare;
};

/* Where the crop lies in the resized picture, which is never computed outside it. */
struct plan {
    size_t width, height; /* of the whole picture resized */
    size_t left, top;     /* of the crop, size x size */
};

/* crop: [size, size, 3] bytes.  0, or CLIPC_ERROR_MEMORY with a message.
 * bytes: uint8 through the two passes, then to RGB.  nearest: as for palettes.  deep: 16-bit gray
 * in double, rounded and clipped at the end. */
int resize_bytes(const struct preprocess *p, const struct kernels *k, const struct view *in,
                 const struct plan *plan, uint8_t *crop);
int resize_nearest(const struct preprocess *p, const struct view *in, const struct plan *plan,
                   uint8_t *crop);
int resize_deep(const struct preprocess *p, const struct kernels *k, const struct view *in,
                const struct plan *plan, uint8_t *crop);

#endif
