/* crc32.h - the CRC-32 of PNG (annex D), gzip and ZIP, half a byte a step. */
#ifndef CLIPC_CRC32_H
#define CLIPC_CRC32_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t crc32_of(const uint8_t *p, size_t n)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t v = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        v ^= p[i];
        v = table[v & 15] ^ v >> 4;
        v = table[v & 15] ^ v >> 4;
    }
    return ~v;
}

#endif
