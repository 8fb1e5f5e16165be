/* base64.c - base64 as Python's b64decode reads it: other characters are skipped, padding must be
 * right. */
#include "base64.h"

#include <stdint.h>

static int base64_value(unsigned char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

long base64_decode(const char *text, size_t n, unsigned char *out)
{
    uint32_t bits = 0;
    size_t digits = 0, padding = 0;
    unsigned char *to = out;

    for (size_t i = 0; i < n; i++) {
        int value = base64_value((unsigned char)text[i]);
        if (text[i] == '=' && digits % 4 >= 2) {
            if (++padding + digits % 4 >= 4) {
                break;
            }
        } else if (value >= 0) {
            padding = 0;
            bits = bits << 6 | (uint32_t)value;
            if (++digits % 4 == 0) {
                *to++ = (unsigned char)(bits >> 16);
                *to++ = (unsigned char)(bits >> 8);
                *to++ = (unsigned char)bits;
            }
        }
    }
    if (digits % 4 == 1 || (digits % 4 != 0 && padding + digits % 4 < 4)) {
        return -1;
    }
    if (digits % 4 == 2) {
        *to++ = (unsigned char)(bits >> 4);
    } else if (digits % 4 == 3) {
        *to++ = (unsigned char)(bits >> 10);
        *to++ = (unsigned char)(bits >> 2);
    }
    return to - out;
}
