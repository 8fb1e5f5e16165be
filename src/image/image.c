/* image.c - the list of decoders, what a file is, and the door through which all files come. */
#include "image.h"

#include <string.h>

#include "../base/base.h"
#include "config.h"
#include "exif.h"
#include "kind.h"
#include "pixels.h"

#define DEFAULT_PIXELS 178956970u /* PIL.Image.MAX_IMAGE_PIXELS twice: where Pillow refuses */

extern const struct image_decoder image_jpeg, image_stb, image_webp, image_png, image_gif,
    image_bmp, image_pnm;

const struct image_decoder *const image_decoders[] = {
#if HAVE_JPEG
    &image_jpeg,
#endif
#if HAVE_STB
    &image_stb,
#endif
#if HAVE_WEBP
    &image_webp,
#endif
    &image_png,  &image_gif, &image_bmp, &image_pnm, NULL,
};

/* Formats that some build reads, so that a smaller one can say what it lacks. */
static const struct lack {
    const char *name;
    size_t at;
    const char *magic;
    size_t n;
    const char *package;
} lacks[] = {{"JPEG", 0, "\xff\xd8\xff", 3, "libjpeg-dev or libstb-dev"},
             {"WebP", 8, "WEBP", 4, "libwebp-dev"}};

static const struct image_decoder *find_decoder(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; image_decoders[i] != NULL; i++) {
        if (image_decoders[i]->probe(bytes, n)) {
            return image_decoders[i];
        }
    }
    return NULL;
}

static const struct lack *find_lack(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++) {
        const struct lack *l = &lacks[i];
        if (n >= l->at + l->n && memcmp(bytes + l->at, l->magic, l->n) == 0 &&
            (l->at == 0 || memcmp(bytes, "RIFF", 4) == 0)) {
            return l;
        }
    }
    return NULL;
}

enum image_kind image_probe(const uint8_t *bytes, size_t n, const char **name)
{
    const struct lack *lack = find_lack(bytes, n);
    bool picture = true, readable = find_decoder(bytes, n) != NULL;
    const char *other = readable ? NULL : lack != NULL ? lack->name : kind_name(bytes, n, &picture);

    if (name != NULL) {
        *name = other;
    }
    return readable ? IMAGE_READABLE : other != NULL && picture ? IMAGE_UNREADABLE : IMAGE_NONE;
}

static int refuse(const uint8_t *bytes, size_t n)
{
    const struct lack *lack = find_lack(bytes, n);
    const char *name;

    if (n == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "an empty file, no image");
    }
    if (lack != NULL) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s, which this build does not read: install %s and build again",
                         lack->name, lack->package);
    }
    image_probe(bytes, n, &name);
    if (name != NULL) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s, which clipc does not read: convert it to JPEG or PNG", name);
    }
    return base_fail(CLIPC_ERROR_FORMAT, "not an image that this build reads (%s)",
                     image_formats());
}

static int turn(struct clipc_image *image, const uint8_t *bytes, size_t n)
{
    int orientation = exif_orientation(bytes, n), status = CLIPC_OK;

    if (orientation > 1) {
        status = exif_apply(image, orientation);
        if (status != CLIPC_OK) {
            pixels_free(image);
        }
    }
    return status;
}

/* Who reads these bytes, and in which limits; NULL: *status says why nobody does. */
static const struct image_decoder *choose(const uint8_t *bytes, size_t n,
                                          const struct clipc_image_options *o,
                                          struct image_limits *limits, int *status)
{
    size_t max_bytes = o->max_file_bytes != 0 ? o->max_file_bytes : IMAGE_MAX_FILE_BYTES;
    const struct image_decoder *decoder = NULL;

    *limits =
        (struct image_limits){o->max_pixels != 0 ? o->max_pixels : DEFAULT_PIXELS,
                              o->truncated != 0, o->least_side > 0 ? (size_t)o->least_side : 0};
    *status = CLIPC_OK;
    if (n > max_bytes) {
        *status = base_fail(CLIPC_ERROR_LIMIT, "%zu bytes, the limit is %zu", n, max_bytes);
    } else if ((decoder = find_decoder(bytes, n)) == NULL) {
        *status = refuse(bytes, n);
    }
    return decoder;
}

int image_decode(const void *data, size_t n, const struct clipc_image_options *o,
                 struct clipc_image *image)
{
    const uint8_t *bytes = data;
    struct image_limits limits;
    struct clipc_image result = {0};
    int status;
    const struct image_decoder *decoder = choose(bytes, n, o, &limits, &status);

    if (decoder == NULL) {
        return status;
    }
    status = decoder->decode(bytes, n, &limits, &result);
    if (status == CLIPC_OK && o->apply_exif) {
        status = turn(&result, bytes, n);
    }
    if (status == CLIPC_OK) {
        *image = result;
    }
    return status;
}

/* A picture that is turned, or of which what there is is taken, must be there as a whole. */
int image_open(const void *data, size_t n, const struct clipc_image_options *o,
               struct image_rows **rows)
{
    const uint8_t *bytes = data;
    struct image_limits limits;
    struct clipc_image image;
    int status;
    const struct image_decoder *decoder = choose(bytes, n, o, &limits, &status);

    if (decoder == NULL) {
        return status;
    }
    if (decoder->open != NULL && !limits.truncated &&
        !(o->apply_exif && exif_orientation(bytes, n) > 1)) {
        return decoder->open(bytes, n, &limits, rows);
    }
    status = image_decode(bytes, n, o, &image);
    if (status == CLIPC_OK && (*rows = rows_own_image(&image)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "no memory for an image");
    }
    return status;
}

int image_load(const char *path, const struct clipc_image_options *o, unsigned char **bytes,
               size_t *n)
{
    return base_read_file(path, o->max_file_bytes != 0 ? o->max_file_bytes : IMAGE_MAX_FILE_BYTES,
                          bytes, n);
}

int image_read(const char *path, const struct clipc_image_options *o, struct clipc_image *image)
{
    unsigned char *data = NULL;
    size_t size = 0;
    int status = image_load(path, o, &data, &size);

    if (status != CLIPC_OK) {
        return status;
    }
    status = image_decode(data, size, o, image);
    base_free(data);
    return status == CLIPC_OK ? status : base_fail(status, "%s: %s", path, base_errmsg());
}

const char *image_formats(void)
{
#if (HAVE_JPEG || HAVE_STB) && HAVE_WEBP
    return "JPEG PNG GIF BMP WebP PNM";
#elif HAVE_JPEG || HAVE_STB
    return "JPEG PNG GIF BMP PNM";
#elif HAVE_WEBP
    return "PNG GIF BMP WebP PNM";
#else
    return "PNG GIF BMP PNM";
#endif
}
