/* filler.c - made-up pixels and ids. */
#include "filler.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/handle.h"

bool filler_new(struct filler *input, const clipc_model *model, bool image, size_t n, size_t ids)
{
    struct clipc_model_info info = {.size = sizeof info};

    clipc_model_info(model, &info);
    size_t floats = image ? n * 3 * (size_t)info.image_size * (size_t)info.image_size : 0;
    ids = ids < (size_t)info.context_length ? ids : (size_t)info.context_length;
    *input = (struct filler){.image = image, .n = n, .ids = ids};
    input->name = image ? "image" : ids == 8 ? "text of 8" : "longest text";
    input->pixels = malloc((floats + 1) * sizeof *input->pixels);
    input->tokens = malloc((n * ids + 1) * sizeof *input->tokens);
    input->out = malloc((n * (size_t)info.dim + 1) * sizeof *input->out);
    if (input->pixels == NULL || input->tokens == NULL || input->out == NULL) {
        filler_free(input);
        return false;
    }
    for (size_t i = 0; i < floats; i++) {
        input->pixels[i] = (float)(i % 251) / 125 - 1;
    }
    /* The end token closes each text: what lies behind it is not computed. */
    const struct format_header *h = &model->weights.header;
    const int32_t last = info.vocab_size - 1;
    const int32_t end = h->text.pool == FORMAT_POOL_ARGMAX ? last : (int32_t)h->eot_id;
    for (size_t i = 0; i < n * ids; i++) {
        int32_t id = (int32_t)(i % 200) % info.vocab_size;
        input->tokens[i] = i % ids == ids - 1 ? end : id != end ? id : (id + 1) % info.vocab_size;
    }
    return true;
}

void filler_free(struct filler *input)
{
    free(input->pixels);
    free(input->tokens);
    free(input->out);
    memset(input, 0, sizeof *input);
}

int filler_encode(const struct filler *input, clipc_session *session)
{
    return input->image
               ? clipc_encode_pixels(session, input->pixels, input->n, input->out)
               : clipc_encode_tokens(session, input->tokens, input->n, input->ids, input->out);
}
