/* load.c - the one place of the command where an image is read outside the batcher. */
#include "load.h"

#include <string.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"

struct clipc_image_options load_options(const struct cli *cli)
{
    return (struct clipc_image_options){.size = sizeof(struct clipc_image_options),
                                        .max_pixels = (size_t)cli->max_pixels,
                                        .apply_exif = cli->exif,
                                        .truncated = cli->truncated};
}

int load_image(const struct cli *cli, const char *path, struct clipc_image *image)
{
    struct clipc_image_options options = load_options(cli);
    unsigned char *bytes;
    size_t n;

    if (strcmp(path, "-") != 0) {
        return clipc_image_read(path, &options, image);
    }
    int status = base_read_stdin(IMAGE_MAX_FILE_BYTES, &bytes, &n);
    if (status == CLIPC_OK) {
        status = clipc_image_decode(bytes, n, &options, image);
        if (status != CLIPC_OK) {
            base_fail(status, "standard input: %s", clipc_errmsg());
        }
        base_free(bytes);
    }
    return status;
}
