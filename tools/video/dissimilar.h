/* dissimilar.h - of a stream of vectors, the N that are least alike, in bounded memory.
 *
 * The distance of two vectors is that of their directions, sqrt(2 - 2 cosine).  What is looked for
 * are N vectors whose smallest distance is as large as can be.  That is NP-hard; farthest-point
 * selection (two that are farthest apart, then again and again the one that is farthest from all
 * chosen ones) comes within a factor of 2.
 *
 * A stream is seen once, so DISSIMILAR_ROOM(N) candidates are kept.  A vector becomes one when it
 * is farther from all of them than the two nearest are from one another, of which the one that
 * stands for less is then let go.  For each candidate it is known how far away at most what it
 * stands for is: what was never taken, what was let go for it, what that stood for.  With r, the
 * largest of these radii (0 as long as there is room), and d, the smallest distance of those
 * chosen: no N vectors of the stream have a smallest distance of more than 2 (d + r), and every
 * vector of the stream is within d + r of one that was chosen. */
#ifndef CLIPC_DISSIMILAR_H
#define CLIPC_DISSIMILAR_H

#include <stddef.h>

#define DISSIMILAR_ROOM(n) (2 * (n) + 32)

struct dissimilar;

/* For vectors of `dim` floats.  0, or CLIPC_ERROR_MEMORY; dissimilar_free in any case. */
int dissimilar_new(size_t n, size_t dim, struct dissimilar **set);
void dissimilar_free(struct dissimilar *set);

/* The next vector: its slot, below DISSIMILAR_ROOM(n), where what the caller kept for the slot's
 * last candidate is no longer wanted; -1: it is like one that is there. */
long dissimilar_offer(struct dissimilar *set, const float *vector);

struct dissimilar_choice {
    size_t slot;
    double nearest; /* the cosine with the most similar other one; NaN: there is none */
};
/* Up to n of the candidates, in the order of their choice; how many.  *cover: every vector of the
 * stream has a cosine of at least this with one of them. */
size_t dissimilar_choose(struct dissimilar *set, struct dissimilar_choice *choices, double *cover);

#endif
