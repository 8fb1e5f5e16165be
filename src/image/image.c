#include "image.h"

#include <string.h>

#include "../base/base.h"
#include "config.h"
#include "exif.h"

#define DEFAULT_FILE_BYTES ((size_t)512 << 20)
#define DEFAULT_PIXELS     178956970u /* PIL.Image.MAX_IMAGE_PIXELS twice: where Pillow refuses */

extern const struct image_decoder image_jpeg, image_stb, image_webp, image_gif, image_bmp,
    image_pnm;

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
    &image_gif,  &image_bmp, &image_pnm, NULL,
};

/* Formats that some build reads, so that a smaller one can say what it lacks. */
static const struct {
    const char *name, *magic;
    size_t n;
    const char *package;
} known[] = {{"JPEG", "\xff\xd8\xff", 3, "libstb-dev or libjpeg-dev"},
             {"PNG", "\x89PNG\r\n\x1a\n", 8, "libstb-dev"},
             {"WebP", "RIFF", 4, "libwebp-dev"}};

static const struct image_decoder *find_decoder(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; image_decoders[i] != NULL; i++) {
        if (image_decoders[i]->probe(bytes, n)) {
            return image_decoders[i];
        }
    }
    return NULL;
}

bool image_probe(const uint8_t *bytes, size_t n)
{
    return find_decoder(bytes, n) != NULL;
}

static int refuse(const uint8_t *bytes, size_t n)
{
    if (n == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "an empty file, no image");
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (n >= known[i].n && memcmp(bytes, known[i].magic, known[i].n) == 0) {
            return base_fail(CLIPC_ERROR_UNSUPPORTED,
                             "%s, which this build does not read: install %s and build again",
                             known[i].name, known[i].package);
        }
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
            image_free(image);
        }
    }
    return status;
}

int image_decode(const void *data, size_t n, const struct clipc_image_options *o,
                 struct clipc_image *image)
{
    const uint8_t *bytes = data;
    size_t max_bytes = o->max_file_bytes != 0 ? o->max_file_bytes : DEFAULT_FILE_BYTES;
    const struct image_decoder *decoder;
    struct clipc_image result = {0};

    if (n > max_bytes) {
        return base_fail(CLIPC_ERROR_LIMIT, "%zu bytes, the limit is %zu", n, max_bytes);
    }
    decoder = find_decoder(bytes, n);
    if (decoder == NULL) {
        return refuse(bytes, n);
    }
    size_t max_pixels = o->max_pixels != 0 ? o->max_pixels : DEFAULT_PIXELS;
    int status = decoder->decode(bytes, n, max_pixels, &result);
    if (status == CLIPC_OK && o->apply_exif) {
        status = turn(&result, bytes, n);
    }
    if (status == CLIPC_OK) {
        *image = result;
    }
    return status;
}

/* "path: " in front of the sentence that the failure left. */
static int name_file(const char *path, int status)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;

    return base_fail(status, "%s: %s", name, base_errmsg());
}

int image_read(const char *path, const struct clipc_image_options *o, struct clipc_image *image)
{
    size_t max_bytes = o->max_file_bytes != 0 ? o->max_file_bytes : DEFAULT_FILE_BYTES, size = 0;
    unsigned char *data = NULL;
    int status = base_read_file(path, max_bytes, &data, &size);

    if (status != CLIPC_OK) {
        return status;
    }
    status = image_decode(data, size, o, image);
    base_free(data);
    return status == CLIPC_OK ? status : name_file(path, status);
}

void image_free(struct clipc_image *image)
{
    if (image != NULL) {
        base_free(image->data);
        memset(image, 0, sizeof *image);
    }
}

const char *image_formats(void)
{
#if HAVE_STB && HAVE_WEBP
    return "JPEG PNG GIF BMP WebP PNM";
#elif HAVE_STB
    return "JPEG PNG GIF BMP PNM";
#elif HAVE_JPEG && HAVE_WEBP
    return "JPEG GIF BMP WebP PNM";
#elif HAVE_JPEG
    return "JPEG GIF BMP PNM";
#elif HAVE_WEBP
    return "GIF BMP WebP PNM";
#else
    return "GIF BMP PNM";
#endif
}

int image_check_size(uint64_t width, uint64_t height, size_t max_pixels)
{
    if (width == 0 || height == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged: an image of no pixels");
    }
    if (width > 65535 || height > 65535 || width * height > max_pixels) {
        return base_fail(CLIPC_ERROR_LIMIT,
                         "%llu x %llu pixels: the limits are 65535 a side and %zu in all",
                         (unsigned long long)width, (unsigned long long)height, max_pixels);
    }
    return CLIPC_OK;
}

int image_new(struct clipc_image *image, uint32_t width, uint32_t height, int format)
{
    static const size_t bytes[] = {3, 4, 1, 2, 4, 2};

    memset(image, 0, sizeof *image);
    image->stride = width * bytes[format];
    image->data = base_alloc(image->stride * height);
    if (image->data == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for %u x %u pixels", width, height);
    }
    image->width = width;
    image->height = height;
    image->format = format;
    return CLIPC_OK;
}
