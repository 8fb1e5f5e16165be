/* encoder.h - the program ffmpeg as what makes films of frames that come as Matroska (mkv.h). */
#ifndef CLIPC_ENCODER_H
#define CLIPC_ENCODER_H

#include <limits.h>
#include <stdbool.h>

/* How it is called: for an outlet.  Must not be moved. */
struct encoder {
    const char *argv[64];       /* ended by NULL */
    char target[PATH_MAX + 16]; /* "file:" and the name */
};

/* The best codec that this ffmpeg has.  It, or a negative clipc_status with a sentence that begins
 * with `option`: there is no ffmpeg, it says nothing, or it has none of ours. */
int encoder_find(const char *option);

/* pictures: frames are picture files, of any size, and not pixels with even sides.  format: what
 * ffmpeg calls the container.  Writes `target`, which may be there. */
void encoder_command(struct encoder *encoder, int codec, bool pictures, const char *format,
                     const char *target);

#endif
