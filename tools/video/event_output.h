/* event_output.h - where events go: to stdout, and to the program of --on-event. */
#ifndef CLIPC_EVENT_OUTPUT_H
#define CLIPC_EVENT_OUTPUT_H

#include "../cli/json_put.h"
#include "view.h"
#include "watch.h"

struct event_output;

/* What is handed in stays.  view: NULL, or the terminal's, and then events are sentences and no
 * records.  0, or a negative clipc_status: memory, or thresholds that make no sense here. */
int event_output_new(const struct watch *watch, const struct scores *scores,
                     struct json_records *records, struct view *view, struct event_output **out);

void event_output_frame(struct event_output *out, const struct shown *shown);

/* Ends what goes on, waits for the program; frees.  NULL is nothing.  CLI_DONE or CLI_FAILED. */
int event_output_end(struct event_output *out);

#endif
