#include "png_plain.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "pixels.h"

#define SIGNATURE "\x89PNG\r\n\x1a\n"

static uint32_t get(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put(uint8_t *p, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        *p++ = (uint8_t)(v >> shift);
    }
    return p;
}

/* The CRC-32 of PNG's annex D, four bytes a step. */
struct crc {
    uint32_t table[4][256];
};

static void crc_make(struct crc *crc)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++) {
            v = v & 1 ? 0xedb88320u ^ v >> 1 : v >> 1;
        }
        crc->table[0][i] = v;
    }
    for (size_t k = 1; k < 4; k++) {
        for (size_t i = 0; i < 256; i++) {
            uint32_t v = crc->table[k - 1][i];
            crc->table[k][i] = v >> 8 ^ crc->table[0][v & 255];
        }
    }
}

static uint32_t crc_of(const struct crc *crc, const uint8_t *p, size_t n)
{
    uint32_t v = 0xffffffffu;

    for (; n >= 4; n -= 4, p += 4) {
        v ^= base_u32(p);
        v = crc->table[3][v & 255] ^ crc->table[2][v >> 8 & 255] ^ crc->table[1][v >> 16 & 255] ^
            crc->table[0][v >> 24];
    }
    for (; n > 0; n--, p++) {
        v = crc->table[0][(v ^ *p) & 255] ^ v >> 8;
    }
    return ~v;
}

static int header(const uint8_t *p, size_t length, size_t max_pixels, struct png_plain *plain)
{
    /* Allowed depths of colour types 0 to 6, one bit for each depth. */
    static const uint32_t depths[7] = {0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100};

    if (length != 13 || p[8] > 16 || p[9] > 6 || (depths[p[9]] >> p[8] & 1) == 0 || p[10] != 0 ||
        p[11] != 0 || p[12] > 1) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: a header of no sense");
    }
    plain->width = get(p);
    plain->height = get(p + 4);
    plain->depth = p[8];
    plain->colour = p[9];
    return pixels_check_size(plain->width, plain->height, max_pixels);
}

/* What the walk over the chunks found. */
struct chunks {
    const uint8_t *header, *palette; /* their first data byte, NULL when absent */
    size_t palette_bytes, data_bytes;
    bool ended;
};

/* Chunk `type` of `length` bytes at `p`. */
static int note(struct chunks *found, const uint8_t *type, const uint8_t *p, size_t length,
                size_t max_pixels, struct png_plain *plain)
{
    if (memcmp(type, "IHDR", 4) == 0 && found->header == NULL) {
        found->header = p;
        return header(p, length, max_pixels, plain);
    }
    if (found->header == NULL || memcmp(type, "IHDR", 4) == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: IHDR is not first, or twice there");
    }
    if (memcmp(type, "IDAT", 4) == 0) {
        found->data_bytes += length;
    } else if (memcmp(type, "IEND", 4) == 0) {
        found->ended = true;
    } else if (memcmp(type, "PLTE", 4) == 0) {
        if (length == 0 || length > 768 || length % 3 != 0 || found->palette != NULL ||
            found->data_bytes != 0) {
            return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: a palette of no sense");
        }
        found->palette = p;
        found->palette_bytes = length;
    } else if ((type[0] & 32) == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: an unknown chunk that matters");
    }
    return CLIPC_OK;
}

static int walk(const uint8_t *p, size_t n, size_t max_pixels, struct chunks *found,
                struct png_plain *plain)
{
    struct crc crc;
    size_t at = 8;

    crc_make(&crc);
    while (!found->ended) {
        if (n - at < 12 || get(p + at) > n - at - 12) {
            return base_fail(CLIPC_ERROR_FORMAT, "truncated PNG: it ends within a chunk");
        }
        size_t length = get(p + at);
        /* Chunks that carry no pixels may be wrong, as for libpng. */
        if ((p[at + 4] & 32) == 0 &&
            crc_of(&crc, p + at + 4, length + 4) != get(p + at + 8 + length)) {
            return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: wrong checksum at byte %zu", at);
        }
        int status = note(found, p + at + 4, p + at + 8, length, max_pixels, plain);
        if (status != CLIPC_OK) {
            return status;
        }
        at += 12 + length;
    }
    return CLIPC_OK;
}

/* Enough compressed bytes for the pixels?  Deflate makes at most 1032 of one. */
static bool can_hold(const struct png_plain *plain, size_t data_bytes)
{
    static const unsigned samples[7] = {1, 0, 3, 1, 2, 0, 4};
    uint64_t row =
        ((uint64_t)plain->width * samples[plain->colour] * (unsigned)plain->depth + 7) / 8;

    return data_bytes != 0 && (row + 1) * plain->height / 1032 <= data_bytes;
}

static uint8_t *begin_chunk(uint8_t *to, size_t length, const char *type)
{
    to = put(to, (uint32_t)length);
    memcpy(to, type, 4);
    return to + 4;
}

static void write_plain(const uint8_t *p, const struct chunks *found, struct png_plain *plain)
{
    uint8_t *to = plain->bytes;

    memcpy(to, SIGNATURE, 8);
    to = begin_chunk(to + 8, 13, "IHDR");
    memcpy(to, found->header, 13);
    to = put(to + 13, 0); /* stb_image reads no checksums */
    if (plain->colour == 3) {
        to = begin_chunk(to, 768, "PLTE");
        for (size_t i = 0; i < 768; i++) { /* Pillow's palettes begin as a gray ramp */
            to[i] = i < found->palette_bytes ? found->palette[i] : (uint8_t)(i / 3);
        }
        to = put(to + 768, 0);
    }
    to = begin_chunk(to, found->data_bytes, "IDAT");
    for (size_t at = 8, left = found->data_bytes; left > 0; at += 12 + get(p + at)) {
        if (memcmp(p + at + 4, "IDAT", 4) == 0) {
            memcpy(to, p + at + 8, get(p + at));
            to += get(p + at);
            left -= get(p + at);
        }
    }
    to = begin_chunk(put(to, 0), 0, "IEND");
    put(to, 0);
}

int png_plain(const uint8_t *bytes, size_t n, size_t max_pixels, struct png_plain *plain)
{
    struct chunks found = {0};

    memset(plain, 0, sizeof *plain);
    if (n < 8 || memcmp(bytes, SIGNATURE, 8) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "not a PNG");
    }
    int status = walk(bytes, n, max_pixels, &found, plain);
    if (status != CLIPC_OK) {
        return status;
    }
    if ((plain->colour == 3 && found.palette == NULL) || !can_hold(plain, found.data_bytes)) {
        return base_fail(CLIPC_ERROR_FORMAT, "damaged PNG: no palette, or too few bytes of pixels");
    }
    plain->n = 8 + (12 + 13) + (plain->colour == 3 ? 12 + 768 : 0) + (12 + found.data_bytes) + 12;
    plain->bytes = malloc(plain->n);
    if (plain->bytes == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for a PNG of %zu bytes", n);
    }
    write_plain(bytes, &found, plain);
    return CLIPC_OK;
}
