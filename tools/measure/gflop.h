/* gflop.h - how much work a model is, for what must not take long. */
#ifndef CLIPC_GFLOP_H
#define CLIPC_GFLOP_H

#include <stddef.h>

#include "../../weights/weights.h"

/* Multiply-adds (in units of 10^9 operations, two each) of one image and of a text of n ids. */
double gflop_of(const struct format_header *header, size_t n_ids);

#endif
