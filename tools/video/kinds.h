/* kinds.h - inside the room: how each kind of video is opened.  Each returns 0, or a negative
 * clipc_status with its sentence; a feed that is handed in belongs to the video in any case. */
#ifndef CLIPC_KINDS_H
#define CLIPC_KINDS_H

#include "feed.h"
#include "video.h"

int y4m_open(struct feed *feed, const struct video_options *options, struct video **video);
int mjpeg_open(struct feed *feed, const struct video_options *options, struct video **video);
int raw_open(struct feed *feed, const struct video_options *options, struct video **video);
int pictures_open(const struct address *address, const struct video_options *options,
                  struct video **video);
int folder_watch_open(const struct address *address, const struct video_options *options,
                      struct video **video);
int ffmpeg_open(const struct address *address, const struct video_options *options,
                struct video **video);

/* The picture file `path` into a frame, which is broken where that fails: 1; or
 * CLIPC_ERROR_MEMORY. */
int pictures_read(const char *path, const struct clipc_image_options *limits, struct frame *frame);

#endif
