/* gunzip.h - a small gzip file, unpacked in memory. */
#ifndef CLIPC_GUNZIP_H
#define CLIPC_GUNZIP_H

#include <stddef.h>

/* p: [n]; *data: [*size], free() it; more than `most` bytes are refused.  0, or a negative
 * clipc_status whose message begins with `what`. */
int gunzip(const char *what, const unsigned char *p, size_t n, size_t most, unsigned char **data,
           size_t *size);

#endif
