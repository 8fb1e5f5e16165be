/* form.h - what `clipc watch` leaves beside the lines on stdout: files of text (csv.c, srt.c,
 * svg.c, all three by form_file.h), vectors (embed.c), a film and a window (film.c, window.c, by
 * painter.h).  A form takes every frame that has a vector, with scores where there are prompts, and
 * what it makes appears under its name when all is said, also after a Ctrl-C.
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

/* The video with the answers drawn on it.  The ending of its name says what it is: .mp4, .m4v, .mov
 * or .mkv.  patience: seconds in which the encoder may do nothing. */
bool film_is_name(const char *path);
int film_new(const char *path, const struct labels *prompts, double patience, struct form **form);

/* The same in a window.  live: frames are shown as they come.  closed: called from another thread
 * when the user closes it, or it does not open. */
int window_new(const struct labels *prompts, size_t n_sources, bool live, void (*closed)(void *arg),
               void *arg, struct form **form);

#endif
