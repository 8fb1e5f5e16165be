/* huffman.c - canonical codes from their lengths (RFC 1951, 3.2.2): shorter codes first, and among
 * those of a length in the order of their symbols.  DEFLATE sends them highest bit first. */
#include "huffman.h"

#include <string.h>

static unsigned reversed(unsigned code, unsigned bits)
{
    unsigned r = 0;

    for (; bits > 0; bits--, code >>= 1) {
        r = r << 1 | (code & 1);
    }
    return r;
}

bool huffman_make(struct huffman *c, const uint8_t *lengths, size_t n, bool single)
{
    unsigned next[HUFFMAN_BITS + 2] = {0}, at[HUFFMAN_BITS + 2] = {0}, longest = 0;
    int left = 1;

    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < n; i++) {
        c->count[lengths[i]]++;
        longest = lengths[i] > longest ? lengths[i] : longest;
    }
    c->count[0] = 0;
    for (size_t bits = 1; bits <= HUFFMAN_BITS; bits++) {
        left = 2 * left - c->count[bits];
        if (left < 0) {
            return false;
        }
        next[bits + 1] = (next[bits] + c->count[bits]) << 1;
        at[bits + 1] = at[bits] + c->count[bits];
    }
    if (left > 0 && longest != 0 && !(single && longest == 1)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned bits = lengths[i];
        if (bits == 0) {
            continue;
        }
        c->symbol[at[bits]++] = (uint16_t)i;
        unsigned code = reversed(next[bits]++, bits);
        for (; bits <= HUFFMAN_FAST && code < 1u << HUFFMAN_FAST; code += 1u << bits) {
            c->fast[code] = (uint16_t)(i << 4 | bits);
        }
    }
    return true;
}
