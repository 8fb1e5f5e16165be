/* gflop.h - how much work a model is, for what must not take long. */
#ifndef CLIPC_GFLOP_H
#define CLIPC_GFLOP_H

#include <stddef.h>

#include "../../weights/weights.h"

/* Multiply-adds (in units of 10^9 operations, two each) of one image, of a text of n ids, and of
 * both: what the reference computes, with all rows of the last block.  0 without that tower. */
double gflop_image(const struct format_header *header);
double gflop_text(const struct format_header *header, size_t n_ids);
double gflop_of(const struct format_header *header, size_t n_ids);

#endif
