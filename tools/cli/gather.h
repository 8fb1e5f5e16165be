/* gather.h - options and positionals as sources of inputs. */
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

/* Is the item a positional that names no file and looks like a text: with white space in it, or
 * without an ending and a folder? */
bool gather_is_text(const struct cli_item *item);

/* The source that one item names; positionals are paths. */
struct source gather_source(const struct cli_item *item);

/* CLI_GO_ON, or CLI_USAGE after a message when two items would read standard input. */
int gather_check_stdin(const struct cli *cli);

#endif
