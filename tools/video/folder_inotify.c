/* folder_inotify.c - a folder into which pictures come: each is a frame as soon as its writer
 * closes it or moves it there.  Those that are there already are none (a pattern names them); files
 * that neither their bytes nor their names call pictures are passed over.  By Linux' inotify, which
 * of a network's file system tells what this machine writes, and not what others do. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"
#include "kinds.h"

struct folder_watch {
    struct video video;
    struct feed feed; /* of inotify's events */
    struct clipc_image_options limits;
    double began;
    uint64_t count;
    char path[PATH_MAX + NAME_MAX + 2]; /* the folder and '/', [length], then a file's name */
    size_t length;
};

static bool is_called_picture(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif",
                                          ".ppm", ".pgm",  ".pnm", ".heic", ".avif"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Never a pipe or a device, which could hold us up. */
static bool is_picture(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    uint8_t bytes[IMAGE_PROBE_BYTES];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    return name[0] != '.' && (is_called_picture(name) ||
                              (n > 0 && image_probe(bytes, (size_t)n, NULL) != IMAGE_NONE));
}

/* The next event, and in w->path the file it is about.  As feed_take. */
static int next_event(struct folder_watch *w, uint32_t *what)
{
    struct inotify_event event;
    int got = feed_more(&w->feed); /* whole events, never a part of one */

    if (got == 1) {
        got = feed_take(&w->feed, &event, sizeof event);
    }
    w->path[w->length] = '\0';
    if (got == 1 && event.len > 0) { /* it comes whole, zeros behind it */
        got = event.len <= NAME_MAX + 1
                  ? feed_take(&w->feed, w->path + w->length, event.len)
                  : base_fail(CLIPC_ERROR_FORMAT, "%s: a name of %u bytes", w->path, event.len);
    }
    *what = got == 1 ? event.mask : 0;
    return got;
}

static int next(struct video *video, struct frame *frame)
{
    struct folder_watch *w = (struct folder_watch *)video;
    uint32_t what;
    int got;

    for (;;) {
        if ((got = next_event(w, &what)) != 1) {
            return got;
        }
        frame->number = w->count;
        frame->time = base_seconds() - w->began;
        if (what & IN_Q_OVERFLOW) {
            frame_reset(frame);
            frame->broken = true;
            snprintf(frame->error, sizeof frame->error,
                     "%.300s: more pictures came than there was time for; some are left out",
                     w->path);
            w->count++;
            return 1;
        }
        if (what & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) {
            return base_fail(CLIPC_ERROR_IO, "%s: the folder is gone", w->path);
        }
        if (!(what & IN_ISDIR) && is_picture(w->path)) {
            w->count++;
            return pictures_read(w->path, &w->limits, frame);
        }
    }
}

static void close_watch(struct video *video)
{
    struct folder_watch *w = (struct folder_watch *)video;

    feed_close(&w->feed);
    free(w);
}

static int begin(struct folder_watch *w, const char *path, const struct video_options *options)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0 || inotify_add_watch(fd, path,
                                    IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                        IN_ONLYDIR) < 0) {
        int status =
            base_fail(CLIPC_ERROR_IO, "%s: cannot watch this folder: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    int status = feed_begin(&w->feed, path, fd, options->stop, 0);
    if (status != CLIPC_OK) {
        close(fd);
        w->feed.fd = -1;
    }
    return status;
}

int folder_watch_open(const struct address *address, const struct video_options *options,
                      struct video **video)
{
    static const struct video_class class = {next, close_watch};
    struct folder_watch *w = calloc(1, sizeof *w);

    if (w == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    w->video.class = &class;
    w->feed.fd = -1;
    w->limits = options->image;
    w->began = base_seconds();
    int n = snprintf(w->path, PATH_MAX, "%s%s", address->place,
                     address->place[strlen(address->place) - 1] == '/' ? "" : "/");
    int status = n >= PATH_MAX ? base_fail(CLIPC_ERROR_LIMIT, "%.100s...: the name is too long",
                                           address->place)
                               : begin(w, address->place, options);
    if (status != CLIPC_OK) {
        close_watch(&w->video);
        return status;
    }
    w->length = (size_t)n;
    *video = &w->video;
    return CLIPC_OK;
}
