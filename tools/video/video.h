/* video.h - a source of frames, whatever it is: a film, a camera, a stream, a pipe, pictures.  A
 * file for each kind: y4m.c, mjpeg.c, raw.c, pictures.c, folder_inotify.c (which need no other
 * program), ffmpeg.c (all else, by the program of that name).
 *
 * A new kind is a struct that begins with `struct video`, its two functions, and a line in
 * video_open.  One thread at a time uses a video; what it waits for ends when `stop` can be read.
 */
#ifndef CLIPC_VIDEO_H
#define CLIPC_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../src/clipc.h"

/* One picture.  Zeroed at first; its memory is used again by the next that is read into it. */
struct frame {
    struct clipc_image image; /* first: an image's address is its frame's */
    unsigned char *memory;    /* [room], where image.data points unless it is `decoded` */
    size_t room;
    bool decoded;    /* image is of clipc_image_decode */
    uint64_t number; /* in its source, from 0 */
    double time;     /* seconds from the source's start */
    double arrived;  /* base_seconds() when it was whole */
    char *path;      /* of a picture file, else NULL */
    bool broken;     /* there is no picture: `error` says why; the source goes on */
    char error[512];
};

/* Forget the picture that was in the frame before. */
void frame_reset(struct frame *frame);
/* image becomes width x height pixels of `format` in the frame's own memory, tightly packed.
 * 0, or CLIPC_ERROR_LIMIT or CLIPC_ERROR_MEMORY. */
int frame_reserve(struct frame *frame, uint32_t width, uint32_t height, int format);
/* image is decoded from a picture file's bytes; where that fails, the frame is broken. */
void frame_decode(struct frame *frame, const char *name, const void *bytes, size_t n,
                  const struct clipc_image_options *options);
void frame_free(struct frame *frame);

enum video_format { VIDEO_ANY, VIDEO_Y4M, VIDEO_MJPEG, VIDEO_RAW, VIDEO_BGR, VIDEO_GRAY };

struct video_options {
    enum video_format format;
    uint32_t width, height; /* of raw frames, and what a webcam is asked for; 0: not said */
    double rate;            /* frames a second where the source does not say; 0: 25 */
    double patience;        /* seconds without a byte from a program or a network */
    int stop;               /* see feed.h */
    struct clipc_image_options image; /* limits */
};

struct video;
struct video_class {
    /* The next frame: 1; 0 at the end, or when stopped; or a negative clipc_status with its
     * sentence, which names the source: nothing more will come. */
    int (*next)(struct video *video, struct frame *frame);
    void (*close)(struct video *video);
};
struct video {
    const struct video_class *class;
};

/* What an argument names, by its spelling and by what there is of that name. */
struct address {
    enum {
        ADDRESS_NOTHING, /* no source, as far as can be seen */
        ADDRESS_STDIN,
        ADDRESS_FILE, /* or a named pipe */
        ADDRESS_PICTURES,
        ADDRESS_FOLDER,
        ADDRESS_WEBCAM,
        ADDRESS_URL
    } kind;
    bool is_pattern;  /* of ADDRESS_PICTURES: its place has * ? or [ */
    bool live;        /* frames come when they want: the newest counts */
    bool endless;     /* live, or a folder: an interrupt is its end */
    const char *name; /* "cam1" of cam1=rtsp://..., [name_length], else the whole */
    size_t name_length;
    const char *place; /* behind that */
};
struct address address_look(const char *argument);

/* 0, or a negative clipc_status with its sentence.  `address` stays as long as the video. */
int video_open(const struct address *address, const struct video_options *options,
               struct video **video);
static inline int video_next(struct video *video, struct frame *frame)
{
    return video->class->next(video, frame);
}
void video_close(struct video *video);

#endif
