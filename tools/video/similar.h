/* similar.h - did the picture change since the last one that was encoded? */
#ifndef CLIPC_SIMILAR_H
#define CLIPC_SIMILAR_H

#include <stdbool.h>
#include <stddef.h>

#include "../../src/clipc.h"

struct similar;

/* For `n` sources; rules: enum clipc_rules of the crop; limit: see pipeline.h.  0, or
 * CLIPC_ERROR_MEMORY. */
int similar_new(const clipc_model *model, int rules, double limit, size_t n,
                struct similar **similar);
void similar_free(struct similar *similar);

/* Is the image like the last one of its source for which this was false?  The first never is. */
bool similar_is(struct similar *similar, size_t source, const struct clipc_image *image);

#endif
