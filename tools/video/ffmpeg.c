/* ffmpeg.c - films, webcams and streams, decoded by the program ffmpeg in a process of its own: a
 * hostile file crashes that and not us, and we link none of its 136 libraries.
 *
 * Frames come as PPM on its standard output, as large as they are (our own resize is the
 * reference's, its is not), turned upright as the film says; should the size change within a film,
 * ffmpeg scales to the first.  PPM has no times: a filter writes those to descriptor 3, a line
 * before each frame, and ffmpeg is told to drop and to repeat none.
 *
 * A file may name others: playlists, references.  Of a file only containers are opened that hold
 * their own data, and only through the protocol `file`; a stream opens what the network has, and no
 * file. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "command.h"
#include "kinds.h"
#include "process.h"
#include "words.h"

enum { ENDING_SECONDS = 5 };

struct ffmpeg {
    struct video video;
    struct process process;
    struct feed pictures, times;
    struct command command;
    const char *name;
    struct words words;
    uint64_t count;
    size_t max_pixels;
};

static void read_side(struct feed *feed)
{
    struct ffmpeg *f = feed->side_arg;

    words_take(&f->words, &f->process.err);
    feed->side = f->process.err;
}

/* The last line that it said, but for the name of the input at its start where the user gave just
 * that (webcam is /dev/video0); "" if none. */
static const char *last_words(struct ffmpeg *f)
{
    const char *line = words_last(&f->words);
    size_t length;

    if (strstr(f->words.said, "matches no streams") != NULL) {
        return "there is no video in it";
    }
    if (strstr(f->words.said, "ot on whitelist") != NULL) { /* "Format n", "Protocol ... n" */
        return "it is not a film, or it names other files or addresses, which are not opened";
    }
    length = strlen(f->command.input);
    if (strncmp(f->name, "webcam", 6) != 0 && strncmp(line, f->command.input, length) == 0 &&
        line[length] == ':') {
        line += length + 1;
        line += *line == ' ';
    }
    return line;
}

/* It ends: by itself, or because we want no more.  1: all is well; or a negative clipc_status. */
static int finish(struct ffmpeg *f)
{
    bool killed;

    while (f->process.err >= 0) {
        struct pollfd p = {f->process.err, POLLIN, 0};
        if (poll(&p, 1, 1000 * ENDING_SECONDS) <= 0) {
            break;
        }
        words_take(&f->words, &f->process.err);
    }
    int status = process_end(&f->process, ENDING_SECONDS, &killed);
    const char *words = last_words(f);
    if (killed) {
        return base_fail(CLIPC_ERROR_IO, "%s: ffmpeg did not end", f->name);
    }
    if (words[0] != '\0') {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: ffmpeg: %s", f->name, words);
    }
    if (WIFSIGNALED(status)) {
        return base_fail(CLIPC_ERROR_IO, "%s: ffmpeg was ended by signal %d", f->name,
                         WTERMSIG(status));
    }
    if (WEXITSTATUS(status) != 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: ffmpeg failed with status %d", f->name,
                         WEXITSTATUS(status));
    }
    return 0;
}

/* "frame:7    pts:280000  pts_time:0.28", then a line for each mark of the frame. */
static int read_time(struct ffmpeg *f, double *seconds)
{
    char line[256];
    const char *pts;
    long long microseconds;
    int got;

    do {
        got = feed_line(&f->times, line, sizeof line);
    } while (got == 1 && strncmp(line, "frame:", 6) != 0);
    if (got == 1 && (pts = strstr(line, "pts:")) != NULL) {
        /* Some streams have no time at their first frame. */
        *seconds = sscanf(pts, "pts:%lld", &microseconds) == 1 ? (double)microseconds / 1e6 : 0;
    }
    return got;
}

/* "P6", "1280 720", "255", pixels. */
static int read_picture(struct ffmpeg *f, struct frame *frame)
{
    char magic[8], size[32], most[8];
    unsigned width, height;
    int got = feed_line(&f->pictures, magic, sizeof magic);

    if (got == 1) {
        got = feed_line(&f->pictures, size, sizeof size);
    }
    if (got == 1) {
        got = feed_line(&f->pictures, most, sizeof most);
    }
    if (got != 1) {
        return got;
    }
    if (strcmp(magic, "P6") != 0 || strcmp(most, "255") != 0 ||
        sscanf(size, "%9u %9u", &width, &height) != 2 || width < 1 || height < 1) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: ffmpeg gives no PPM", f->name);
    }
    if ((uint64_t)width * height > f->max_pixels || width > 65535 || height > 65535) {
        return base_fail(CLIPC_ERROR_LIMIT, "%s: frames of %u x %u are too large", f->name, width,
                         height);
    }
    got = frame_reserve(frame, width, height, CLIPC_RGB);
    return got != CLIPC_OK
               ? got
               : feed_take(&f->pictures, frame->image.data, frame->image.stride * height);
}

static int next(struct video *video, struct frame *frame)
{
    struct ffmpeg *f = (struct ffmpeg *)video;

    f->times.side = f->process.err;
    int got = read_time(f, &frame->time);
    f->pictures.side = f->process.err;
    if (got == 1) {
        got = read_picture(f, frame);
    }
    if (got == 0 && !f->times.stopped && !f->pictures.stopped) {
        return finish(f);
    }
    frame->number = f->count;
    f->count += got == 1;
    return got;
}

static void close_ffmpeg(struct video *video)
{
    struct ffmpeg *f = (struct ffmpeg *)video;

    feed_close(&f->pictures);
    feed_close(&f->times);
    process_end(&f->process, 0, NULL);
    free(f);
}

static int start(struct ffmpeg *f, const struct video_options *options)
{
    int status =
        process_start(&f->process, f->command.argv, PROCESS_OUT | PROCESS_ERR | PROCESS_THIRD);

    if (status == CLIPC_ERROR_UNSUPPORTED) {
        return base_fail(status,
                         "%s: decoding it takes the program ffmpeg, which is not installed "
                         "(apt-get install ffmpeg); y4m, mjpeg and raw frames need none",
                         f->name);
    }
    if (status == CLIPC_OK) {
        status =
            feed_begin(&f->pictures, f->name, f->process.out, options->stop, options->patience);
    }
    if (status == CLIPC_OK) {
        status = feed_begin(&f->times, f->name, f->process.third, options->stop, options->patience);
    }
    f->pictures.keep = f->times.keep = true; /* the process's */
    f->pictures.read_side = f->times.read_side = read_side;
    f->pictures.side_arg = f->times.side_arg = f;
    return status;
}

int ffmpeg_open(const struct address *address, const struct video_options *options,
                struct video **video)
{
    static const struct video_class class = {next, close_ffmpeg};
    struct ffmpeg *f = calloc(1, sizeof *f);

    if (f == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    f->video.class = &class;
    f->name = address->place;
    f->max_pixels = options->image.max_pixels > 0 ? options->image.max_pixels : 178956970;
    int status = command_make(&f->command, address, options);
    if (status == CLIPC_OK) {
        status = start(f, options);
    }
    if (status != CLIPC_OK) {
        close_ffmpeg(&f->video);
        return status;
    }
    *video = &f->video;
    return CLIPC_OK;
}
