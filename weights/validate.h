/* validate.h - is this a weight file that can be used without looking again?  For weights.c only.
 */
#ifndef CLIPC_VALIDATE_H
#define CLIPC_VALIDATE_H

#include "weights.h"

/* `what` names the file in messages: its path, or "weights in memory". */
struct validation {
    const struct weights *w;
    const char *what;
};

/* Version, sizes, and that the list of records lies within: before w->records may be set. */
int validate_frame(const struct validation *c);

/* Everything else that weights_open promises. */
int validate_all(const struct validation *c);

#endif
