/* stb.c - PNG, and JPEG where libjpeg-turbo is not there, through stb_image.
 *
 * Debian 12 ships stb_image 2.27, which hostile files break: Huffman tables of too many codes are
 * written past their end, and tables never defined are read.  Hence: only these two formats, no
 * stdio, capped and zeroed memory, sizes checked before anything is decoded, and no file reaches it
 * that jpeg_scan or png_plain has not been over. */
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "image.h"
#include "jpeg_scan.h"
#include "pixels.h"
#include "png_plain.h"

/* The most bytes that one block may have in this call: a zlib stream can ask for a thousand times
 * its own size. */
static _Thread_local size_t block_limit;

static void *take(size_t n)
{
    return n > block_limit ? NULL : calloc(1, n == 0 ? 1 : n);
}

static void *resize(void *p, size_t n)
{
    return n > block_limit ? NULL : realloc(p, n == 0 ? 1 : n);
}

#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 65535
#define STBI_ASSERT(x)      ((void)0)
#define STBI_MALLOC(n)      take(n)
#define STBI_REALLOC(p, n)  resize(p, n)
#define STBI_FREE(p)        free(p)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
/* Said at the end of the file: this one cannot be popped. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#if defined(__clang__)
/* UBSan reports one thing in 2.27, harmless: bits of a damaged JPEG are shifted by more than a word
 * holds, and the result is not used.  (Its two others need an empty IDAT, which png_plain refuses.)
 */
#pragma clang attribute push(__attribute__((no_sanitize("shift"))), apply_to = function)
#endif
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
#if defined(__clang__)
#pragma clang attribute pop
#endif
#pragma GCC diagnostic pop

static bool is_png(const uint8_t *p, size_t n)
{
    return n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool probe(const uint8_t *p, size_t n)
{
    return is_png(p, n) || (n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0);
}

/* Decode with so many channels (`deep`: one of 16 bits) into an image of `format`. */
static int load(const uint8_t *bytes, size_t n, int format, int channels, bool deep,
                struct clipc_image *image)
{
    int width = 0, height = 0, in_file = 0;
    void *pixels =
        deep ? (void *)stbi_load_16_from_memory(bytes, (int)n, &width, &height, &in_file, channels)
             : stbi_load_from_memory(bytes, (int)n, &width, &height, &in_file, channels);

    if (pixels == NULL) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged image: %s",
                         stbi_failure_reason());
    }
    int status = pixels_new(image, (uint32_t)width, (uint32_t)height, format);
    if (status == CLIPC_OK) {
        memcpy(image->data, pixels, image->stride * image->height);
    }
    stbi_image_free(pixels);
    return status;
}

/* Blocks hold 16-bit pixels of 4 channels, a JPEG's coefficients, or the file; doubled, because a
 * growing block doubles. */
static void limit_blocks(uint64_t width, uint64_t height, size_t n)
{
    block_limit = (size_t)(16 * width * height) + 2 * n + ((size_t)4 << 20);
}

static int decode_png(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    struct png_plain plain;
    int status = png_plain(bytes, n, max_pixels, &plain);

    if (status != CLIPC_OK) {
        return status;
    }
    limit_blocks(plain.width, plain.height, plain.n);
    switch (plain.colour) { /* Pillow's modes 1 and L, I, RGB, P, LA and RGBA */
    case 0:
        status = plain.depth == 16 ? load(plain.bytes, plain.n, CLIPC_I16, 1, true, image)
                                   : load(plain.bytes, plain.n, CLIPC_L, 1, false, image);
        break;
    case 4:
        status = load(plain.bytes, plain.n, CLIPC_LA, 2, false, image);
        break;
    case 6:
        status = load(plain.bytes, plain.n, CLIPC_RGBA, 4, false, image);
        break;
    default:
        status = load(plain.bytes, plain.n, CLIPC_RGB, 3, false, image);
    }
    if (status == CLIPC_OK) {
        image->palette = plain.colour == 3 || (plain.colour == 0 && plain.depth == 1);
    }
    free(plain.bytes);
    return status;
}

static int decode_jpeg(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    int width = 0, height = 0, channels = 0, status = jpeg_scan(bytes, n);

    if (status != CLIPC_OK) {
        return status;
    }
    block_limit = (size_t)1 << 20;
    if (!stbi_info_from_memory(bytes, (int)n, &width, &height, &channels)) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged JPEG: %s",
                         stbi_failure_reason());
    }
    status = pixels_check_size((uint64_t)width, (uint64_t)height, max_pixels);
    if (status != CLIPC_OK) {
        return status;
    }
    limit_blocks((uint64_t)width, (uint64_t)height, n);
    return channels == 1 ? load(bytes, n, CLIPC_L, 1, false, image)
                         : load(bytes, n, CLIPC_RGB, 3, false, image);
}

static int decode(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    if (n > INT32_MAX - 4096) { /* stb_image counts in int */
        return base_fail(CLIPC_ERROR_LIMIT, "a file of %zu bytes: at most 2 GB", n);
    }
    return is_png(bytes, n) ? decode_png(bytes, n, max_pixels, image)
                            : decode_jpeg(bytes, n, max_pixels, image);
}

extern const struct image_decoder image_stb;
const struct image_decoder image_stb = {"stb_image", "JPEG PNG", probe, decode};
