/* form_file.h - a form that is one file of text. */
#ifndef CLIPC_FORM_FILE_H
#define CLIPC_FORM_FILE_H

#include <stdio.h>

#include "../../src/base/output.h"
#include "form.h"

struct form_file {
    struct form form; /* first */
    struct output output;
    FILE *f;
};

/* 0, or a negative clipc_status. */
int form_file_open(struct form_file *file, const char *path);

/* What was written gets its name: 0, or a negative clipc_status.  Nothing is freed. */
int form_file_end(struct form_file *file);
void form_file_abandon(struct form_file *file);

#endif
