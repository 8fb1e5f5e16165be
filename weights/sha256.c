/* sha256.c - SHA-256 by FIPS 180-4, section 6.2; its names for the working variables and
 * functions. */
#include "sha256.h"

#include <string.h>

#include "../src/base/base.h"

#define HASHED_AT_ONCE ((size_t)16 << 20)

/* FIPS 180-4, 4.2.2: fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* 6.2.2, step 3, for one t, whose w[t] + K[t] is `word`.  What it does not change moves on by one
 * name: who calls it moves the names instead. */
static inline void step(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f,
                        uint32_t g, uint32_t *h, uint32_t word)
{
    uint32_t t1 = *h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + word;
    uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));

    *d += t1;
    *h = t1 + t2;
}

static void compress(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + w[i - 7] +
               (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 64; i += 8) {
        const uint32_t *k = round_constants + i;
        step(a, b, c, &d, e, f, g, &h, k[0] + w[i]);
        step(h, a, b, &c, d, e, f, &g, k[1] + w[i + 1]);
        step(g, h, a, &b, c, d, e, &f, k[2] + w[i + 2]);
        step(f, g, h, &a, b, c, d, &e, k[3] + w[i + 3]);
        step(e, f, g, &h, a, b, c, &d, k[4] + w[i + 4]);
        step(d, e, f, &g, h, a, b, &c, k[5] + w[i + 5]);
        step(c, d, e, &f, g, h, a, &b, k[6] + w[i + 6]);
        step(b, c, d, &e, f, g, h, &a, k[7] + w[i + 7]);
    }
    const uint32_t v[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void sha256_begin(struct sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->state, start, sizeof start);
    s->bytes = 0;
}

void sha256_add(struct sha256 *s, const void *data, size_t n)
{
    const unsigned char *p = data;
    size_t used = s->bytes % 64;

    s->bytes += n;
    while (n > 0) {
        if (used == 0 && n >= 64) {
            compress(s->state, p);
            p += 64;
            n -= 64;
            continue;
        }
        size_t take = n < 64 - used ? n : 64 - used;
        memcpy(s->block + used, p, take);
        used += take;
        p += take;
        n -= take;
        if (used == 64) {
            compress(s->state, s->block);
            used = 0;
        }
    }
}

void sha256_end(struct sha256 *s, unsigned char digest[32])
{
    uint64_t bits = s->bytes * 8;
    unsigned char tail[72] = {0x80}, length[8];

    for (int i = 0; i < 8; i++) {
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    }
    sha256_add(s, tail, 1 + (119 - s->bytes % 64) % 64);
    sha256_add(s, length, 8);
    for (int i = 0; i < 32; i++) {
        digest[i] = (unsigned char)(s->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void sha256_hex(const unsigned char digest[32], char text[65])
{
    for (int i = 0; i < 32; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    text[64] = '\0';
}

int sha256_file(const char *path, char text[65])
{
    struct base_map map;
    struct sha256 s;
    unsigned char digest[32];
    int status = base_map_file(path, &map);

    if (status == CLIPC_OK) {
        sha256_begin(&s);
        for (size_t at = 0, n; at < map.size; at += n) {
            n = map.size - at < HASHED_AT_ONCE ? map.size - at : HASHED_AT_ONCE;
            sha256_add(&s, map.data + at, n);
            base_map_release(&map);
        }
        sha256_end(&s, digest);
        sha256_hex(digest, text);
        base_unmap(&map);
    }
    return status;
}
