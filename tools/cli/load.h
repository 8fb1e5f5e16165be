/* load.h - images as the options of the command line want them read: --exif, --truncated,
 * --max-pixels, --fast-decode. */
#ifndef CLIPC_LOAD_H
#define CLIPC_LOAD_H

#include "cli.h"

/* For images that become pixels of `size` by `size`; 0: each is wanted as it is, whatever
 * --fast-decode says. */
struct clipc_image_options load_options(const struct cli *cli, int size);

/* One image from a file, or from standard input ("-").  0, or a negative clipc_status with a
 * sentence that names it; free the image with clipc_image_free.  `size`: see load_options. */
int load_image(const struct cli *cli, const char *path, int size, struct clipc_image *image);

/* The same image as the model sees it, in less memory: pixels: [3, size, size]. */
int load_pixels(const struct cli *cli, const clipc_model *model, const char *path, int size,
                float *pixels);

#endif
