/* event_name.h - what the files of an event are called. */
#ifndef CLIPC_EVENT_NAME_H
#define CLIPC_EVENT_NAME_H

#include <stddef.h>

#include "events.h"
#include "readers.h"

enum { EVENT_NAME_ROOM = 160 };

/* "SOURCE_START_PROMPT", as door_000012.400s_a-person: the source's own name, or the file's without
 * its folders, or an address without who logs in and what is asked for; the seconds at which the
 * event began; the prompt, or where no letter of it is left "prompt-2".  Letters and digits of
 * ASCII, '.' and '-' stay; whatever stands between them becomes one '-'. */
void event_name(const struct address *source, const struct label *prompt, const struct event *event,
                char name[EVENT_NAME_ROOM]);

#endif
