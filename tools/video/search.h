/* search.h - the moments (moments.h) of stored vectors (stored.h), of all sources, best first. */
#ifndef CLIPC_SEARCH_H
#define CLIPC_SEARCH_H

#include "moments.h"
#include "stored.h"

struct search;

/* Both stay.  0, or CLIPC_ERROR_MEMORY. */
int search_new(const struct stored *stored, const struct moments_options *options,
               struct search **search);
void search_free(struct search *search);

/* The moments of what `vector` [dim] says; their frames are places in stored->frames, the first and
 * the last of them of one source.  *moments: [*n], the highest score first, until the next call.
 * 0, or CLIPC_ERROR_MEMORY. */
int search_run(struct search *search, const float *vector, const struct moment **moments,
               size_t *n);

#endif
