/* validate.h - is this a weight file that can be used without looking again?  For weights.c only.
 * `what` names the file in messages: its path, or "weights in memory". */
#ifndef CLIPC_VALIDATE_H
#define CLIPC_VALIDATE_H

#include "weights.h"

#define VALIDATE_BAD(...) base_fail(CLIPC_ERROR_FORMAT, __VA_ARGS__)

/* The bytes at w->data: magic, version, sizes, that the list of records lies within, and every
 * hyper-parameter.  Fills w->header. */
int validate_header(struct weights *w, const char *what);

/* Everything else that weights_open promises; after weights_index. */
int validate_records(const struct weights *w, const char *what);

#endif
