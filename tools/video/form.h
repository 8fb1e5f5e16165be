/* form.h - what `clipc watch` leaves beside the lines on stdout: files of text (csv.c, srt.c,
 * svg.c, all three by form_file.h), vectors (embed.c).  A form takes every frame that has a vector,
 * with scores where there are prompts, and what it makes appears under its name when all is said,
 * also after a Ctrl-C.
 *
 * A new form is a struct that begins with `struct form`, its class, a function that makes it, and
 * a line in watch.c's open_forms. */
#ifndef CLIPC_FORM_H
#define CLIPC_FORM_H

#include "record.h"

struct form;
struct form_class {
    void (*frame)(struct form *form, const struct shown *shown);
    /* All frames were shown: finish and free.  0, or a negative clipc_status. */
    int (*end)(struct form *form);
    /* Nothing was ever asked for: leave nothing, free. */
    void (*abandon)(struct form *form);
};
/* What every kind begins with. */
struct form {
    const struct form_class *class;
};

/* Each kind: 0, or a negative clipc_status. */
int csv_new(const char *path, const struct labels *prompts, struct form **form);
int srt_new(const char *path, struct form **form);
int svg_new(const char *path, const struct labels *prompts, size_t n_sources, struct form **form);
/* path: stays. */
int embed_new(const char *path, const clipc_model *model, struct form **form);

#endif
