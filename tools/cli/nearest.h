/* nearest.h - what was meant: the name of a list that is nearest to one that is not in it. */
#ifndef CLIPC_NEAREST_H
#define CLIPC_NEAREST_H

#include <stddef.h>

/* The best match so far; begin with {typed}. */
struct nearest {
    const char *typed, *name; /* name: NULL until something is near enough */
    size_t distance;
};

/* Take `name` when it is nearer than the best so far and near enough to be meant: at most one edit
 * for three letters, or `typed` is its beginning (three letters or more). */
void nearest_try(struct nearest *best, const char *name);

#endif
