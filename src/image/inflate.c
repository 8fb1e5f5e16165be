/* inflate.c - DEFLATE (RFC 1951) in zlib's wrapping (RFC 1950).  It refuses what zlib 1.2.13
 * refuses, and like zlib it reads on behind the last byte that was asked for, up to the next that
 * would come out: so a wrong checksum right behind a picture is seen, and a missing one is not. */
#include "inflate.h"

#include <stdlib.h>
#include <string.h>

#include "../base/base.h"
#include "huffman.h"

#define WINDOW    32768 /* how far back a copy may reach */
#define LONGEST   258   /* bytes of one copy */
#define LITERALS  288   /* literals, end of block, lengths */
#define DISTANCES 32

struct stream {
    const uint8_t *p;
    size_t n, at;
    uint64_t held; /* bits read ahead, the next one lowest */
    unsigned count;
    size_t most, made;
    size_t used, sent;  /* of `out`: bytes made, bytes given away */
    uint32_t low, high; /* Adler-32 of what was given away */
    inflate_fn fn;
    void *arg;
    enum inflate_end end;
    struct huffman literals, distances;
    uint8_t out[2 * WINDOW + LONGEST];
};

static bool stop(struct stream *s, enum inflate_end end)
{
    s->end = end;
    return false;
}

/* ---- Bits in ------------------------------------------------------------------------------- */

/* At least 56 bits in `held`, or all that there are: enough for a length and a distance. */
static void refill(struct stream *s)
{
    if (s->n - s->at >= 8) {
        s->held |= base_u64(s->p + s->at) << s->count;
        s->at += (63 - s->count) >> 3;
        s->count |= 56;
        return;
    }
    for (; s->count <= 56 && s->at < s->n; s->count += 8) {
        s->held |= (uint64_t)s->p[s->at++] << s->count;
    }
}

/* The next `n` bits, which must be in `held`. */
static bool take(struct stream *s, unsigned n, unsigned *value)
{
    if (n > s->count) {
        return stop(s, INFLATE_SHORT);
    }
    *value = (unsigned)(s->held & ((1u << n) - 1));
    s->held >>= n;
    s->count -= n;
    return true;
}

/* ---- Codes --------------------------------------------------------------------------------- */

/* The next symbol, by its bits one by one: longer codes, and where the input ends. */
static bool slow_symbol(struct stream *s, const struct huffman *c, unsigned *symbol)
{
    unsigned code = 0, first = 0, index = 0;

    for (unsigned bits = 1; bits <= HUFFMAN_BITS; bits++) {
        if (bits > s->count) {
            return stop(s, INFLATE_SHORT);
        }
        code |= (unsigned)(s->held >> (bits - 1)) & 1;
        if (code < first + c->count[bits]) {
            *symbol = c->symbol[index + code - first];
            s->held >>= bits;
            s->count -= bits;
            return true;
        }
        index += c->count[bits];
        first = (first + c->count[bits]) << 1;
        code <<= 1;
    }
    return stop(s, INFLATE_DAMAGED);
}

static inline bool next_symbol(struct stream *s, const struct huffman *c, unsigned *symbol)
{
    unsigned entry = c->fast[s->held & ((1u << HUFFMAN_FAST) - 1)], bits = entry & 15;

    if (bits == 0 || bits > s->count) {
        return slow_symbol(s, c, symbol);
    }
    s->held >>= bits;
    s->count -= bits;
    *symbol = entry >> 4;
    return true;
}

/* ---- Bytes out ----------------------------------------------------------------------------- */

/* Give away what is new, and keep the window. */
static bool flush(struct stream *s)
{
    const uint8_t *p = s->out + s->sent;
    size_t n = s->used - s->sent;
    bool more = n == 0 || s->fn(s->arg, p, n);

    while (n > 0) { /* sums of 5552 bytes fit in 32 bits before they are reduced */
        size_t part = n < 5552 ? n : 5552;
        for (size_t i = 0; i < part; i++) {
            s->low += p[i];
            s->high += s->low;
        }
        s->low %= 65521;
        s->high %= 65521;
        p += part;
        n -= part;
    }
    if (s->used > 2 * WINDOW - 1) {
        memmove(s->out, s->out + s->used - WINDOW, WINDOW);
        s->used = WINDOW;
    }
    s->sent = s->used;
    return more || stop(s, INFLATE_STOPPED);
}

static bool copy_back(struct stream *s, size_t distance, size_t length)
{
    if (s->made == s->most) {
        return stop(s, INFLATE_FULL);
    }
    if (distance > s->used) { /* before the first flush `used` is all there is */
        return stop(s, INFLATE_DAMAGED);
    }
    length = length < s->most - s->made ? length : s->most - s->made;
    uint8_t *to = s->out + s->used;
    for (size_t i = 0; i < length; i++) {
        to[i] = to[i - distance];
    }
    s->used += length;
    s->made += length;
    return s->used < 2 * WINDOW || flush(s);
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static bool stored_block(struct stream *s)
{
    unsigned size, check;

    s->held >>= s->count % 8;
    s->count -= s->count % 8;
    refill(s);
    if (!take(s, 16, &size) || !take(s, 16, &check)) {
        return false;
    }
    if (size != (check ^ 0xffff)) {
        return stop(s, INFLATE_DAMAGED);
    }
    s->at -= s->count / 8; /* what was read ahead goes back */
    s->held = s->count = 0;
    while (size > 0) {
        size_t part = 2 * WINDOW - s->used;
        part = part < size ? part : size;
        part = part < s->n - s->at ? part : s->n - s->at;
        part = part < s->most - s->made ? part : s->most - s->made;
        if (part == 0) {
            return stop(s, s->made == s->most ? INFLATE_FULL : INFLATE_SHORT);
        }
        memcpy(s->out + s->used, s->p + s->at, part);
        s->at += part;
        s->used += part;
        s->made += part;
        size -= (unsigned)part;
        if (s->used >= 2 * WINDOW && !flush(s)) {
            return false;
        }
    }
    return true;
}

static bool coded_block(struct stream *s)
{
    static const uint16_t lengths[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint16_t distances[30] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    unsigned symbol, extra;

    for (;;) {
        refill(s);
        if (!next_symbol(s, &s->literals, &symbol)) {
            return false;
        }
        if (symbol < 256) {
            if (s->made == s->most) {
                return stop(s, INFLATE_FULL);
            }
            s->out[s->used++] = (uint8_t)symbol;
            s->made++;
            if (s->used >= 2 * WINDOW && !flush(s)) {
                return false;
            }
            continue;
        }
        if (symbol == 256) {
            return true;
        }
        if ((symbol -= 257) >= 29) {
            return stop(s, INFLATE_DAMAGED);
        }
        if (!take(s, symbol < 8 || symbol == 28 ? 0 : symbol / 4 - 1, &extra)) {
            return false;
        }
        size_t length = lengths[symbol] + extra;
        if (!next_symbol(s, &s->distances, &symbol)) {
            return false;
        }
        if (symbol >= 30) {
            return stop(s, INFLATE_DAMAGED);
        }
        if (!take(s, symbol < 4 ? 0 : symbol / 2 - 1, &extra) ||
            !copy_back(s, distances[symbol] + (size_t)extra, length)) {
            return false;
        }
    }
}

static void fixed_codes(struct stream *s)
{
    uint8_t lengths[LITERALS], five[DISTANCES];

    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    memset(five, 5, sizeof five);
    huffman_make(&s->literals, lengths, LITERALS, false);
    huffman_make(&s->distances, five, DISTANCES, false);
}

/* Lengths [n] of both codes, run-length coded in a code of their own, which is in `literals`. */
static bool read_lengths(struct stream *s, uint8_t *lengths, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned symbol, repeat = 1;
        uint8_t value = 0;
        refill(s);
        if (!next_symbol(s, &s->literals, &symbol)) {
            return false;
        }
        if (symbol < 16) {
            value = (uint8_t)symbol;
        } else {
            unsigned bits = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
            if (!take(s, bits, &repeat)) {
                return false;
            }
            repeat += symbol == 18 ? 11 : 3;
            if ((symbol == 16 && i == 0) || repeat > n - i) {
                return stop(s, INFLATE_DAMAGED);
            }
            value = symbol == 16 ? lengths[i - 1] : 0;
        }
        memset(lengths + i, value, repeat);
        i += repeat;
    }
    return true;
}

static bool own_codes(struct stream *s)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES] = {0}, few[19] = {0};
    unsigned literals, distances, codes, bits;

    refill(s);
    if (!take(s, 5, &literals) || !take(s, 5, &distances) || !take(s, 4, &codes)) {
        return false;
    }
    literals += 257;
    distances += 1;
    if (literals > 286 || distances > 30) {
        return stop(s, INFLATE_DAMAGED);
    }
    for (size_t i = 0; i < codes + 4; i++) {
        refill(s);
        if (!take(s, 3, &bits)) {
            return false;
        }
        few[order[i]] = (uint8_t)bits;
    }
    if (!huffman_make(&s->literals, few, 19, false)) {
        return stop(s, INFLATE_DAMAGED);
    }
    if (!read_lengths(s, lengths, literals + distances)) {
        return false;
    }
    return (lengths[256] != 0 && huffman_make(&s->literals, lengths, literals, true) &&
            huffman_make(&s->distances, lengths + literals, distances, true)) ||
           stop(s, INFLATE_DAMAGED);
}

/* False at the end, `s->end` says which. */
static bool next_block(struct stream *s)
{
    unsigned last, type;

    refill(s);
    if (!take(s, 1, &last) || !take(s, 2, &type)) {
        return false;
    }
    if (type == 3) {
        return stop(s, INFLATE_DAMAGED);
    }
    if (type == 1) {
        fixed_codes(s);
    }
    if (type == 0 ? !stored_block(s) : (type == 2 && !own_codes(s)) || !coded_block(s)) {
        return false;
    }
    return !last || stop(s, INFLATE_ENDED);
}

/* The Adler-32 of everything, big end first, behind the last block. */
static void check_sum(struct stream *s)
{
    const uint8_t *p = s->p + s->at - s->count / 8;

    if ((size_t)(s->p + s->n - p) < 4) {
        s->end = INFLATE_SHORT;
    } else if ((uint32_t)(p[0] << 8 | p[1]) != s->high || (uint32_t)(p[2] << 8 | p[3]) != s->low) {
        s->end = INFLATE_DAMAGED;
    }
}

/* The blocks that begin at p[at]; `sum`: their checksum behind them; *used: bytes of p. */
static enum inflate_end unpack(const uint8_t *p, size_t n, size_t at, bool sum, size_t most,
                               inflate_fn fn, void *arg, size_t *used)
{
    struct stream *s = malloc(sizeof *s);

    if (s == NULL) {
        return INFLATE_MEMORY;
    }
    memset(s, 0, offsetof(struct stream, literals));
    s->p = p;
    s->n = n;
    s->at = at;
    s->most = most;
    s->low = 1;
    s->fn = fn;
    s->arg = arg;
    while (next_block(s)) {
    }
    enum inflate_end end = s->end;
    if (end != INFLATE_STOPPED && !flush(s)) {
        end = INFLATE_STOPPED;
    } else if (end == INFLATE_ENDED && sum) {
        check_sum(s);
        end = s->end;
    }
    end = end == INFLATE_SHORT && s->made == most ? INFLATE_FULL : end;
    *used = s->at - s->count / 8;
    free(s);
    return end;
}

enum inflate_end inflate_zlib(const uint8_t *p, size_t n, size_t most, inflate_fn fn, void *arg)
{
    size_t used;

    if (n < 2) {
        return INFLATE_SHORT;
    }
    if ((p[0] & 15) != 8 || p[0] >> 4 > 7 || (p[0] << 8 | p[1]) % 31 != 0 || (p[1] & 32) != 0) {
        return INFLATE_DAMAGED;
    }
    return unpack(p, n, 2, true, most, fn, arg, &used);
}

enum inflate_end inflate_raw(const uint8_t *p, size_t n, size_t most, inflate_fn fn, void *arg,
                             size_t *used)
{
    return unpack(p, n, 0, false, most, fn, arg, used);
}
