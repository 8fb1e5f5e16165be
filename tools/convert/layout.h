/* layout.h - whose names and shapes a checkpoint's tensors have.  A new family is one more layout,
 * and one line in layout.c. */
#ifndef CLIPC_LAYOUT_H
#define CLIPC_LAYOUT_H

#include <stdbool.h>

#include "checkpoint.h"
#include "source.h"

/* One of their tensors, which is ours or a part of ours. */
struct layout_piece {
    char name[128];
    size_t n_dims;
    uint64_t shape[4];
    bool transposed; /* of 2 dimensions, [columns, rows] of ours */
    /* Their tensor is as many equal parts, below one another (vectors: beside one another), of
     * which the piece is number `part`; `shape` is the whole's.  0 parts are 1. */
    unsigned parts, part;
};

/* What a model's hyper-parameters can be found in. */
struct layout_input {
    const char *folder; /* of the checkpoint */
    const char *arch;   /* the name of a known architecture; NULL: none was given */
    const struct checkpoint *checkpoint;
};

struct layout {
    const char *name;        /* "HuggingFace model" */
    enum format_rules rules; /* of its tokenizer */
    /* How many of theirs, below one another (vectors: beside one another), are one of ours. */
    int (*pieces)(const struct weights_spec *spec);
    /* The piece-th of them. */
    void (*piece)(const struct format_header *h, const struct weights_spec *spec, int piece,
                  struct layout_piece *out);
    /* The gains that each output of the layer `spec` is multiplied with: LayerScale, which the
     * files have and the format has not.  false: none.  NULL: no layer has any. */
    bool (*scale)(const struct source *s, const struct weights_spec *spec,
                  struct layout_piece *out);
    /* Tensors that files hold and the model does not need. */
    bool (*leftover)(const char *name);
    /* Fill the header. */
    int (*config)(const struct layout_input *in, struct source *s);
};

/* For `scale`: which branch of its block, 1 or 2, the layer `spec` ends; 0 when it ends none or its
 * tower has no LayerScale.  out gets all but the name. */
int layout_branch(const struct source *s, const struct weights_spec *spec, unsigned *block,
                  struct layout_piece *out);

extern const struct layout layout_hf, layout_openai, layout_timm;

/* What is called what, for layouts to list. */
struct layout_name {
    const char *ours, *theirs;
};
/* Theirs for the line of list: [n] that `ours` begins with, to a dot or its end, or "" when there
 * is none; *rest: what follows it (".weight", ".bias" or ""). */
const char *layout_look_up(const struct layout_name *list, size_t n, const char *ours,
                           const char **rest);

/* By the names of the tensors; NULL with base_fail's message, which names the layout when it is a
 * known one that is not read yet. */
const struct layout *layout_of(const struct checkpoint *checkpoint);

#endif
