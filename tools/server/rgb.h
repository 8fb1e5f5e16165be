/* rgb.h - a picture's rows in RGB, whatever they were: what Roboflow's server makes of every
 * picture before it resizes it. */
#ifndef CLIPC_RGB_H
#define CLIPC_RGB_H

#include "../../src/image/rows.h"

/* *rows becomes its own picture in RGB, which frees it with itself; a palette is forgotten (those
 * would be resized by the nearest pixel).  0, or CLIPC_ERROR_MEMORY and *rows as it was. */
int rgb_rows(struct image_rows **rows);

#endif
