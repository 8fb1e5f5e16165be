/* jpeg_scan.c - a JPEG's segments, walked from marker to marker before libjpeg or stb sees the
 * file: what no decoder should be asked to do is refused by its header. */
#include "jpeg_scan.h"

#include <stdbool.h>
#include <string.h>

#include "../base/base.h"

/* libjpeg's own progressive script has 10 scans, mozjpeg's a dozen; a 270 KB file of 206 held every
 * decoder for 9 seconds. */
#define MAX_SCANS 64

enum marker { TEM = 0x01, DHT = 0xc4, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda };

/* A DHT segment: tables of one byte, 16 counts, then as many values as the counts say. */
static bool tables_fit(const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t codes = 0;
        if (n < 17) {
            return false;
        }
        for (size_t i = 1; i <= 16; i++) {
            codes += p[i];
        }
        if (codes > 256 || n < 17 + codes) {
            return false;
        }
        p += 17 + codes;
        n -= 17 + codes;
    }
    return true;
}

/* Just behind the next marker at or after `at`, or n: whatever stands before it (a scan's coded
 * data, where 0xff is followed by 0 or a restart; stray bytes) is passed over. */
static size_t next_marker(const uint8_t *p, size_t n, size_t at)
{
    const uint8_t *q;

    while (n - at >= 2 && (q = memchr(p + at, 0xff, n - at - 1)) != NULL) {
        at = (size_t)(q - p) + 1;
        if (q[1] != 0 && q[1] != 0xff && q[1] != TEM && (q[1] < RST0 || q[1] > SOI)) {
            return at + 1;
        }
    }
    return n;
}

int jpeg_scan(const uint8_t *p, size_t n)
{
    size_t scans = 0, at = next_marker(p, n, n < 2 ? n : 2);

    while (n - at >= 2 && p[at - 1] != EOI) {
        uint8_t marker = p[at - 1];
        size_t length = (size_t)p[at] << 8 | p[at + 1];
        if (length < 2 || length > n - at) {
            return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged JPEG: a segment has no end");
        }
        if (marker == SOS && ++scans > MAX_SCANS) {
            return base_fail(CLIPC_ERROR_LIMIT, "a JPEG of more than %d scans", MAX_SCANS);
        }
        if (marker == DHT && !tables_fit(p + at + 2, length - 2)) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "damaged JPEG: a Huffman table that makes no sense");
        }
        at = next_marker(p, n, at + length);
    }
    if (n < 4 || p[at - 2] != 0xff || p[at - 1] != EOI) {
        return base_fail(CLIPC_ERROR_FORMAT, "truncated JPEG: no end marker");
    }
    return CLIPC_OK;
}
