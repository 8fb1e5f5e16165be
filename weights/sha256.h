/* sha256.h - FIPS 180-4, for content hashes and provenance. */
#ifndef CLIPC_SHA256_H
#define CLIPC_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
void sha256_end(struct sha256 *s, unsigned char digest[32]);
/* The file at `path` as 64 hexadecimal digits and a 0.  0, or a negative clipc_status. */
int sha256_file(const char *path, char text[65]);
/* 64 hexadecimal digits and a 0. */
void sha256_hex(const unsigned char digest[32], char text[65]);

#endif
