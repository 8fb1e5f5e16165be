/* event_output.h - where events go: to stdout, to the program of --on-event, to the webhook; and
 * what is kept of them. */
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

/* Tells the end of what goes on in a source that has ended, or is lost for now: what is not seen is
 * not there. */
void event_output_end_source(struct event_output *out, size_t source);

/* The same of every source. */
void event_output_end(struct event_output *out);

/* Waits for the program and the webhook, some seconds at most; frees.  NULL is nothing.  CLI_DONE
 * or CLI_FAILED. */
int event_output_free(struct event_output *out);

#endif
