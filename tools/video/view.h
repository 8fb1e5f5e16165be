/* view.h - the answers as a picture in the terminal that changes in its place. */
#ifndef CLIPC_VIEW_H
#define CLIPC_VIEW_H

#include "record.h"

struct view;

/* For n_sources; draws on stdout.  0, or CLIPC_ERROR_MEMORY. */
int view_new(const struct labels *prompts, size_t n_sources, struct view **view);

/* A frame with scores. */
void view_frame(struct view *view, const struct shown *shown);

/* Before anything else is printed: what follows stands below the picture. */
void view_pause(struct view *view);

/* The last picture stays. */
void view_free(struct view *view);

#endif
