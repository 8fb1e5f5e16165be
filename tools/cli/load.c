/* load.c - the one place of the command where an image is read outside the batcher. */
#include "load.h"

#include <string.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"

/* What --fast-decode leaves of a picture is at least so many times the side that the model sees,
 * and then the resize still averages: Pillow's thumbnail keeps as much (reducing_gap). */
enum { FAST_DECODE_SIDES = 2 };

struct clipc_image_options load_options(const struct cli *cli, int size)
{
    return (struct clipc_image_options){.size = sizeof(struct clipc_image_options),
                                        .max_pixels = (size_t)cli->max_pixels,
                                        .apply_exif = cli->exif,
                                        .truncated = cli->truncated,
                                        .least_side =
                                            cli->fast_decode ? FAST_DECODE_SIDES * size : 0};
}

/* What is to be done with the bytes of an image on standard input, or with the file `path`. */
struct load {
    struct clipc_image_options options;
    struct clipc_image *image;
    const clipc_model *model; /* NULL: the image is wanted, not its pixels */
    int rules, size;
    float *pixels;
};

static int from_bytes(const struct load *l, const unsigned char *bytes, size_t n)
{
    return l->model == NULL ? clipc_image_decode(bytes, n, &l->options, l->image)
                            : clipc_preprocess_bytes(l->model, bytes, n, &l->options, l->rules,
                                                     l->size, l->pixels);
}

static int load(const struct load *l, const char *path)
{
    unsigned char *bytes;
    size_t n;

    if (strcmp(path, "-") != 0) {
        return l->model == NULL ? clipc_image_read(path, &l->options, l->image)
                                : clipc_preprocess_file(l->model, path, &l->options, l->rules,
                                                        l->size, l->pixels);
    }
    int status = base_read_stdin(IMAGE_MAX_FILE_BYTES, &bytes, &n);
    if (status == CLIPC_OK) {
        status = from_bytes(l, bytes, n);
        if (status != CLIPC_OK) {
            base_fail(status, "standard input: %s", clipc_errmsg());
        }
        base_free(bytes);
    }
    return status;
}

int load_image(const struct cli *cli, const char *path, int size, struct clipc_image *image)
{
    return load(&(struct load){.options = load_options(cli, size), .image = image}, path);
}

int load_pixels(const struct cli *cli, const clipc_model *model, const char *path, int size,
                float *pixels)
{
    return load(&(struct load){.options = load_options(cli, size),
                               .model = model,
                               .rules = cli->session.preprocess,
                               .size = size,
                               .pixels = pixels},
                path);
}
