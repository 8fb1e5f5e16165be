/* preprocess.h - an image of any format and size to the square of bytes, and to the floats, that
 * the image tower sees: Pillow's resize, bit for bit. */
#ifndef CLIPC_PREPROCESS_H
#define CLIPC_PREPROCESS_H

#include "../../kernels/kernels.h"
#include "../../weights/format.h"
#include "../clipc.h"
#include "rows.h"

/* The rules of one model (from format_header), with the side to make. */
struct preprocess {
    int size;
    enum format_resize resize;
    enum format_filter filter;
    enum format_rules rules;
    float mean[3], std[3];
};

/* crop: [size, size, 3] RGB bytes.  Only the rows and columns that survive the crop are computed;
 * scratch is bounded by the taps of one output row, not by the image.  0, or a negative
 * clipc_status. */
int preprocess_crop(const struct preprocess *p, const struct kernels *k,
                    const struct clipc_image *image, uint8_t *crop);
/* The same of a picture that comes row by row; its end is looked at too. */
int preprocess_rows(const struct preprocess *p, const struct kernels *k, struct image_rows *rows,
                    uint8_t *crop);

/* pixels: [3, size, size]: (byte / 255 - mean) / std, each step rounded to float. */
void preprocess_normalise(const struct preprocess *p, const uint8_t *crop, float *pixels);

#endif
