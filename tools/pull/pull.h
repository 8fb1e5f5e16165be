/* pull.h - a model of a hub to a weight file in the user's cache.  Everything in this folder needs
 * libcurl and a JSON reader; what includes this header asks HAVE_CURL and HAVE_JANSSON first. */
#ifndef CLIPC_PULL_H
#define CLIPC_PULL_H

#include <limits.h>
#include <stdbool.h>

#include "../cli/pulled.h"

struct pull_request {
    struct pulled_name model; /* its revision "": the hub's main one */
    const char *endpoint;     /* NULL: the public hub */
    const char *token;        /* NULL: none */
    const char *ca_file;      /* certificates (PEM) instead of the system's; NULL: those */
    int seconds;              /* without progress until it is given up */
    bool keep;                /* the checkpoint's files, beside the weight file */
    bool anew;                /* also when the weight file is there */
};

/* Download what `convert` needs of the repository, and convert it: out becomes the path of the
 * weight file, which appears only when it is complete.  What has come stays when it fails, and is
 * gone on with.  0, or a negative clipc_status with a sentence; progress and notes go to stderr. */
int pull_run(const struct pull_request *request, char out[PATH_MAX]);

#endif
