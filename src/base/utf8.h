/* utf8.h - UTF-8 read and written, one code point at a time: the only coder there is. */
#ifndef CLIPC_UTF8_H
#define CLIPC_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* What stands for bytes that are not UTF-8. */
#define UTF8_REPLACEMENT 0xfffdu

/* The code point at the start of text: [n], n > 0; returns how many bytes it takes, 1 to 4.  *valid
 * (may be NULL): 0 when the bytes are not UTF-8 (RFC 3629): *c is then U+FFFD, and the bytes are
 * the maximal part that could have begun a character (Unicode 3.9, W3C, Python). */
size_t utf8_read(const char *text, size_t n, uint32_t *c, int *valid);

/* How many bytes of text: [n] a byte order mark takes, 3 or 0: editors and spreadsheets write one
 * before a text, and it is no character of it. */
size_t utf8_mark(const char *text, size_t n);

/* to: [4]; returns how many bytes were written. */
size_t utf8_write(uint32_t c, unsigned char *to);

#endif
