/* exif.h - the EXIF orientation of a JPEG, PNG or WebP: the references ignore it, people do not. */
#ifndef CLIPC_EXIF_H
#define CLIPC_EXIF_H

#include <stddef.h>
#include <stdint.h>

#include "../clipc.h"

/* 1 to 8 as EXIF 2.3, tag 0x0112, numbers them; 1 when there is none. */
int exif_orientation(const uint8_t *bytes, size_t n);

/* Turn and mirror the pixels so that they stand upright.  On failure the image is as before. */
int exif_apply(struct clipc_image *image, int orientation);

#endif
