/* fresh.h - a file in a folder that replaces none: where its name is taken, by another run or by
 * one that runs now, it gets -2, -3, ... before its ending. */
#ifndef CLIPC_FRESH_H
#define CLIPC_FRESH_H

#include <limits.h>

#include "../../src/base/output.h"

struct fresh {
    struct output output;
    char path[PATH_MAX]; /* the name to be; certain when it is finished */
    size_t stem;         /* of path, before the number and the ending */
    const char *ending;
    int number;
};

/* The folder is made where it is missing.  0, or CLIPC_ERROR_IO when it is none, or nothing can be
 * written there. */
int fresh_folder(const char *folder);

/* Begin "FOLDER/NAME" + ending, by output.h.  0, or a negative clipc_status. */
int fresh_open(struct fresh *fresh, const char *folder, const char *name, const char *ending);

/* n bytes behind those before.  0, or CLIPC_ERROR_IO. */
int fresh_write(struct fresh *fresh, const void *bytes, size_t n);

/* As output_finish. */
int fresh_finish(struct fresh *fresh);
void fresh_abort(struct fresh *fresh);

#endif
