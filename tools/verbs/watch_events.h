/* watch_events.h - the options of `clipc watch` that say where events are kept and sent. */
#ifndef CLIPC_WATCH_EVENTS_H
#define CLIPC_WATCH_EVENTS_H

#include "../video/watch.h"

struct watch_events {
    const char *save_frames; /* NULL: not given */
};

/* Into `watch`, whose sources and threshold are known.  CLI_GO_ON, or the exit code after a
 * message. */
int watch_events_take(const struct cli *cli, const struct watch_events *options,
                      struct watch *watch);

#endif
