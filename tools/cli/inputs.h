/* inputs.h - what the arguments name: images (files, folders, lists on stdin) and texts, in order.
 */
#ifndef CLIPC_INPUTS_H
#define CLIPC_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

enum input_kind {
    INPUT_IMAGE, /* data is a path */
    INPUT_STDIN, /* an image whose bytes come on stdin; data is "-" */
    INPUT_TEXT,
    INPUT_BROKEN /* a path that could not be looked into; error says why */
};
struct input {
    enum input_kind kind;
    char *data;    /* [length], and a 0 behind it */
    size_t length; /* a text may hold zeros */
    char *error;   /* INPUT_BROKEN only */
};
struct inputs {
    struct input *items; /* [n] */
    size_t n, room;
};

/* Each appends; 0, or -1 when memory is out (said on stderr). */
int inputs_add(struct inputs *inputs, enum input_kind kind, const char *data, size_t length,
               const char *error);
/* An image argument: "-" reads paths from stdin (separated by zeros if `zeros`), a folder is walked
 * recursively in bytewise order and gives what some decoder's probe accepts, else a file. */
int inputs_add_path(struct inputs *inputs, const char *path, bool zeros);
/* A text for each line of `path` ("-": stdin).  A file that cannot be read is one broken item. */
int inputs_add_lines(struct inputs *inputs, const char *path);
void inputs_free(struct inputs *inputs);

#endif
