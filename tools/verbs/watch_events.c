/* watch_events.c - what is asked for with events, checked. */
#include "watch_events.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "../cli/value.h"

/* A folder that is watched must not be one into which its own pictures are written. */
static int check_folder(const struct cli *cli, const char *option, const char *folder,
                        const struct watch *w)
{
    struct stat mine, theirs;

    if (folder == NULL) {
        return CLI_GO_ON;
    }
    for (size_t i = 0; i < w->n_sources && stat(folder, &mine) == 0; i++) {
        const struct address *a = &w->sources[i].address;
        if (a->kind == ADDRESS_FOLDER && stat(a->place, &theirs) == 0 &&
            mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino) {
            return cli_usage(cli, "--%s %s: that folder is a source, whose pictures they would be",
                             option, folder);
        }
    }
    return CLI_GO_ON;
}

/* What is about events where there are none. */
static int check_alone(const struct cli *cli, const struct watch_events *o, const struct watch *w)
{
    const char *option = w->on_event != NULL      ? "on-event"
                         : o->webhook != NULL     ? "webhook"
                         : o->save_frames != NULL ? "save-frames"
                         : o->save_clips != NULL  ? "save-clips"
                                                  : NULL;

    if (o->hysteresis != NULL || o->min_duration != NULL || o->smooth > 0) {
        return cli_usage(cli, "--hysteresis, --min-duration and --smooth go with --threshold");
    }
    return option != NULL ? cli_usage(cli, "--%s wants --threshold: what is an event?", option)
                          : CLI_GO_ON;
}

static int take_margin(const struct cli *cli, const struct watch_events *o, double *to)
{
    char *end;

    if (o->clip_margin == NULL) {
        return CLI_GO_ON;
    }
    if (o->save_clips == NULL) {
        return cli_usage(cli, "--clip-margin goes with --save-clips");
    }
    *to = strtod(o->clip_margin, &end);
    return end != o->clip_margin && *end == '\0' && *to >= 0 && *to <= 60
               ? CLI_GO_ON
               : cli_usage(cli, "--clip-margin wants seconds, 0 to 60, not '%s'", o->clip_margin);
}

int watch_events_take(const struct cli *cli, const struct watch_events *o, struct watch *w)
{
    int code = o->threshold == NULL ? check_alone(cli, o, w) : CLI_GO_ON;

    w->threshold = o->threshold;
    w->hysteresis = o->hysteresis;
    w->events.smooth = o->smooth;
    w->cooldown = 1;
    w->webhook = o->webhook;
    w->webhook_ca = o->webhook_ca;
    w->save_frames = o->save_frames;
    w->save_clips = o->save_clips;
    w->clip_margin = 2;
    if (code == CLI_GO_ON) {
        code = value_above_zero(cli, "min-duration", o->min_duration, &w->events.min_duration);
    }
    if (code == CLI_GO_ON) {
        code = value_above_zero(cli, "cooldown", o->cooldown, &w->cooldown);
    }
    if (code == CLI_GO_ON && o->webhook != NULL && strncasecmp(o->webhook, "http://", 7) != 0 &&
        strncasecmp(o->webhook, "https://", 8) != 0) {
        code = cli_usage(cli, "--webhook wants an address of http:// or https://, not '%s'",
                         o->webhook);
    }
    if (code == CLI_GO_ON && o->webhook_ca != NULL && o->webhook == NULL) {
        code = cli_usage(cli, "--webhook-ca goes with --webhook");
    }
    if (code == CLI_GO_ON) {
        code = take_margin(cli, o, &w->clip_margin);
    }
    if (code == CLI_GO_ON) {
        code = check_folder(cli, "save-frames", o->save_frames, w);
    }
    return code == CLI_GO_ON ? check_folder(cli, "save-clips", o->save_clips, w) : code;
}
