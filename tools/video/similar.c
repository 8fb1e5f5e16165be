/* similar.c - the mean absolute difference of two crops: a thousandth of what the network costs. */
#include "similar.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

struct similar {
    const clipc_model *model;
    int rules;
    double limit;
    size_t bytes;   /* of a crop */
    uint8_t *crops; /* [n, bytes], the last that was encoded of each source */
    uint8_t *crop;  /* [bytes] */
    bool *has;      /* [n] */
};

int similar_new(const clipc_model *model, int rules, double limit, size_t n, struct similar **out)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct similar *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    clipc_model_info(model, &info);
    s->model = model;
    s->rules = rules;
    s->limit = limit;
    s->bytes = 3 * (size_t)info.image_size * (size_t)info.image_size;
    s->crops = malloc(n * s->bytes + 1);
    s->crop = malloc(s->bytes + 1);
    s->has = calloc(n, sizeof *s->has);
    return s->crops != NULL && s->crop != NULL && s->has != NULL
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
}

void similar_free(struct similar *s)
{
    if (s != NULL) {
        free(s->crops);
        free(s->crop);
        free(s->has);
        free(s);
    }
}

bool similar_is(struct similar *s, size_t source, const struct clipc_image *image)
{
    uint8_t *last = s->crops + source * s->bytes;
    uint64_t sum = 0;

    if (clipc_preprocess_crop(s->model, image, s->rules, 0, s->crop) != CLIPC_OK) {
        return false; /* whoever encodes it says why */
    }
    for (size_t i = 0; s->has[source] && i < s->bytes; i++) {
        sum += (uint64_t)abs(s->crop[i] - last[i]);
    }
    if (s->has[source] && (double)sum < s->limit * (double)s->bytes) {
        return true;
    }
    memcpy(last, s->crop, s->bytes);
    s->has[source] = true;
    return false;
}
