/* commands.h - the command line of clipc-train, read, and its commands but the run. */
#ifndef CLIPC_TRAIN_COMMANDS_H
#define CLIPC_TRAIN_COMMANDS_H

struct arguments {
    const char *out, *model;
    const char *colour, *shape, *rank, *suit; /* NULL: any */
    long card, empty, easy, each;             /* flags */
    long seed, size, count, captions, quality;
    long steps, batch, threads, stop_at;
};

/* All return the exit status. */

/* Scenes of `count` seeds from `seed` on, nine in a row on one sheet or each in a file of its own;
 * their names on stdout. */
int command_draw(const struct arguments *a);

/* What the model knows of `count` scenes of each kind. */
int command_eval(const struct arguments *a);

/* Gradients against finite differences. */
int command_check(void);

#endif
