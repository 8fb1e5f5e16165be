/* raw.c - frames that are nothing but their pixels, one after the other: RGB, BGR (OpenCV's order)
 * or gray, 8 bits each.  Where one begins and how large it is only the user knows. */
#include <stdlib.h>

#include "../../src/base/base.h"
#include "kinds.h"

struct raw {
    struct video video;
    struct feed feed;
    uint32_t width, height;
    enum video_format format;
    double rate;
    uint64_t n;
};

static void swap_red_and_blue(struct clipc_image *image)
{
    unsigned char *p = image->data;

    for (size_t i = 0; i < (size_t)image->width * image->height; i++, p += 3) {
        unsigned char blue = p[0];
        p[0] = p[2];
        p[2] = blue;
    }
}

static int next(struct video *video, struct frame *frame)
{
    struct raw *r = (struct raw *)video;
    int status =
        frame_reserve(frame, r->width, r->height, r->format == VIDEO_GRAY ? CLIPC_L : CLIPC_RGB);

    if (status == CLIPC_OK) {
        status = feed_take(&r->feed, frame->image.data, frame->image.stride * r->height);
    }
    if (status != 1) {
        return status;
    }
    if (r->format == VIDEO_BGR) {
        swap_red_and_blue(&frame->image);
    }
    frame->number = r->n++;
    frame->time = (double)frame->number / r->rate;
    return 1;
}

static void close_raw(struct video *video)
{
    struct raw *r = (struct raw *)video;

    feed_close(&r->feed);
    free(r);
}

int raw_open(struct feed *feed, const struct video_options *options, struct video **video)
{
    static const struct video_class class = {next, close_raw};
    struct raw *r = calloc(1, sizeof *r);

    if (r == NULL) {
        feed_close(feed);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    r->video.class = &class;
    r->feed = *feed;
    r->width = options->width;
    r->height = options->height;
    r->format = options->format;
    r->rate = options->rate > 0 ? options->rate : 25;
    *video = &r->video;
    return CLIPC_OK;
}
