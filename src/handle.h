/* handle.h - what the files of the top floor share: the model behind the handle, and the checks of
 * arguments that more than one of them needs. */
#ifndef CLIPC_HANDLE_H
#define CLIPC_HANDLE_H

#include "../weights/weights.h"
#include "base/base.h"
#include "clipc.h"
#include "image/preprocess.h"
#include "token/tokenizer.h"

struct clipc_model {
    struct weights weights;
    struct tokenizer *tokenizer; /* NULL when the file has none */
    struct kernels kernels;      /* the best set, for preprocessing without a session */
    float logit_scale;           /* exp of the file's */
};

/* A struct that the caller's version of the header knows only in part: copy what its size says into
 * `to`, zeros for the rest (all zeros when `from` is NULL). */
int model_copy_sized(void *to, size_t to_bytes, const void *from, const char *what);

/* The other direction: fill as much of `to` as its size says. */
int model_fill_sized(void *to, const void *from, size_t from_bytes, const char *what);

/* Sides, format and stride of an image that a caller made. */
int model_check_image(const struct clipc_image *image);

/* May images be preprocessed so, into `out`? */
int model_check_preprocess(const struct clipc_model *model, int rules, int size, const void *out);

/* pixels: [3, size, size] of a picture, or of a picture's file, resized by the kernel set k.  All
 * arguments are the caller's, and checked. */
int model_image_pixels(const struct clipc_model *model, const struct kernels *k,
                       const struct clipc_image *image, int rules, int size, float *pixels);
int model_file_pixels(const struct clipc_model *model, const struct kernels *k, const void *bytes,
                      size_t n, const struct clipc_image_options *options, int rules, int size,
                      float *pixels);
int model_path_pixels(const struct clipc_model *model, const struct kernels *k, const char *path,
                      const struct clipc_image_options *options, int rules, int size,
                      float *pixels);
/* The same of a picture that comes row by row; the arguments are good. */
int model_rows_pixels(const struct clipc_model *model, const struct kernels *k,
                      struct image_rows *rows, int rules, int size, float *pixels);

/* Has the model a text tower and a tokenizer, and is `text` one? */
int model_check_text(const clipc_model *model, const struct clipc_text *text);

/* `option` (CLIPC_RULES_*), or what the file says where that is 0. */
enum format_rules model_rules(int option, uint32_t file);

/* The file's preprocessing with the caller's choice of rules; size 0 is the model's. */
struct preprocess model_preprocess(const clipc_model *model, int rules, int size);

#endif
