/* utf8.c - UTF-8 by Unicode's table 3-7: the range of the second byte keeps out long forms,
 * surrogates and what lies beyond U+10FFFF. */
#include "utf8.h"

#include <string.h>

/* How many bytes follow the first one, 9 for a byte that begins nothing. */
static size_t bytes_behind(unsigned char first)
{
    return first < 0x80   ? 0
           : first < 0xc2 ? 9
           : first < 0xe0 ? 1
           : first < 0xf0 ? 2
           : first < 0xf5 ? 3
                          : 9;
}

size_t utf8_read(const char *text, size_t n, uint32_t *c, int *valid)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    size_t more = bytes_behind(s[0]), i = 1;

    *c = more == 0 ? s[0] : s[0] & (0x3fu >> more);
    for (; more < 9 && i <= more && i < n && s[i] >= low && s[i] <= high; i++) {
        *c = *c << 6 | (s[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    int good = i == more + 1;
    if (!good) {
        *c = UTF8_REPLACEMENT;
    }
    if (valid != NULL) {
        *valid = good;
    }
    return i;
}

size_t utf8_mark(const char *text, size_t n)
{
    return n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

size_t utf8_write(uint32_t c, unsigned char *to)
{
    static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--) {
        to[i] = (unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    to[0] = (unsigned char)(heads[n] | c);
    return n;
}
