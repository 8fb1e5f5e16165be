/* notify.h - --on-event: a program of the user's that is run for each event, with the event as JSON
 * on its standard input.  It runs beside the frames: they never wait for it. */
#ifndef CLIPC_NOTIFY_H
#define CLIPC_NOTIFY_H

#include <stddef.h>

struct notify;

/* argv: the program and its arguments, ended by NULL; no shell.  cooldown: the least seconds from
 * one start to the next.  0, or CLIPC_ERROR_MEMORY. */
int notify_new(const char *const *argv, double cooldown, struct notify **notify);

/* Run it for this event (a line of JSON), or drop that when others wait already or the last was
 * too short ago. */
void notify_event(struct notify *notify, const char *json, size_t n);

/* Waits for what still runs, a few seconds at most.  Says what failed and how many were dropped;
 * CLI_DONE or CLI_FAILED. */
int notify_free(struct notify *notify);

#endif
