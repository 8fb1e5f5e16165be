/* load.h - images as the options of the command line want them read: --exif, --truncated,
 * --max-pixels. */
#ifndef CLIPC_LOAD_H
#define CLIPC_LOAD_H

#include "cli.h"

struct clipc_image_options load_options(const struct cli *cli);

/* One image from a file, or from standard input ("-").  0, or a negative clipc_status with a
 * sentence that names it; free the image with clipc_image_free. */
int load_image(const struct cli *cli, const char *path, struct clipc_image *image);

/* The same image as the model sees it, in less memory: pixels: [3, size, size], size 0 is the
 * model's. */
int load_pixels(const struct cli *cli, const clipc_model *model, const char *path, int size,
                float *pixels);

#endif
