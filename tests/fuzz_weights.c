/* Any bytes as a weight file: refused, or computed with.  libFuzzer, and tests/test_replay.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/clipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(clipc_model *model)
{
    struct clipc_options o = {.size = sizeof o, .threads = 1, .batch = 1};
    struct clipc_model_info info = {.size = sizeof info};
    clipc_session *session = NULL;

    clipc_model_info(model, &info);
    if (info.image_size > 256 || info.context_length > 256 ||
        clipc_session_new(model, &o, &session) != CLIPC_OK) {
        return;
    }
    float *out = calloc((size_t)info.dim, sizeof *out);
    float *pixels =
        calloc(3 * (size_t)info.image_size * (size_t)info.image_size + 1, sizeof *pixels);
    int32_t ids[3] = {0, 1, 2};
    struct clipc_text text = {"a cat", 5};
    if (out != NULL && pixels != NULL) {
        clipc_encode_pixels(session, pixels, 1, out);
        clipc_encode_tokens(session, ids, 1, 3, out);
        clipc_encode_texts(session, &text, 1, out);
    }
    free(out);
    free(pixels);
    clipc_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *copy = aligned_alloc(64, (size + 64) / 64 * 64);
    clipc_model *model;

    if (copy != NULL && size <= 1 << 20) {
        memcpy(copy, data, size);
        if (clipc_open_memory(copy, size, &model) == CLIPC_OK) {
            use(model);
            clipc_close(model);
        }
    }
    free(copy);
    return 0;
}
