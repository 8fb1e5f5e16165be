/* watch_events.c - what is asked for with events, checked. */
#include "watch_events.h"

#include <sys/stat.h>

/* A folder that is watched must not be one into which its own pictures are written. */
static int check_folder(const struct cli *cli, const char *option, const char *folder,
                        const struct watch *w)
{
    struct stat mine, theirs;

    if (folder == NULL) {
        return CLI_GO_ON;
    }
    if (w->threshold == NULL) {
        return cli_usage(cli, "--%s wants --threshold: what is an event?", option);
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

int watch_events_take(const struct cli *cli, const struct watch_events *o, struct watch *w)
{
    w->save_frames = o->save_frames;
    return check_folder(cli, "save-frames", o->save_frames, w);
}
