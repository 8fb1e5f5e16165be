/* watch_files.h - the options of `clipc watch` that name files to leave. */
#ifndef CLIPC_WATCH_FILES_H
#define CLIPC_WATCH_FILES_H

#include "../video/watch.h"

struct watch_files {
    const char *csv, *srt, *svg, *film, *embed, *summary_file; /* NULL: not given */
    bool show;
    int summary;
};

/* Into `watch`, whose sources are known.  CLI_GO_ON, or CLI_USAGE after a message. */
int watch_files_take(const struct cli *cli, const struct watch_files *options, struct watch *watch);

#endif
