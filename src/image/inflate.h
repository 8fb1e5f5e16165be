/* inflate.h - zlib's streams (RFC 1950), which PNG's pixels and texts are packed in, and what is in
 * them. */
#ifndef CLIPC_INFLATE_H
#define CLIPC_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum inflate_end {
    INFLATE_ENDED,   /* the stream is whole and its checksum right */
    INFLATE_FULL,    /* `most` bytes were made; the stream goes on, or its end is missing */
    INFLATE_STOPPED, /* `fn` asked for it */
    INFLATE_SHORT,   /* the input ends before */
    INFLATE_DAMAGED, /* no such code, distance, block, header or checksum */
    INFLATE_MEMORY
};

/* The next n bytes; false stops. */
typedef bool (*inflate_fn)(void *arg, const uint8_t *bytes, size_t n);

/* Unpack `bytes` [n] and give at most `most` bytes to fn, in pieces, in order; what came out before
 * a damage is given too.  About 110 KiB of scratch. */
enum inflate_end inflate_zlib(const uint8_t *bytes, size_t n, size_t most, inflate_fn fn,
                              void *arg);

/* The same of a bare DEFLATE stream (RFC 1951), without zlib's head and checksum.  *used: how many
 * bytes it took, when it has ENDED. */
enum inflate_end inflate_raw(const uint8_t *bytes, size_t n, size_t most, inflate_fn fn, void *arg,
                             size_t *used);

#endif
