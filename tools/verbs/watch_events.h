/* watch_events.h - the options of `clipc watch` that are about events. */
#ifndef CLIPC_WATCH_EVENTS_H
#define CLIPC_WATCH_EVENTS_H

#include "../video/watch.h"

/* As given; NULL, or 0: not. */
struct watch_events {
    const char *threshold, *hysteresis, *min_duration;
    const char *cooldown, *webhook, *webhook_ca, *save_frames, *save_clips, *clip_margin;
    int smooth;
};

/* Rows of the verb's table, for a struct watch_events. */
#define WATCH_EVENTS_OPTIONS(e)                                                                    \
    {"threshold", CLI_STRING, &(e)->threshold, "T",                                                \
     "answer with events: a prompt reaches T (a cosine, or 60% of the range)"},                    \
        {"hysteresis", CLI_STRING, &(e)->hysteresis, "H",                                          \
         "an event ends below T - H (default 10% of the range)"},                                  \
        {"min-duration", CLI_STRING, &(e)->min_duration, "S",                                      \
         "a shorter event is none (seconds)"},                                                     \
        {"smooth", CLI_INT, &(e)->smooth, "N", "compare the mean of the last N frames"},           \
        {"on-event", CLI_ITEM, NULL, "CMD",                                                        \
         "run CMD when an event begins or ends, its JSON on stdin; repeated:\nits arguments"},     \
        {"cooldown", CLI_STRING, &(e)->cooldown, "S",                                              \
         "run it no oftener than every S seconds (default 1)"},                                    \
        {"webhook", CLI_STRING, &(e)->webhook, "URL",                                              \
         "POST each event's JSON there, up to five times until it arrives"},                       \
        {"webhook-ca", CLI_STRING, &(e)->webhook_ca, "FILE",                                       \
         "PEM: who signs the certificate of that https server (default: the system's)"},           \
        {"save-frames", CLI_STRING, &(e)->save_frames, "FOLDER",                                   \
         "keep of each event its best frame there, as a picture"},                                 \
        {"save-clips", CLI_STRING, &(e)->save_clips, "FOLDER",                                     \
         "keep of each event a film there, of five minutes at most; takes ffmpeg"},                \
    {                                                                                              \
        "clip-margin", CLI_STRING, &(e)->clip_margin, "S",                                         \
            "seconds of a film before its event's start, 0 to 60 (default 2)"                      \
    }

/* Into `watch`, whose sources and program are known.  CLI_GO_ON, or the exit code after a
 * message. */
int watch_events_take(const struct cli *cli, const struct watch_events *options,
                      struct watch *watch);

#endif
