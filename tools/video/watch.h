/* watch.h - the loop of `clipc watch`: frames' answers to what the user asked for. */
#ifndef CLIPC_WATCH_H
#define CLIPC_WATCH_H

#include "../cli/cli.h"
#include "../cli/labels.h"
#include "events.h"
#include "readers.h"
#include "statistics.h"

struct watch {
    const struct cli *cli;
    struct readers_source *sources; /* [n_sources] */
    size_t n_sources;
    struct labels *prompts; /* may be none, where csv, srt, svg and threshold are not wanted */
    const char *const *templates; /* [n_templates] */
    size_t n_templates;
    double low, high;                           /* --range; equal: the model's */
    double skip_similar;                        /* 0: every frame is encoded */
    const char *csv, *srt, *svg, *embed, *film; /* NULL: not wanted */
    bool show;
    size_t summary;                     /* frames on its sheet; 0: none */
    const char *summary_file;           /* NULL: "summary" in this folder */
    const char *threshold, *hysteresis; /* cosines, or "60%" of the range; NULL: no events */
    struct events_options events;
    const char *const *on_event; /* a program and its arguments, ended by NULL; NULL: none */
    double cooldown;
    const char *webhook;     /* an address; NULL: none */
    const char *webhook_ca;  /* PEM: who signs its certificate; NULL: as the system has it */
    const char *save_frames; /* a folder; NULL: none */
    const char *save_clips;  /* the same */
    double clip_margin;      /* seconds of them before an event's start */
    struct statistics_options statistics;
    bool stats;
};

/* CLI_DONE; CLI_FAILED after messages when a frame or a source failed. */
int watch_run(struct watch *watch);

#endif
