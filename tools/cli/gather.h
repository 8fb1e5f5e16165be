/* gather.h - the inputs that options and positionals name, in the order given. */
#ifndef CLIPC_GATHER_H
#define CLIPC_GATHER_H

#include "cli.h"
#include "inputs.h"

/* The CLI_ITEM options that name inputs; add to a verb's table.  `zeros`: bool, for -0. */
#define GATHER_IMAGE                                                                               \
    {                                                                                              \
        "image", CLI_ITEM, NULL, "PATH", "an image; - is the bytes of one on stdin"                \
    }
#define GATHER_TEXT                                                                                \
    {                                                                                              \
        "text", CLI_ITEM, NULL, "T", "a text"                                                      \
    }
#define GATHER_TEXTS                                                                               \
    {                                                                                              \
        "texts", CLI_ITEM, NULL, "FILE", "a text for each line of FILE"                            \
    }
#define GATHER_ZEROS(p)                                                                            \
    {                                                                                              \
        "0|null", CLI_FLAG, (p), NULL, "paths on stdin end in NUL, not in a line end"              \
    }

/* Append item `i` of cli; positionals are images.  0, or -1 when memory is out. */
int gather_item(struct inputs *inputs, const struct cli_item *item, bool zeros);

#endif
