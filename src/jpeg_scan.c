#include "jpeg_scan.h"

#include "base.h"

/* libjpeg's own progressive script has 10 scans, mozjpeg's a dozen; a 270 KB file of 206 held every
 * decoder for 9 seconds. */
#define MAX_SCANS 64

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

int jpeg_scan(const uint8_t *p, size_t n)
{
    size_t scans = 0;

    for (size_t i = 2; i + 3 < n; i++) {
        if (p[i] != 0xff) {
            continue;
        }
        size_t length = (size_t)p[i + 2] << 8 | p[i + 3];
        if (p[i + 1] == 0xda && ++scans > MAX_SCANS) {
            return base_fail(CLIPC_ERROR_LIMIT, "a JPEG of more than %d scans", MAX_SCANS);
        }
        /* Any 0xff 0xc4 may be taken for a table by a lenient decoder, wherever it stands; in coded
         * data a 0xff is followed by 0 or a restart marker. */
        if (p[i + 1] == 0xc4) {
            size_t room = n - i - 4;
            if (length < 2 || length - 2 > room || !tables_fit(p + i + 4, length - 2)) {
                return base_fail(CLIPC_ERROR_FORMAT, "damaged JPEG: a Huffman table of no sense");
            }
        }
    }
    return CLIPC_OK;
}
