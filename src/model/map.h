/* map.h - multi-head attention pooling: one row of all the rows of an image, asked for by a learned
 * probe.  Source: Zhai et al. 2022, "Scaling Vision Transformers", section 2.4, after Lee et al.
 * 2019, "Set Transformer", section 3.2; transformers modeling_siglip.py, class
 * SiglipMultiheadAttentionPoolingHead. */
#ifndef CLIPC_MAP_H
#define CLIPC_MAP_H

#include "transformer.h"

struct map_head {
    const float *probe; /* [width] */
    struct block block; /* ln_1 is not there */
};

/* Row i of a->x becomes what the probe finds in sequence i, for each of s->n; t is the tower, whose
 * heads and activation the head has.  positions[s->n]: where the probe stands, which is of no
 * account to heads that see all. */
void map_pool(const struct map_head *m, const struct transformer *t, const struct engine *e,
              const struct activations *a, const struct sequences *s, const uint32_t *positions);

#endif
