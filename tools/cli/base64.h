/* base64.h - bytes written as letters: pictures in requests, tables in JSON. */
#ifndef CLIPC_BASE64_H
#define CLIPC_BASE64_H

#include <stddef.h>

/* text: [n] to out: [n * 3 / 4 + 3].  Bytes written, or -1: wrong padding. */
long base64_decode(const char *text, size_t n, unsigned char *out);

#endif
