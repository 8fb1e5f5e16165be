/* mkv.h - a Matroska stream of frames, each with its own time: what a pipe of raw frames cannot
 * say, and ffmpeg and ffplay read. */
#ifndef CLIPC_MKV_H
#define CLIPC_MKV_H

#include <stddef.h>
#include <stdint.h>

enum { MKV_BYTES = 384 }; /* no head is longer */

/* Each writes what stands before the stream's first frame, or before the bytes of every frame, and
 * returns its length.  codec: NULL, and frames are RGB pixels (width x height x 3 of them); or
 * picture files, by the four characters that Windows has for them: MJPG, MPNG.
 * seconds: how long the last frame is seen, 0: nobody says; of others their times say it. */
size_t mkv_head(unsigned char *to, uint32_t width, uint32_t height, const char *codec,
                double seconds);
size_t mkv_frame(unsigned char *to, uint64_t microseconds, size_t bytes);

#endif
