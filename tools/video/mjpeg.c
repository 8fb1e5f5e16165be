/* mjpeg.c - JPEG files one after the other, as cameras send them: bare, or with headers between
 * them (multipart), which are skipped.
 *
 * A JPEG is a row of segments: 0xff, a marker, and but for a few a length.  Its end is the marker
 * EOI outside of a segment: a thumbnail inside of one has its own.  Behind SOS come coded bytes, in
 * which 0xff is followed by 0 or by a restart marker. */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/base/base.h"
#include "kinds.h"

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, RST0 = 0xd0, RST7 = 0xd7, TEM = 0x01 };
#define MOST_BYTES ((size_t)64 << 20) /* no camera's frame comes near it */

struct mjpeg {
    struct video video;
    struct feed feed;
    struct clipc_image_options limits;
    unsigned char *bytes; /* [room], the JPEG so far [n] */
    size_t n, room;
    bool begun; /* the SOI of the next has been read already */
    double rate;
    uint64_t count;
};

/* Add the next byte of the feed to the JPEG: 1 and *c, else as feed_more. */
static int add(struct mjpeg *m, unsigned *c)
{
    int got = feed_more(&m->feed);

    if (got <= 0) {
        return got;
    }
    if (m->n == m->room) {
        size_t room = m->room * 2 + BUFSIZ;
        unsigned char *bytes = m->n >= MOST_BYTES ? NULL : realloc(m->bytes, room);
        if (bytes == NULL) {
            return base_fail(CLIPC_ERROR_LIMIT, "%s: a JPEG without an end", m->feed.name);
        }
        m->bytes = bytes;
        m->room = room;
    }
    *c = m->bytes[m->n++] = m->feed.bytes[m->feed.begin++];
    return 1;
}

/* Skip to the next SOI, which begins m->bytes then. */
static int find_start(struct mjpeg *m)
{
    unsigned last = 0, c = 0;
    int got = 1;

    for (bool found = m->begun; !found; last = c) {
        m->n = 0;
        if ((got = add(m, &c)) != 1) {
            return got;
        }
        found = last == 0xff && c == SOI;
    }
    m->begun = false;
    m->bytes[0] = 0xff; /* there is room: add() makes more at a time */
    m->bytes[1] = SOI;
    m->n = 2;
    return 1;
}

/* The segment behind its marker, its length in the first two bytes. */
static int skip_segment(struct mjpeg *m)
{
    unsigned high, low, c;
    int got;

    if ((got = add(m, &high)) != 1 || (got = add(m, &low)) != 1) {
        return got;
    }
    for (unsigned i = 2; i < (high << 8 | low); i++) {
        if ((got = add(m, &c)) != 1) {
            return got;
        }
    }
    return 1;
}

/* From SOI to EOI. */
static int read_jpeg(struct mjpeg *m)
{
    bool coded = false;
    unsigned c = 0;
    int got;

    for (;;) {
        if ((got = add(m, &c)) != 1) {
            return got;
        }
        if (c != 0xff) {
            if (!coded) {
                return 1; /* no marker where one must be: the decoder will say so */
            }
            continue;
        }
        while (c == 0xff && (got = add(m, &c)) == 1) {
        }
        if (got != 1 || c == EOI) {
            return got;
        }
        if (c == SOI) { /* the one before was cut */
            m->n -= 2;
            m->begun = true;
            return 1;
        }
        if (c == 0 || (c >= RST0 && c <= RST7) || c == TEM) {
            continue;
        }
        coded = c == SOS;
        if ((got = skip_segment(m)) != 1) {
            return got;
        }
    }
}

static int next(struct video *video, struct frame *frame)
{
    struct mjpeg *m = (struct mjpeg *)video;
    int got = find_start(m);

    if (got != 1) {
        return got;
    }
    got = read_jpeg(m);
    if (got == 0 && !m->feed.stopped) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: ends inside a frame", m->feed.name);
    }
    if (got != 1) {
        return got;
    }
    frame_decode(frame, m->feed.name, m->bytes, m->n, &m->limits);
    frame->number = m->count++;
    frame->time = (double)frame->number / m->rate;
    return 1;
}

static void close_mjpeg(struct video *video)
{
    struct mjpeg *m = (struct mjpeg *)video;

    feed_close(&m->feed);
    free(m->bytes);
    free(m);
}

int mjpeg_open(struct feed *feed, const struct video_options *options, struct video **video)
{
    static const struct video_class class = {next, close_mjpeg};
    struct mjpeg *m = calloc(1, sizeof *m);

    if (m == NULL) {
        feed_close(feed);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    m->video.class = &class;
    m->feed = *feed;
    m->limits = options->image;
    m->rate = options->rate > 0 ? options->rate : 25;
    *video = &m->video;
    return CLIPC_OK;
}
