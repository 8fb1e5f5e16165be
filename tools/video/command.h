/* command.h - the arguments with which ffmpeg is run. */
#ifndef CLIPC_COMMAND_H
#define CLIPC_COMMAND_H

#include <limits.h>

#include "video.h"

struct command {
    const char *argv[48]; /* ended by NULL */
    size_t n;
    char input[PATH_MAX + 16]; /* what stands behind -i */
    char rate[32], size[32];
};

/* Decode `address` (a file, a webcam or a URL): PPM on 1, times on 3.  0, or CLIPC_ERROR_LIMIT for
 * a name that is too long.  The command must not be moved. */
int command_make(struct command *command, const struct address *address,
                 const struct video_options *options);

#endif
