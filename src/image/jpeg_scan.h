/* jpeg_scan.h - a look over a JPEG's segments before a decoder sees it. */
#ifndef CLIPC_JPEG_SCAN_H
#define CLIPC_JPEG_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* 0, or CLIPC_ERROR_FORMAT or _LIMIT: Huffman tables of more than 256 codes (which stb_image 2.27
 * writes past its own), no end marker, or so many scans that decoding a small file would take
 * seconds. */
int jpeg_scan(const uint8_t *bytes, size_t n);

#endif
