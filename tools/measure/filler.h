/* filler.h - pictures and texts that are nothing, to time the encodes of any model. */
#ifndef CLIPC_FILLER_H
#define CLIPC_FILLER_H

#include <stdbool.h>

#include "../../src/clipc.h"

struct filler {
    const char *name; /* "image", "text of 8", "text of 77" */
    bool image;
    size_t n, ids; /* how many; ids of each text */
    float *pixels, *out;
    int32_t *tokens;
};

/* n images, or n texts of so many ids (at most the model's context, with the end token behind
 * them).  False: no memory, and nothing to free. */
bool filler_new(struct filler *input, const clipc_model *model, bool image, size_t n, size_t ids);
void filler_free(struct filler *input);

/* clipc_encode_pixels or _tokens of all of it into input->out; its status. */
int filler_encode(const struct filler *input, clipc_session *session);

#endif
