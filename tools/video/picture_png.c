/* picture_png.c - PNG without a library: its zlib stream has stored blocks only. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/crc32.h"
#include "../../src/image/pixels.h"

enum { STORED = 65535, AROUND = 8 + 25 + 12 + 6 + 12 }; /* magic, IHDR, IDAT's, zlib's, IEND */

static unsigned char *put_u32(unsigned char *p, uint32_t x)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        *p++ = (unsigned char)(x >> shift);
    }
    return p;
}

/* A chunk whose n bytes stand at p + 8 already: length, type and checksum around them. */
static unsigned char *put_chunk(unsigned char *p, const char *type, size_t n)
{
    put_u32(p, (uint32_t)n);
    memcpy(p + 4, type, 4);
    return put_u32(p + 8 + n, crc32_of(p + 4, 4 + n));
}

/* The zlib stream of what `raw` [n] holds. */
static size_t put_stored(unsigned char *to, const unsigned char *raw, size_t n)
{
    unsigned char *p = to;
    uint32_t a = 1, b = 0;

    *p++ = 0x78;
    *p++ = 0x01;
    for (size_t done = 0; done < n;) {
        size_t part = n - done < STORED ? n - done : STORED;
        *p++ = done + part == n;
        *p++ = (unsigned char)part;
        *p++ = (unsigned char)(part >> 8);
        *p++ = (unsigned char)~part;
        *p++ = (unsigned char)(~part >> 8);
        memcpy(p, raw + done, part);
        p += part;
        done += part;
    }
    for (size_t i = 0; i < n; i++) { /* Adler-32 */
        a = (a + raw[i]) % 65521;
        b = (b + a) % 65521;
    }
    return (size_t)(put_u32(p, b << 16 | a) - to);
}

int picture_png(const struct clipc_image *image, unsigned char **bytes, size_t *n)
{
    bool gray = image->format == CLIPC_L;
    size_t row = 1 + (size_t)image->width * (gray ? 1 : 3), raw_bytes = 0, most = 0;
    bool fits = base_mul(row, image->height, &raw_bytes) && raw_bytes < (size_t)1 << 31 &&
                base_add(raw_bytes, (raw_bytes / STORED + 1) * 5 + AROUND, &most);
    unsigned char *raw = fits ? malloc(raw_bytes) : NULL, *out = fits ? malloc(most) : NULL;

    *bytes = NULL;
    if (raw == NULL || out == NULL) {
        free(raw);
        free(out);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a picture");
    }
    for (uint32_t y = 0; y < image->height; y++) {
        const uint8_t *from = (const uint8_t *)image->data + y * image->stride;
        raw[y * row] = 0; /* no filter */
        if (gray) {
            memcpy(raw + y * row + 1, from, image->width);
        } else {
            pixels_row_to_rgb(from, image->width, image->format, raw + y * row + 1);
        }
    }
    memcpy(out, "\x89PNG\r\n\x1a\n", 8);
    unsigned char *p = out + 8, *head = p + 8;
    head = put_u32(put_u32(head, image->width), image->height);
    memcpy(head, gray ? "\x08\x00\x00\x00\x00" : "\x08\x02\x00\x00\x00", 5);
    p = put_chunk(p, "IHDR", 13);
    p = put_chunk(p, "IDAT", put_stored(p + 8, raw, raw_bytes));
    p = put_chunk(p, "IEND", 0);
    free(raw);
    *bytes = out;
    *n = (size_t)(p - out);
    return CLIPC_OK;
}
