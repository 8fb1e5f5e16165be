/* picture_plain.c - the format of pictures in a build without libjpeg. */
#include "picture.h"

const char picture_ending[] = ".png";
const char picture_codec[] = "MPNG";

int picture_encode(const struct clipc_image *image, unsigned char **bytes, size_t *n)
{
    return picture_png(image, bytes, n);
}
