/* stand_ins.h - GPT-2's printable stand-ins for bytes, as vocab.json and merges.txt spell them:
 * printable Latin-1 is itself, the other 68 bytes are U+0100 and up, in order. */
#ifndef CLIPC_STAND_INS_H
#define CLIPC_STAND_INS_H

#include <stddef.h>

#include "../../src/base/utf8.h"

static inline int stand_in_is_itself(int byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

/* The code point that stands for `byte`. */
static inline int stand_in_of(int byte)
{
    int before = 0;

    for (int b = 0; b < byte; b++) {
        before += !stand_in_is_itself(b);
    }
    return stand_in_is_itself(byte) ? byte : 256 + before;
}

/* The UTF-8 of `byte`'s stand-in; returns its 1 or 2 bytes. */
static inline size_t stand_in_spell(int byte, char to[2])
{
    return utf8_write((uint32_t)stand_in_of(byte), (unsigned char *)to);
}

#endif
