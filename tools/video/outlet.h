/* outlet.h - a program that takes frames through its standard input (mkv.h): ffmpeg, which makes a
 * film of them, or ffplay, which shows them. */
#ifndef CLIPC_OUTLET_H
#define CLIPC_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outlet_options {
    const char *const *argv; /* ended by NULL; stays */
    double patience; /* seconds in which it neither takes nor writes anything; 0: for ever */
    int file;        /* what it writes, open here too; -1: nothing */
    bool hasty;      /* the user's interrupt ends it, else it may finish what it has */
};

struct outlet;

/* For frames of width x height, or (0 x 0) bytes of any stream.  seconds: how long the last frame
 * is seen.  0, or a negative clipc_status. */
int outlet_open(const struct outlet_options *options, uint32_t width, uint32_t height,
                double seconds, struct outlet **outlet);

/* rgb: [height, width, 3].  Times never go back; of those that do, and of equal ones, the frame
 * comes a moment later.  0; 1 when it takes no more, why outlet_close says; or a negative
 * clipc_status. */
int outlet_frame(struct outlet *outlet, double seconds, const uint8_t *rgb);

/* The same of bytes. */
int outlet_bytes(struct outlet *outlet, const void *bytes, size_t n);

/* Has it ended by itself? */
bool outlet_has_ended(struct outlet *outlet);

/* There are no more frames: wait until it has finished.  Freed.  0, or a negative clipc_status with
 * what the program said. */
int outlet_close(struct outlet *outlet);

#endif
