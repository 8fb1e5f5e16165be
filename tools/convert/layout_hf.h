/* layout_hf.h - what the layouts of HuggingFace's models have in common: towers vision_model and
 * text_model, blocks encoder.layers.N with q, k and v apart. */
#ifndef CLIPC_LAYOUT_HF_H
#define CLIPC_LAYOUT_HF_H

#include "layout.h"

struct layout_hf_name {
    const char *ours, *theirs;
};

/* The piece-th tensor of spec; outside[n]: the names of what is in no block. */
void layout_hf_piece(const struct format_header *h, const struct weights_spec *spec, int piece,
                     const struct layout_hf_name *outside, size_t n, struct layout_piece *out);
int layout_hf_pieces(const struct weights_spec *spec);
/* Files of before transformers 4.31 hold the numbers 0, 1, 2, ... as tensors. */
bool layout_hf_leftover(const char *name);
/* config.json says all. */
int layout_hf_config(const struct layout_input *in, struct source *s);

#endif
