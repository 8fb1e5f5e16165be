/* image_stb.c - PNG, BMP, GIF and (when libjpeg-turbo is not there) JPEG through stb_image.
 *
 * Debian 12 ships stb_image 2.27, which hostile files break: Huffman tables of too many codes are
 * written past their end, and tables never defined are read.  Hence: only these four formats, no
 * stdio, capped and zeroed memory, sizes checked before anything is decoded, jpeg_scan first. */
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "image.h"
#include "jpeg_scan.h"

/* Pixels are at most 178 million of 4 bytes, of 2 for 16 bit; nothing else needs as much. */
#define MAX_BLOCK ((size_t)1 << 30)

static void *take(size_t n)
{
    return n > MAX_BLOCK ? NULL : calloc(1, n == 0 ? 1 : n);
}

static void *resize(void *p, size_t n)
{
    return n > MAX_BLOCK ? NULL : realloc(p, n == 0 ? 1 : n);
}

#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS 65535
#define STBI_ASSERT(x) ((void)(x))
#define STBI_MALLOC(n) take(n)
#define STBI_REALLOC(p, n) resize(p, n)
#define STBI_FREE(p) free(p)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic ignored "-Wunused-function" /* of a header that is not ours; said at the end */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
#pragma GCC diagnostic pop

enum kind { KIND_NONE, KIND_JPEG, KIND_PNG, KIND_BMP, KIND_GIF };

static enum kind kind_of(const uint8_t *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0          ? KIND_JPEG
           : n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0   ? KIND_PNG
           : n >= 2 && p[0] == 'B' && p[1] == 'M'               ? KIND_BMP
           : n >= 6 && (memcmp(p, "GIF87a", 6) == 0 || memcmp(p, "GIF89a", 6) == 0)
               ? KIND_GIF
               : KIND_NONE;
}

static bool probe(const uint8_t *p, size_t n)
{
    return kind_of(p, n) != KIND_NONE;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What Pillow makes of a file: the format, whether it came from a palette or is 1-bit, and how many
 * channels to ask stb for. */
struct mode {
    int format, channels;
    bool palette, deep; /* deep: 16-bit gray */
};

/* A PNG must reach IEND with its chunks whole: stb returns a picture for less. */
static bool png_is_whole(const uint8_t *p, size_t n)
{
    size_t at = 8;

    while (n - at >= 12) {
        size_t length = big_endian(p + at);
        if (length > n - at - 12) {
            return false;
        }
        if (memcmp(p + at + 4, "IEND", 4) == 0) {
            return true;
        }
        at += 12 + length;
    }
    return false;
}

static int png_mode(const uint8_t *p, size_t n, struct mode *m)
{
    if (n < 33 || memcmp(p + 12, "IHDR", 4) != 0 || !png_is_whole(p, n)) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged PNG");
    }
    switch (p[25]) { /* colour type; p[24] is the depth */
    case 0:
        *m = (struct mode){p[24] == 16 ? CLIPC_I16 : CLIPC_L, 1, p[24] == 1, p[24] == 16};
        break;
    case 3:
        *m = (struct mode){CLIPC_RGB, 3, true, false};
        break;
    case 4:
        *m = (struct mode){CLIPC_LA, 2, false, false};
        break;
    case 6:
        *m = (struct mode){CLIPC_RGBA, 4, false, false};
        break;
    default:
        *m = (struct mode){CLIPC_RGB, 3, false, false};
    }
    return CLIPC_OK;
}

/* Is a table of colours the gray ramp 0, 1, 2, ... (of `entry` bytes each)?  Then Pillow's mode is L. */
static bool gray_ramp(const uint8_t *p, size_t colours, size_t entry)
{
    for (size_t i = 0; i < colours; i++) {
        if (p[i * entry] != i || p[i * entry + 1] != i || p[i * entry + 2] != i) {
            return false;
        }
    }
    return true;
}

static int bmp_mode(const uint8_t *p, size_t n, struct mode *m)
{
    if (n < 34) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated BMP");
    }
    size_t header = base_u32(p + 14), bits = header == 12 ? base_u16(p + 24) : base_u16(p + 28);
    size_t colours = header >= 40 && n >= 50 ? base_u32(p + 46) : 0, start = 14 + header;
    *m = (struct mode){CLIPC_RGB, 3, false, false};
    if (bits <= 8 && header >= 40) {
        m->palette = true;
        colours = colours == 0 || colours > 256 ? (size_t)1 << bits : colours;
        if (bits == 8 && header < n && colours * 4 <= n - start && gray_ramp(p + start, colours, 4)) {
            *m = (struct mode){CLIPC_L, 1, false, false};
        }
    }
    return CLIPC_OK;
}

/* A copy of the GIF whose first picture has no transparent colour: stb leaves such pixels empty,
 * Pillow shows their palette entry.  *m tells whether the palette is the gray ramp. */
static uint8_t *gif_opaque(const uint8_t *p, size_t n, struct mode *m)
{
    uint8_t *copy = malloc(n);
    size_t colours = n >= 13 && (p[10] & 0x80) ? (size_t)2 << (p[10] & 7) : 0, at = 13 + 3 * colours;

    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, p, n);
    *m = (struct mode){CLIPC_RGB, 3, true, false};
    if (colours > 0 && at <= n && gray_ramp(p + 13, colours, 3)) {
        *m = (struct mode){CLIPC_L, 1, false, false};
    }
    while (at < n && copy[at] == 0x21) { /* extensions before the first picture */
        if (n - at >= 8 && copy[at + 1] == 0xf9 && copy[at + 2] == 4) {
            copy[at + 3] &= 0xfe;
        }
        for (at += 2; at < n && copy[at] != 0; at += copy[at] + 1u) {
        }
        at++;
    }
    if (n >= 10 && n - 10 >= at && copy[at] == 0x2c && (copy[at + 9] & 0x80)) {
        size_t local = (size_t)2 << (copy[at + 9] & 7); /* a palette of its own */
        bool ramp = local * 3 <= n - at - 10 && gray_ramp(copy + at + 10, local, 3);
        *m = ramp ? (struct mode){CLIPC_L, 1, false, false} : (struct mode){CLIPC_RGB, 3, true, false};
    }
    return copy;
}

/* Decode with the channels that `m` asks for. */
static int load(const uint8_t *bytes, size_t n, size_t max_pixels, const struct mode *m,
                struct clipc_image *image)
{
    int width = 0, height = 0, channels = 0;
    void *pixels;

    if (n > INT32_MAX || !stbi_info_from_memory(bytes, (int)n, &width, &height, &channels)) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged image: %s", stbi_failure_reason());
    }
    int status = image_check_size((uint64_t)width, (uint64_t)height, max_pixels);
    if (status != CLIPC_OK) {
        return status;
    }
    pixels = m->deep ? (void *)stbi_load_16_from_memory(bytes, (int)n, &width, &height, &channels, 1)
                     : stbi_load_from_memory(bytes, (int)n, &width, &height, &channels, m->channels);
    if (pixels == NULL) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged image: %s", stbi_failure_reason());
    }
    status = image_new(image, (uint32_t)width, (uint32_t)height, m->format);
    if (status == CLIPC_OK) {
        memcpy(image->data, pixels, image->stride * image->height);
        image->palette = m->palette;
    }
    stbi_image_free(pixels);
    return status;
}

static int decode(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    struct mode m = {CLIPC_RGB, 3, false, false};
    uint8_t *copy = NULL;
    int status = CLIPC_OK;

    switch (kind_of(bytes, n)) {
    case KIND_JPEG:
        status = jpeg_scan(bytes, n);
        break;
    case KIND_PNG:
        status = png_mode(bytes, n, &m);
        break;
    case KIND_BMP:
        status = bmp_mode(bytes, n, &m);
        break;
    case KIND_GIF:
        copy = gif_opaque(bytes, n, &m);
        status = copy != NULL ? CLIPC_OK : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
        break;
    case KIND_NONE:
        status = base_fail(CLIPC_ERROR_FORMAT, "not an image");
    }
    if (status == CLIPC_OK) {
        status = load(copy != NULL ? copy : bytes, n, max_pixels, &m, image);
    }
    free(copy);
    return status;
}

extern const struct image_decoder image_stb;
const struct image_decoder image_stb = {"stb_image", "JPEG PNG BMP GIF", probe, decode};
