/* form.h - the files in which `clipc watch` leaves its answers: csv.c, srt.c, svg.c.  Each takes
 * every frame, and appears under its name when all is said, also after a Ctrl-C. */
#ifndef CLIPC_FORM_H
#define CLIPC_FORM_H

#include <stdio.h>

#include "../../src/base/output.h"
#include "record.h"

struct form;
struct form_class {
    void (*frame)(struct form *form, const struct shown *shown); /* one that has scores */
    void (*end)(struct form *form); /* all that is still to be written */
    void (*free)(struct form *form);
};
/* What every kind begins with. */
struct form {
    const struct form_class *class;
    struct output output;
    FILE *f;
};

/* Open the file, for a form whose memory the kind made.  0, or a negative clipc_status. */
int form_open(struct form *form, const struct form_class *class, const char *path);

static inline void form_frame(struct form *form, const struct shown *shown)
{
    form->class->frame(form, shown);
}

/* Write the rest and name the file.  0, or a negative clipc_status; freed in any case. */
int form_end(struct form *form);

/* Nothing was ever asked for. */
void form_abandon(struct form *form);

/* Each kind: 0, or a negative clipc_status. */
int csv_new(const char *path, const struct labels *prompts, struct form **form);
int srt_new(const char *path, struct form **form);
int svg_new(const char *path, const struct labels *prompts, size_t n_sources, struct form **form);

#endif
