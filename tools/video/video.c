/* video.c - which kind of video an address is, by what it is called and by its first bytes. */
#include "video.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "kinds.h"

/* What a feed begins with: y4m, JPEG, or VIDEO_ANY for neither.  Waits for those bytes. */
static int look_at_feed(struct feed *feed, enum video_format *format)
{
    const unsigned char *bytes;
    long n = feed_peek(feed, 9, &bytes);

    *format = n >= 9 && memcmp(bytes, "YUV4MPEG2", 9) == 0      ? VIDEO_Y4M
              : n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0 ? VIDEO_MJPEG
                                                                : VIDEO_ANY;
    return n < 0 ? (int)n : CLIPC_OK;
}

static int open_feed(struct feed *feed, enum video_format format,
                     const struct video_options *options, struct video **video)
{
    struct video_options known = *options;

    known.format = format;
    switch (format) {
    case VIDEO_Y4M:
        return y4m_open(feed, &known, video);
    case VIDEO_MJPEG:
        return mjpeg_open(feed, &known, video);
    default:
        return raw_open(feed, &known, video);
    }
}

static int open_stdin(const struct video_options *options, struct video **video)
{
    enum video_format format = options->format;
    struct feed feed;
    int status = feed_begin(&feed, "standard input", STDIN_FILENO, options->stop, 0);

    feed.keep = true;
    if (status == CLIPC_OK && format == VIDEO_ANY) {
        status = look_at_feed(&feed, &format);
    }
    if (status == CLIPC_OK && format == VIDEO_ANY) {
        status = base_fail(CLIPC_ERROR_FORMAT,
                           "standard input: neither y4m nor mjpeg: of raw frames say --format and "
                           "--size; other films must be files");
    }
    if (status != CLIPC_OK) {
        feed_close(&feed);
        return status;
    }
    return open_feed(&feed, format, options, video);
}

/* y4m and JPEGs by ourselves, anything else by ffmpeg, which opens the file again. */
static int open_file(const struct address *address, const struct video_options *options,
                     struct video **video)
{
    enum video_format format = options->format;
    struct stat st;
    struct feed feed;
    int status = feed_open(&feed, address->place, options->stop, 0);

    if (status == CLIPC_OK && format == VIDEO_ANY) {
        status = look_at_feed(&feed, &format);
    }
    if (status == CLIPC_OK && format != VIDEO_ANY) {
        return open_feed(&feed, format, options, video);
    }
    bool seekable = status == CLIPC_OK && fstat(feed.fd, &st) == 0 && S_ISREG(st.st_mode);
    feed_close(&feed);
    if (status != CLIPC_OK) {
        return status;
    }
    if (!seekable) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: of a pipe's frames say --format (y4m and mjpeg are recognised)",
                         address->place);
    }
    if (st.st_size == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: the file is empty", address->place);
    }
    return ffmpeg_open(address, options, video);
}

int video_open(const struct address *address, const struct video_options *options,
               struct video **video)
{
    switch (address->kind) {
    case ADDRESS_STDIN:
        return open_stdin(options, video);
    case ADDRESS_FOLDER:
        return folder_watch_open(address, options, video);
    case ADDRESS_WEBCAM:
    case ADDRESS_URL:
        return ffmpeg_open(address, options, video);
    case ADDRESS_PICTURES:
        return options->format == VIDEO_ANY ? pictures_open(address, options, video)
                                            : open_file(address, options, video);
    default:
        return open_file(address, options, video);
    }
}

void video_close(struct video *video)
{
    if (video != NULL) {
        video->class->close(video);
    }
}
