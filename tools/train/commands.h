/* commands.h - the command line of clipc-train, read, and those of its commands that need no model.
 */
#ifndef CLIPC_TRAIN_COMMANDS_H
#define CLIPC_TRAIN_COMMANDS_H

struct arguments {
    const char *out;
    long seed, size, count, captions;
    long colour, shape, rank, suit; /* -1: any */
    long card, easy;                /* flags */
    long steps, batch, threads, stop_at, faces;
};

/* Scenes of `count` seeds from `seed` on, nine in a row, as one .ppm; their names on stdout.
 * Returns the exit status. */
int command_draw(const struct arguments *a);

/* Gradients against finite differences.  Returns the exit status. */
int command_check(void);

#endif
