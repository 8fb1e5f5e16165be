/* world.h - which words the embedded model knows.  It answers to any text with confidence, and a
 * newcomer's first labels are of photographs. */
#ifndef CLIPC_WORLD_H
#define CLIPC_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

/* What world_note has to remember from text to text; begin with {0}. */
struct world {
    bool asked;             /* whether the model is the embedded one, and has words at all */
    unsigned char *is_word; /* [n_tokens] of each token id: it ends a word; NULL: nothing to say */
    size_t n_tokens;
};

/* When the model is the embedded one and a word of `text`: [length] is not one token of its
 * vocabulary, say so on stderr, once. */
void world_note(struct world *world, const struct cli *cli, const clipc_model *model,
                const char *text, size_t length);
/* The same of every --text of the command line. */
void world_note_texts(const struct cli *cli, const clipc_model *model);
void world_free(struct world *world);

#endif
