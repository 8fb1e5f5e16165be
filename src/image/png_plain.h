/* png_plain.h - a PNG reduced to what its pixels need, and checked, before stb_image sees it. */
#ifndef CLIPC_PNG_PLAIN_H
#define CLIPC_PNG_PLAIN_H

#include <stddef.h>
#include <stdint.h>

struct png_plain {
    uint32_t width, height;
    int depth, colour; /* as in IHDR: bits of a sample; colour type 0, 2, 3, 4 or 6 */
    uint8_t
        *bytes; /* IHDR, a palette of 256 colours (colour type 3 only), one IDAT, IEND; free() */
    size_t n;
};

/* 0, or why the file is refused: no whole PNG, a wrong checksum, a chunk of no sense, or too large
 * (said before memory is taken).  Transparency, text, animation and colour profiles are left out:
 * none of them changes a colour here. */
int png_plain(const uint8_t *bytes, size_t n, size_t max_pixels, struct png_plain *plain);

#endif
