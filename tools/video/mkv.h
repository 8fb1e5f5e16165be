/* mkv.h - a Matroska stream of uncompressed RGB frames, each with its own time: what a pipe of raw
 * frames cannot say, and ffmpeg and ffplay read. */
#ifndef CLIPC_MKV_H
#define CLIPC_MKV_H

#include <stddef.h>
#include <stdint.h>

enum { MKV_BYTES = 256 }; /* no head is longer */

/* Each writes what stands before the stream's first frame, or before every frame's pixels
 * (width x height x 3 of them), and returns its length.  seconds: how long the last frame is seen;
 * of others their times say it. */
size_t mkv_head(unsigned char *to, uint32_t width, uint32_t height, double seconds);
size_t mkv_frame(unsigned char *to, uint64_t microseconds, size_t pixel_bytes);

#endif
