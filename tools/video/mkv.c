/* mkv.c - elements of EBML (RFC 8794) and Matroska (RFC 9559): an id, a length, what is in it. */
#include "mkv.h"

#include <math.h>
#include <string.h>

struct writer {
    unsigned char *to;
    size_t n;
};

static void put_number(struct writer *w, uint64_t x, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        w->to[w->n++] = (unsigned char)(x >> 8 * i);
    }
}

/* An id as it is written, which says its own length. */
static void put_id(struct writer *w, uint32_t id)
{
    put_number(w, id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1);
}

/* Always in 8 bytes, 7 bits each: 0x01 and 56 bits. */
static void put_length(struct writer *w, uint64_t length)
{
    put_number(w, (uint64_t)1 << 56 | length, 8);
}

static void put_bytes(struct writer *w, uint32_t id, const void *bytes, size_t n)
{
    put_id(w, id);
    put_length(w, n);
    memcpy(w->to + w->n, bytes, n);
    w->n += n;
}

static void put_text(struct writer *w, uint32_t id, const char *text)
{
    put_bytes(w, id, text, strlen(text));
}

static void put_uint(struct writer *w, uint32_t id, uint64_t x)
{
    put_id(w, id);
    put_length(w, 8);
    put_number(w, x, 8);
}

/* Begin an element; its end writes the length. */
static size_t begin(struct writer *w, uint32_t id)
{
    put_id(w, id);
    put_length(w, 0);
    return w->n;
}

static void end(struct writer *w, size_t from)
{
    struct writer before = {w->to, from - 8};

    put_length(&before, w->n - from);
}

/* Of pixels as they are; or Windows' BITMAPINFOHEADER, for what Matroska has no name of its own. */
static void put_codec(struct writer *w, uint32_t width, uint32_t height, const char *codec)
{
    unsigned char header[40] = {sizeof header};

    if (codec == NULL) {
        put_text(w, 0x86, "V_UNCOMPRESSED");
        return;
    }
    for (int i = 0; i < 4; i++) {
        header[4 + i] = (unsigned char)(width >> 8 * i);
        header[8 + i] = (unsigned char)(height >> 8 * i);
        header[16 + i] = (unsigned char)codec[i];
    }
    header[12] = 1;  /* planes */
    header[14] = 24; /* bits of a pixel */
    put_text(w, 0x86, "V_MS/VFW/FOURCC");
    put_bytes(w, 0x63a2, header, sizeof header);
}

size_t mkv_head(unsigned char *to, uint32_t width, uint32_t height, const char *codec,
                double seconds)
{
    static const unsigned char rgb24[4] = {'R', 'G', 'B', 24};
    struct writer w = {to, 0};

    size_t ebml = begin(&w, 0x1a45dfa3);
    put_text(&w, 0x4282, "matroska");
    end(&w, ebml);
    put_id(&w, 0x18538067);                  /* Segment, */
    put_length(&w, ((uint64_t)1 << 56) - 1); /* which ends when the pipe does */
    size_t info = begin(&w, 0x1549a966);
    put_uint(&w, 0x2ad7b1, 1000); /* TimestampScale: microseconds, in nanoseconds */
    end(&w, info);
    size_t tracks = begin(&w, 0x1654ae6b), track = begin(&w, 0xae);
    put_uint(&w, 0xd7, 1);   /* TrackNumber */
    put_uint(&w, 0x73c5, 1); /* TrackUID */
    put_uint(&w, 0x83, 1);   /* TrackType: video */
    if (seconds > 0) {
        put_uint(&w, 0x23e383, (uint64_t)llround(seconds * 1e9)); /* DefaultDuration */
    }
    put_codec(&w, width, height, codec);
    size_t video = begin(&w, 0xe0);
    put_uint(&w, 0xb0, width);
    put_uint(&w, 0xba, height);
    if (codec == NULL) {
        put_bytes(&w, 0x2eb524, rgb24, sizeof rgb24);
    }
    end(&w, video);
    end(&w, track);
    end(&w, tracks);
    return w.n;
}

/* A cluster for each frame: a block's own time has 16 bits only. */
size_t mkv_frame(unsigned char *to, uint64_t microseconds, size_t bytes)
{
    struct writer w = {to, 0};

    put_id(&w, 0x1f43b675);
    put_length(&w, 1 + 8 + 8 + 1 + 8 + 4 + bytes); /* Timestamp, SimpleBlock */
    put_uint(&w, 0xe7, microseconds);
    put_id(&w, 0xa3);
    put_length(&w, 4 + bytes);
    put_number(&w, 0x81000080, 4); /* track 1, the cluster's time, a key frame */
    return w.n;
}
