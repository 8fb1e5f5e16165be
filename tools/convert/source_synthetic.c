/* source_synthetic.c - a random model of a known shape, so that anybody can measure without
 * weights. Values are uniform with the spreads of openai/CLIP's initialize_parameters, so that
 * activations stay of order one; a row depends on the seed, the tensor's name and its number
 * only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openai.h"
#include "source.h"

static const struct {
    const char *name;
    uint32_t image, patch, width, layers, text_width, embed;
} shapes[] = {
    {"vit-b-32", 224, 32, 768, 12, 512, 512},
    {"vit-b-16", 224, 16, 768, 12, 512, 512},
    {"vit-l-14", 224, 14, 1024, 24, 768, 768},
    {"vit-l-14-336", 336, 14, 1024, 24, 768, 768},
};

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int row(const struct source *s, const struct weights_spec *spec, uint32_t r, float *values)
{
    const char *dot = strrchr(spec->name, '.');
    bool gain = strstr(spec->name, "ln_") != NULL && strcmp(dot, ".weight") == 0;
    uint64_t state = *(const uint64_t *)s->data;
    double spread = 0.01; /* biases, positions, class embedding */

    for (const char *p = spec->name; *p != '\0'; p++) {
        state = mix(state ^ (unsigned char)*p);
    }
    state = mix(state ^ r);
    if (spec->linear) {
        spread = spec->layout == FORMAT_PANELS ? sqrt(3.0 / spec->cols) : 0.02 * sqrt(3.0);
        if (strstr(spec->name, "attn_out") != NULL || strstr(spec->name, "c_proj") != NULL) {
            spread *= 0.25; /* each block adds to the residual stream */
        }
    }
    for (uint32_t i = 0; i < spec->cols; i++) {
        state = mix(state);
        double u = (double)(state >> 11) * 0x1p-52 - 1;
        values[i] = (float)(gain ? 1 + 0.1 * u : spread * u);
    }
    return CLIPC_OK;
}

static void close_synthetic(struct source *s)
{
    free(s->data);
}

static void fill_header(struct format_header *h, size_t i)
{
    static const float mean[3] = OPENAI_MEAN, std[3] = OPENAI_STD;
    uint32_t grid = shapes[i].image / shapes[i].patch;

    h->embed_dim = shapes[i].embed;
    h->score = FORMAT_SOFTMAX;
    h->logit_scale = 4.6051702f; /* ln 100 */
    h->image_size = shapes[i].image;
    h->patch_size = shapes[i].patch;
    h->resize = FORMAT_SHORTEST;
    h->filter = FORMAT_BICUBIC;
    h->preprocess = FORMAT_OPENAI;
    memcpy(h->mean, mean, sizeof mean);
    memcpy(h->std, std, sizeof std);
    h->vocab_size = OPENAI_VOCAB;
    h->tokenizer_rules = FORMAT_OPENAI;
    h->vision =
        (struct format_tower){.width = shapes[i].width,
                              .heads = shapes[i].width / 64,
                              .layers = shapes[i].layers,
                              .mlp_width = 4 * shapes[i].width,
                              .activation = FORMAT_QUICK_GELU,
                              .pool = FORMAT_POOL_CLASS,
                              .flags = FORMAT_PRE_LN | FORMAT_CLASS_TOKEN | FORMAT_PROJECTION,
                              .ln_eps = 1e-5f,
                              .positions = grid * grid + 1};
    h->text = (struct format_tower){.width = shapes[i].text_width,
                                    .heads = shapes[i].text_width / 64,
                                    .layers = 12,
                                    .mlp_width = 4 * shapes[i].text_width,
                                    .activation = FORMAT_QUICK_GELU,
                                    .pool = FORMAT_POOL_FIRST_EOT,
                                    .flags = FORMAT_CAUSAL | FORMAT_PROJECTION,
                                    .ln_eps = 1e-5f,
                                    .positions = 77};
}

int source_open_synthetic(const char *shape, uint64_t seed, const char *vocab, struct source *s)
{
    uint64_t *state = malloc(sizeof *state);
    size_t i = 0, n = sizeof shapes / sizeof shapes[0];

    memset(s, 0, sizeof *s);
    if (state == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    *state = seed;
    s->data = state;
    s->close = close_synthetic;
    s->row = row;
    s->native = FORMAT_F32;
    while (i < n && strcmp(shape, shapes[i].name) != 0) {
        i++;
    }
    if (i == n) {
        source_close(s);
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "--synthetic %s: known shapes are vit-b-32, vit-b-16, vit-l-14, "
                         "vit-l-14-336",
                         shape);
    }
    fill_header(&s->header, i);
    snprintf(s->header.name, sizeof s->header.name, "synthetic-%s", shape);
    int status = vocab != NULL ? vocab_load(vocab, &s->files, &s->vocab) : vocab_plain(&s->vocab);
    if (status == CLIPC_OK && s->vocab.n > s->header.vocab_size) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: %u tokens, the shape has room for %u", vocab,
                           s->vocab.n, s->header.vocab_size);
    }
    if (status == CLIPC_OK) {
        s->header.sot_id = s->vocab.sot_id;
        s->header.eot_id = s->vocab.eot_id;
        s->header.pad_id = 0;
        status = source_note(s, "source: random weights of the shape %s, seed %llu", shape,
                             (unsigned long long)seed);
    }
    if (status != CLIPC_OK) {
        source_close(s);
    }
    return status;
}
