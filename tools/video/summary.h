/* summary.h - `--summary`: the frames of all sources that are least alike (dissimilar.h), on one
 * contact sheet (sheet.h) and as records. */
#ifndef CLIPC_SUMMARY_H
#define CLIPC_SUMMARY_H

#include "../cli/json_put.h"
#include "view.h"
#include "watch.h"

struct summary;

/* What `watch` wants of it; NULL when nothing.  records: where they go at the end, below `view` if
 * that is not NULL; both stay.  0, or a negative clipc_status. */
int summary_new(const struct watch *watch, size_t dim, struct json_records *records,
                struct view *view, struct summary **summary);

/* A frame that has a vector and its picture. */
void summary_frame(struct summary *summary, const struct shown *shown);

/* All frames were shown: the sheet and the records, in order of time.  NULL is nothing.  CLI_DONE,
 * or CLI_FAILED after a message. */
int summary_end(struct summary *summary);
/* There was none. */
void summary_abandon(struct summary *summary);

#endif
