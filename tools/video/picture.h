/* picture.h - a frame as the bytes of a picture file: JPEG (picture_jpeg.c), or PNG that is not
 * compressed (picture_png.c), which needs no library.  What a build writes where nobody names a
 * format is JPEG, or without libjpeg PNG (picture_plain.c). */
#ifndef CLIPC_PICTURE_H
#define CLIPC_PICTURE_H

#include <stddef.h>

#include "../../src/clipc.h"

/* ".jpg" or ".png"; the format's four characters, for mkv.h. */
extern const char picture_ending[];
extern const char picture_codec[];

/* image: of any format; gray is written gray, all else as RGB.  *bytes: [*n], for free().  0, or
 * CLIPC_ERROR_MEMORY, or CLIPC_ERROR_LIMIT for what the format does not hold. */
int picture_encode(const struct clipc_image *image, unsigned char **bytes, size_t *n);
/* The same as PNG. */
int picture_png(const struct clipc_image *image, unsigned char **bytes, size_t *n);

#endif
