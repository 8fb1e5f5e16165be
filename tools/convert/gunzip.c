/* gunzip.c - gzip's wrapping (RFC 1952) around what src/image/inflate.c unpacks. */
#include "gunzip.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/crc32.h"
#include "../../src/image/inflate.h"

enum { HEAD_BYTES = 10, TAIL_BYTES = 8 };
enum { HAS_CRC = 2, HAS_EXTRA = 4, HAS_NAME = 8, HAS_COMMENT = 16, RESERVED = 0xe0 };

struct output {
    unsigned char *bytes; /* [room] */
    size_t n, room;
};

static bool take(void *arg, const uint8_t *bytes, size_t n)
{
    struct output *o = arg;

    if (n > o->room - o->n) {
        size_t room = 2 * (o->n + n);
        unsigned char *more = realloc(o->bytes, room);
        if (more == NULL) {
            return false;
        }
        o->bytes = more;
        o->room = room;
    }
    memcpy(o->bytes + o->n, bytes, n);
    o->n += n;
    return true;
}

/* Where the packed data begin; 0: the head is damaged or cut. */
static size_t skip_head(const unsigned char *p, size_t n)
{
    size_t at = HEAD_BYTES;

    if (n < HEAD_BYTES || p[0] != 0x1f || p[1] != 0x8b || p[2] != 8 || (p[3] & RESERVED) != 0) {
        return 0;
    }
    if (p[3] & HAS_EXTRA) {
        at = n - at >= 2 ? at + 2 + base_u16(p + at) : n;
    }
    for (int field = HAS_NAME; field <= HAS_COMMENT && at < n; field *= 2) {
        if (p[3] & field) {
            const unsigned char *end = memchr(p + at, 0, n - at);
            at = end != NULL ? (size_t)(end - p) + 1 : n;
        }
    }
    at += p[3] & HAS_CRC ? 2 : 0;
    return at < n ? at : 0;
}

int gunzip(const char *what, const unsigned char *p, size_t n, size_t most, unsigned char **data,
           size_t *size)
{
    struct output o = {NULL, 0, 0};
    size_t at = skip_head(p, n), used = 0;
    enum inflate_end end =
        at > 0 ? inflate_raw(p + at, n - at, most, take, &o, &used) : INFLATE_DAMAGED;
    size_t tail = at + used;

    if (end == INFLATE_ENDED && n - tail >= TAIL_BYTES &&
        base_u32(p + tail) == crc32_of(o.bytes, o.n) && base_u32(p + tail + 4) == (uint32_t)o.n &&
        o.n > 0) {
        *data = o.bytes;
        *size = o.n;
        return CLIPC_OK;
    }
    free(o.bytes);
    return end == INFLATE_MEMORY || end == INFLATE_STOPPED
               ? base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", what)
           : end == INFLATE_FULL
               ? base_fail(CLIPC_ERROR_LIMIT, "%s: unpacks to more than %zu bytes", what, most)
               : base_fail(CLIPC_ERROR_FORMAT, "%s: a damaged gzip file: fetch it again", what);
}
