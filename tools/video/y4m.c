/* y4m.c - YUV4MPEG2: uncompressed frames behind a line of text, as ffmpeg, mjpegtools and cameras'
 * programs write them.  A header "YUV4MPEG2 W640 H480 F30:1 C420jpeg", then for each frame a line
 * "FRAME" and the planes Y, Cb, Cr.
 *
 * To RGB by ITU-R BT.601, which the format implies: 16..235 is black to white unless the header has
 * XCOLORRANGE=FULL.  Each colour sample is repeated for the pixels that share it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "kinds.h"

struct layout {
    const char *name;     /* what stands behind C */
    int shift_x, shift_y; /* log2 of the pixels that share a colour sample */
    bool gray, alpha;
};
static const struct layout layouts[] = {
    {"420jpeg", 1, 1, false, false},  {"420mpeg2", 1, 1, false, false},
    {"420paldv", 1, 1, false, false}, {"420", 1, 1, false, false},
    {"411", 2, 0, false, false},      {"422", 1, 0, false, false},
    {"444alpha", 0, 0, false, true},  {"444", 0, 0, false, false},
    {"mono", 0, 0, true, false},
};

struct y4m {
    struct video video;
    struct feed feed;
    uint32_t width, height;
    const struct layout *layout;
    int bits; /* of a sample; above 8: two bytes, low first */
    bool full_range;
    double rate;
    unsigned char *planes; /* [plane_bytes], as the file has them */
    size_t luma, chroma;   /* samples of a plane */
    size_t plane_bytes;
    uint64_t count;
};

static int refuse(const struct y4m *y, const char *why, const char *what)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: %s '%.40s' in its YUV4MPEG2 header", y->feed.name,
                     why, what);
}

/* "420p10", "mono12": a layout, and the bits of a sample. */
static int read_layout(struct y4m *y, const char *text)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        const char *rest = text + strlen(layouts[i].name);
        if (strncmp(text, layouts[i].name, strlen(layouts[i].name)) != 0) {
            continue;
        }
        y->layout = &layouts[i];
        y->bits = 8;
        if (*rest == '\0') {
            return CLIPC_OK;
        }
        rest += *rest == 'p';
        char *end;
        long bits = strtol(rest, &end, 10);
        if (end != rest && *end == '\0' && bits > 8 && bits <= 16) {
            y->bits = (int)bits;
            return CLIPC_OK;
        }
    }
    return refuse(y, "unknown colour space", text);
}

static int read_size(const struct y4m *y, const char *text, uint32_t *to)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > 65535) {
        return refuse(y, "size", text);
    }
    *to = (uint32_t)n;
    return CLIPC_OK;
}

static int read_rate(struct y4m *y, const char *text)
{
    unsigned a, b;

    if (sscanf(text, "%9u:%9u", &a, &b) != 2) {
        return refuse(y, "rate", text);
    }
    if (a > 0 && b > 0) { /* 0:0 is a rate that is not known */
        y->rate = (double)a / b;
    }
    return CLIPC_OK;
}

static int read_parameter(struct y4m *y, const char *word)
{
    switch (word[0]) {
    case 'W':
        return read_size(y, word + 1, &y->width);
    case 'H':
        return read_size(y, word + 1, &y->height);
    case 'F':
        return read_rate(y, word + 1);
    case 'C':
        return read_layout(y, word + 1);
    case 'X':
        y->full_range |= strcmp(word, "XCOLORRANGE=FULL") == 0;
        break;
    }
    return CLIPC_OK; /* interlacing, pixel aspect: of no matter here */
}

static int read_header(struct y4m *y)
{
    char line[1024], *save = NULL;
    int got = feed_line(&y->feed, line, sizeof line), status = CLIPC_OK;

    if (got < 0) {
        return got;
    }
    if (got == 0 || strncmp(line, "YUV4MPEG2", 9) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: no YUV4MPEG2 header", y->feed.name);
    }
    for (char *word = strtok_r(line + 9, " ", &save); word != NULL && status == CLIPC_OK;
         word = strtok_r(NULL, " ", &save)) {
        status = read_parameter(y, word);
    }
    if (status == CLIPC_OK && (y->width == 0 || y->height == 0)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: no size in its YUV4MPEG2 header", y->feed.name);
    }
    return status;
}

static int reserve_planes(struct y4m *y, size_t max_pixels)
{
    const struct layout *l = y->layout;
    uint32_t cw = (y->width + (1u << l->shift_x) - 1) >> l->shift_x;
    uint32_t ch = (y->height + (1u << l->shift_y) - 1) >> l->shift_y;

    y->luma = (size_t)y->width * y->height;
    y->chroma = l->gray ? 0 : (size_t)cw * ch;
    y->plane_bytes = (y->luma * (l->alpha ? 2 : 1) + 2 * y->chroma) * (y->bits > 8 ? 2 : 1);
    if (y->luma > (max_pixels > 0 ? max_pixels : 178956970)) {
        return base_fail(CLIPC_ERROR_LIMIT, "%s: frames of %u x %u are too large", y->feed.name,
                         y->width, y->height);
    }
    y->planes = malloc(y->plane_bytes);
    return y->planes != NULL ? CLIPC_OK
                             : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", y->feed.name);
}

/* Samples of more than 8 bits become their upper 8. */
static void narrow(struct y4m *y)
{
    for (size_t i = 0; y->bits > 8 && i < y->plane_bytes / 2; i++) {
        y->planes[i] = (unsigned char)(base_u16(y->planes + 2 * i) >> (y->bits - 8));
    }
}

static unsigned char clamp(int x) /* 16 bits behind the point */
{
    x = (x + 32768) >> 16;
    return (unsigned char)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* BT.601: R = Y + 1.402 Cr, G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb; of the limited
 * range Y is scaled by 255 / 219 and colours by 255 / 224. */
static void to_rgb(const struct y4m *y, struct clipc_image *image)
{
    const unsigned char *luma = y->planes, *cb = luma + y->luma, *cr = cb + y->chroma;
    uint32_t cw = (y->width + (1u << y->layout->shift_x) - 1) >> y->layout->shift_x;
    int black = y->full_range ? 0 : 16, scale = y->full_range ? 65536 : 76309;
    int r_cr = y->full_range ? 91881 : 104597, g_cb = y->full_range ? 22553 : 25675;
    int g_cr = y->full_range ? 46802 : 53279, b_cb = y->full_range ? 116130 : 132201;

    for (uint32_t row = 0; row < y->height; row++) {
        const unsigned char *line = luma + (size_t)row * y->width;
        size_t colours = (size_t)(row >> y->layout->shift_y) * cw;
        unsigned char *to = (unsigned char *)image->data + row * image->stride;
        for (uint32_t x = 0; x < y->width; x++, to += 3) {
            int v = (line[x] - black) * scale;
            int u = cb[colours + (x >> y->layout->shift_x)] - 128;
            int w = cr[colours + (x >> y->layout->shift_x)] - 128;
            to[0] = clamp(v + r_cr * w);
            to[1] = clamp(v - g_cb * u - g_cr * w);
            to[2] = clamp(v + b_cb * u);
        }
    }
}

static void to_gray(const struct y4m *y, struct clipc_image *image)
{
    unsigned char *to = image->data;

    for (size_t i = 0; i < y->luma; i++) {
        to[i] = y->full_range ? y->planes[i] : clamp((y->planes[i] - 16) * 76309);
    }
}

static int next(struct video *video, struct frame *frame)
{
    struct y4m *y = (struct y4m *)video;
    char line[256];
    int got = feed_line(&y->feed, line, sizeof line);

    if (got != 1) {
        return got;
    }
    if (strncmp(line, "FRAME", 5) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: no FRAME where one must begin", y->feed.name);
    }
    got = feed_take(&y->feed, y->planes, y->plane_bytes);
    if (got == 0 && !y->feed.stopped) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: ends inside a frame", y->feed.name);
    }
    if (got == 1) {
        got = frame_reserve(frame, y->width, y->height, y->layout->gray ? CLIPC_L : CLIPC_RGB);
        got = got == CLIPC_OK ? 1 : got;
    }
    if (got != 1) {
        return got;
    }
    narrow(y);
    if (y->layout->gray) {
        to_gray(y, &frame->image);
    } else {
        to_rgb(y, &frame->image);
    }
    frame->number = y->count++;
    frame->time = (double)frame->number / y->rate;
    return 1;
}

static void close_y4m(struct video *video)
{
    struct y4m *y = (struct y4m *)video;

    feed_close(&y->feed);
    free(y->planes);
    free(y);
}

int y4m_open(struct feed *feed, const struct video_options *options, struct video **video)
{
    static const struct video_class class = {next, close_y4m};
    struct y4m *y = calloc(1, sizeof *y);

    if (y == NULL) {
        feed_close(feed);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    y->video.class = &class;
    y->feed = *feed;
    y->layout = &layouts[0];
    y->bits = 8;
    y->rate = options->rate > 0 ? options->rate : 25;
    int status = read_header(y);
    if (status == CLIPC_OK) {
        status = reserve_planes(y, options->image.max_pixels);
    }
    if (status != CLIPC_OK) {
        close_y4m(&y->video);
        return status;
    }
    *video = &y->video;
    return CLIPC_OK;
}
