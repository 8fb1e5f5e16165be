/* target.h - the files that a verb writes. */
#ifndef CLIPC_TARGET_H
#define CLIPC_TARGET_H

#include "../../src/base/output.h"

/* output_open, but for a picture or a checkpoint that is there already: nobody means to replace
 * those, the name of the output was forgotten (`clipc embed --npy photos/ *.jpg`). */
int target_open(struct output *o, const char *path);

#endif
