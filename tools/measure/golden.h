/* golden.h - the picture and the ids whose vectors every weight file carries, so that kernels can
 * be certified on the user's own machine without the reference.  README.md here states the
 * formulas. */
#ifndef CLIPC_GOLDEN_H
#define CLIPC_GOLDEN_H

#include <stdint.h>

#include "../../weights/format.h"

#define GOLDEN_IDS 12 /* start, 10 ids, end; fewer where the context is shorter */

/* pixels: [3, image_size, image_size], normalised with the header's mean and std. */
void golden_pixels(const struct format_header *header, float *pixels);

/* How many ids: GOLDEN_IDS, or the context where that is shorter. */
uint32_t golden_count(const struct format_header *header);
/* ids: [golden_count]; returns how many. */
uint32_t golden_ids(const struct format_header *header, int32_t *ids);

#endif
