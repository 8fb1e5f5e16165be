/* ranks.c - an image's texts in the order of their cosines, in double precision, by the vectors of
 * two computations. */
#include "ranks.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../src/base/base.h"

/* Cosines of image i with every text, but for the image's length, which changes no order:
 * theirs, ours: [texts->n]. */
static void cosines_of(const struct ranks_side *images, size_t i, const struct ranks_side *texts,
                       size_t dim, double *theirs, double *ours)
{
    for (size_t t = 0; t < texts->n; t++) {
        double dots[2] = {0, 0}, squares[2] = {0, 0};
        for (size_t k = 0; k < dim; k++) {
            double want = texts->want[t * dim + k], got = (double)texts->got[t * dim + k];
            dots[0] += images->want[i * dim + k] * want;
            dots[1] += (double)images->got[i * dim + k] * got;
            squares[0] += want * want;
            squares[1] += got * got;
        }
        theirs[t] = dots[0] / sqrt(squares[0]);
        ours[t] = dots[1] / sqrt(squares[1]);
    }
}

/* Does each text have the same better ones in both? */
static bool same_order(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            if ((a[k] > a[i]) != (b[k] > b[i])) {
                return false;
            }
        }
    }
    return true;
}

static size_t best_of(const double *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

int ranks_of(const struct ranks_side *images, const struct ranks_side *texts, size_t dim,
             struct ranks *ranks)
{
    size_t n = texts->n;
    double *cosines = calloc(2 * n, sizeof *cosines);

    *ranks = (struct ranks){0, 0};
    if (cosines == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < images->n; i++) {
        cosines_of(images, i, texts, dim, cosines, cosines + n);
        ranks->same_first += best_of(cosines, n) == best_of(cosines + n, n);
        ranks->same_order += same_order(cosines, cosines + n, n);
    }
    free(cosines);
    return CLIPC_OK;
}
