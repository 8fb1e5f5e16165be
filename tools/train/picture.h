/* picture.h - drawn pictures as files, by stb_image_write. */
#ifndef CLIPC_TRAIN_PICTURE_H
#define CLIPC_TRAIN_PICTURE_H

#include <stdint.h>

/* rgb: [height, width, 3] bytes.  A .png, or a .jpg of the quality given (1 to 100), by the name's
 * ending.  0, or -1 after saying why. */
int picture_write(const char *path, const uint8_t *rgb, int width, int height, int quality);

#endif
