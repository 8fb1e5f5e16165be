/* ranks.h - do two computations rank the texts of an image alike? */
#ifndef CLIPC_RANKS_H
#define CLIPC_RANKS_H

#include <stddef.h>

/* Vectors of one tower by both: [n, dim], of any length. */
struct ranks_side {
    const double *want;
    const float *got;
    size_t n;
};
struct ranks {
    size_t same_first; /* images whose best text is the same */
    size_t same_order; /* images whose texts all are in the same order */
};

/* 0, or CLIPC_ERROR_MEMORY. */
int ranks_of(const struct ranks_side *images, const struct ranks_side *texts, size_t dim,
             struct ranks *ranks);

#endif
