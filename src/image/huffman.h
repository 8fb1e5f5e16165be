/* huffman.h - DEFLATE's canonical codes as tables for decoding. */
#ifndef CLIPC_HUFFMAN_H
#define CLIPC_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_FAST    10 /* codes of so many bits are found by one look */
#define HUFFMAN_BITS    15 /* of the longest code */
#define HUFFMAN_SYMBOLS 288

struct huffman {
    uint16_t fast[1 << HUFFMAN_FAST]; /* symbol << 4 | bits, by the next bits; 0: longer, or none */
    uint16_t count[HUFFMAN_BITS + 1]; /* codes of each length */
    uint16_t symbol[HUFFMAN_SYMBOLS]; /* in the order of their codes */
};

/* The code in which symbol i has lengths[i] bits (0: none).  True when it is whole; or is one code
 * of one bit, where `single` allows that; or has no codes at all, and then none can be decoded. */
bool huffman_make(struct huffman *code, const uint8_t *lengths, size_t n, bool single);

#endif
