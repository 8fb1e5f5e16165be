/* inputs.h - what the arguments name, one image, text or row after the other, in the order given:
 * files, folders, lists, arrays.  Inputs are pulled: a folder is walked and a list is read only as
 * far as somebody asks, so that a program that writes paths to us gets its vectors meanwhile. */
#ifndef CLIPC_INPUTS_H
#define CLIPC_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

/* One argument. */
enum source_kind {
    SOURCE_PATH,   /* a file, a folder (see folder.h), or "-": a list of files on stdin */
    SOURCE_BYTES,  /* the bytes of an image on stdin */
    SOURCE_TEXT,   /* value is the text */
    SOURCE_TEXTS,  /* a text for each line of the file ("-": stdin); see lines.h */
    SOURCE_PIXELS, /* FILE.npy: float32 [n, 3, image_size, image_size] */
    SOURCE_TOKENS  /* FILE.npy: whole numbers [n, length] */
};
struct source {
    enum source_kind kind;
    const char *value; /* stays as long as the inputs */
};

enum input_kind {
    INPUT_IMAGE,  /* data is a path */
    INPUT_STDIN,  /* an image whose bytes come on stdin; data is "-" */
    INPUT_TEXT,   /* data is the text, which may hold zeros */
    INPUT_PIXELS, /* data is float [3, image_size, image_size] */
    INPUT_TOKENS, /* data is int32_t [length / 4] */
    INPUT_BROKEN  /* what could not be looked into; data is its path, error says why */
};
struct input {
    enum input_kind kind;
    char *data;    /* [length], and a 0 behind it */
    size_t length; /* bytes */
    char *error;   /* INPUT_BROKEN only */
    char *name;    /* for messages: of arrays "FILE.npy[2]", else NULL */
};
void input_free(struct input *input);

struct inputs;

/* sources: [n], copied.  `zeros`: paths on stdin end in NUL.  0, or -1 when memory is out. */
int inputs_new(const struct source *sources, size_t n, bool zeros, size_t image_size,
               struct inputs **inputs);
void inputs_free(struct inputs *inputs);

/* The next input, to be freed with input_free: 1; 0 at the end; a negative clipc_status when memory
 * is out.  What cannot be read is an INPUT_BROKEN in its place, as is a folder without pictures. */
int inputs_next(struct inputs *inputs, struct input *input);

/* Would inputs_next answer at once?  Not when it had to wait for a line on stdin. */
bool inputs_ready(struct inputs *inputs);

/* How many inputs there will be in all; 0 when only the end will tell. */
size_t inputs_total(const struct inputs *inputs);

/* Files of folders that were left out so far, being no pictures. */
size_t inputs_left_out(const struct inputs *inputs);

#endif
