/* stb.c - JPEG where libjpeg-turbo is not there, through stb_image.
 *
 * Debian 12 ships stb_image 2.27, which hostile files break: Huffman tables of too many codes are
 * written past their end, and tables never defined are read.  Hence: only this format, no stdio,
 * capped and zeroed memory, sizes checked before anything is decoded, and no file reaches it that
 * jpeg_scan has not been over.  It does not say where its data ended: so a file without an end
 * marker is refused, and `truncated` too. */
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "image.h"
#include "jpeg_scan.h"
#include "pixels.h"

/* The most bytes that one block may have in this call. */
static _Thread_local size_t block_limit;

static void *take(size_t n)
{
    return n > block_limit ? NULL : calloc(1, n == 0 ? 1 : n);
}

#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 65535
#define STBI_ASSERT(x)      ((void)0)
#define STBI_MALLOC(n)      take(n)
#define STBI_REALLOC(p, n)  NULL /* only PNG grows a block */
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
 * holds, and the result is not used. */
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

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0;
}

/* Decode with so many channels into an image of `format`. */
static int load(const uint8_t *bytes, size_t n, int format, int channels, struct clipc_image *image)
{
    int width = 0, height = 0, in_file = 0;
    uint8_t *pixels = stbi_load_from_memory(bytes, (int)n, &width, &height, &in_file, channels);

    if (pixels == NULL) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged JPEG: %s",
                         stbi_failure_reason());
    }
    int status = pixels_new(image, (uint32_t)width, (uint32_t)height, format);
    if (status == CLIPC_OK) {
        memcpy(image->data, pixels, image->stride * image->height);
    }
    stbi_image_free(pixels);
    return status;
}

static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    int width = 0, height = 0, channels = 0;

    if (n > INT32_MAX - 4096) { /* stb_image counts in int */
        return base_fail(CLIPC_ERROR_LIMIT, "a file of %zu bytes: at most 2 GB", n);
    }
    int status = jpeg_scan(bytes, n);
    if (status != CLIPC_OK) {
        return status;
    }
    block_limit = (size_t)1 << 20;
    if (!stbi_info_from_memory(bytes, (int)n, &width, &height, &channels)) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged JPEG: %s",
                         stbi_failure_reason());
    }
    status = pixels_check_size((uint64_t)width, (uint64_t)height, limits->max_pixels);
    if (status != CLIPC_OK) {
        return status;
    }
    /* Blocks hold the coefficients, a plane, the pixels, or the file. */
    block_limit = 16 * (size_t)width * (size_t)height + 2 * n + ((size_t)4 << 20);
    return channels == 1 ? load(bytes, n, CLIPC_L, 1, image) : load(bytes, n, CLIPC_RGB, 3, image);
}

extern const struct image_decoder image_stb;
const struct image_decoder image_stb = {"stb_image", "JPEG", probe, decode, NULL};
