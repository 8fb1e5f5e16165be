#include "hf_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "json_read.h"

/* Sides and widths beyond these are refused before anything is multiplied. */
#define MAX_SIZE 65536u

static int take_activation(const json_t *tower, const char *what, uint32_t *out)
{
    static const struct {
        const char *name;
        enum format_activation activation;
    } known[] = {{"quick_gelu", FORMAT_QUICK_GELU},
                 {"gelu", FORMAT_GELU_ERF},
                 {"gelu_new", FORMAT_GELU_TANH},
                 {"gelu_pytorch_tanh", FORMAT_GELU_TANH}};
    int status = CLIPC_OK;
    const char *name = json_get_string(tower, "hidden_act", "quick_gelu", what, &status);

    for (size_t i = 0; status == CLIPC_OK && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].activation;
            return CLIPC_OK;
        }
    }
    return status != CLIPC_OK
               ? status
               : base_fail(CLIPC_ERROR_UNSUPPORTED,
                           "%s: hidden_act '%.40s': known are quick_gelu, gelu, gelu_pytorch_tanh",
                           what, name);
}

/* width, MLP, layers, heads as the library's defaults have them. */
static int take_tower(const json_t *config, const char *what, const uint32_t defaults[4],
                      struct format_tower *t)
{
    int status = CLIPC_OK;

    t->width = json_get_u32(config, "hidden_size", defaults[0], what, &status);
    t->mlp_width = json_get_u32(config, "intermediate_size", defaults[1], what, &status);
    t->layers = json_get_u32(config, "num_hidden_layers", defaults[2], what, &status);
    t->heads = json_get_u32(config, "num_attention_heads", defaults[3], what, &status);
    t->ln_eps = (float)json_get_number(config, "layer_norm_eps", 1e-5, what, &status);
    if (status == CLIPC_OK &&
        (t->width == 0 || t->width > MAX_SIZE || t->mlp_width == 0 || t->mlp_width > MAX_SIZE ||
         t->layers == 0 || t->layers > 999 || t->heads == 0 || t->width % t->heads != 0)) {
        status = base_fail(CLIPC_ERROR_FORMAT,
                           "%s: width %u, MLP %u, %u layers, %u heads make no "
                           "tower",
                           what, t->width, t->mlp_width, t->layers, t->heads);
    }
    return status == CLIPC_OK ? take_activation(config, what, &t->activation) : status;
}

static int take_vision(const json_t *config, const char *what, struct format_header *h)
{
    static const uint32_t defaults[4] = {768, 3072, 12, 12};
    int status = take_tower(config, what, defaults, &h->vision);

    h->image_size = json_get_u32(config, "image_size", 224, what, &status);
    h->patch_size = json_get_u32(config, "patch_size", 32, what, &status);
    if (status == CLIPC_OK && json_get_u32(config, "num_channels", 3, what, &status) != 3) {
        status = base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: images of other than 3 channels", what);
    }
    if (status == CLIPC_OK && (h->image_size == 0 || h->image_size > CLIPC_MAX_IMAGE_SIZE ||
                               h->patch_size == 0 || h->patch_size > h->image_size)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: image size %u, patch size %u", what,
                           h->image_size, h->patch_size);
    }
    if (status == CLIPC_OK) {
        uint32_t grid = h->image_size / h->patch_size;
        h->vision.positions = grid * grid + 1;
        h->vision.pool = FORMAT_POOL_CLASS;
        h->vision.flags = FORMAT_PRE_LN | FORMAT_CLASS_TOKEN | FORMAT_PROJECTION;
    }
    return status;
}

static int take_text(const json_t *config, const char *what, struct format_header *h)
{
    static const uint32_t defaults[4] = {512, 2048, 12, 8};
    int status = take_tower(config, what, defaults, &h->text);

    h->vocab_size = json_get_u32(config, "vocab_size", 49408, what, &status);
    h->text.positions = json_get_u32(config, "max_position_embeddings", 77, what, &status);
    h->sot_id = json_get_u32(config, "bos_token_id", 49406, what, &status);
    h->eot_id = json_get_u32(config, "eos_token_id", 49407, what, &status);
    if (status != CLIPC_OK) {
        return status;
    }
    if (h->vocab_size < 3 || h->vocab_size > 1u << 24 || h->text.positions == 0 ||
        h->text.positions > CLIPC_MAX_CONTEXT) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: vocabulary of %u, context of %u", what,
                         h->vocab_size, h->text.positions);
    }
    h->text.pool = FORMAT_POOL_FIRST_EOT;
    h->text.flags = FORMAT_CAUSAL | FORMAT_PROJECTION;
    if (h->eot_id == 2) { /* configs of before 2023 carry a wrong id, and argmax instead */
        h->text.pool = FORMAT_POOL_ARGMAX;
        h->sot_id = h->vocab_size - 2;
        h->eot_id = h->vocab_size - 1;
    }
    if (h->eot_id >= h->vocab_size || h->sot_id >= h->vocab_size) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: special ids %u, %u outside the vocabulary of %u",
                         what, h->sot_id, h->eot_id, h->vocab_size);
    }
    h->pad_id = h->eot_id;
    return CLIPC_OK;
}

/* 224, {"shortest_edge": 224} or {"height": 224, "width": 224}; *squash in the last case. */
static int take_side(const json_t *config, const char *key, uint32_t otherwise, const char *what,
                     uint32_t *side, bool *squash)
{
    const json_t *value = json_object_get(config, key);
    int status = CLIPC_OK;

    *squash = false;
    if (!json_is_object(value)) {
        *side = json_get_u32(config, key, otherwise, what, &status);
        return status;
    }
    if (json_object_get(value, "shortest_edge") != NULL) {
        *side = json_get_u32(value, "shortest_edge", otherwise, what, &status);
        return status;
    }
    *side = json_get_u32(value, "height", otherwise, what, &status);
    if (status == CLIPC_OK && json_get_u32(value, "width", otherwise, what, &status) != *side) {
        status = base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: \"%s\" is not square", what, key);
    }
    *squash = true;
    return status;
}

static int take_three(const json_t *config, const char *key, const float *otherwise,
                      const char *what, float *out)
{
    const json_t *list = json_object_get(config, key);

    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_array_get(list, i);
        if (list != NULL && !json_is_number(value)) {
            return base_fail(CLIPC_ERROR_FORMAT, "%s: \"%s\" is not a list of 3 numbers", what,
                             key);
        }
        out[i] = list != NULL ? (float)json_number_value(value) : otherwise[i];
    }
    return CLIPC_OK;
}

static bool is_false(const json_t *config, const char *key)
{
    return json_is_false(json_object_get(config, key));
}

static int take_preprocess(const json_t *config, const char *what, struct format_header *h)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    uint32_t size = 0, crop = 0, resample;
    bool squash = false, unused;
    int status = take_side(config, "size", h->image_size, what, &size, &squash);

    if (status == CLIPC_OK) {
        status = take_side(config, "crop_size", h->image_size, what, &crop, &unused);
    }
    resample = json_get_u32(config, "resample", 3, what, &status);
    double factor = json_get_number(config, "rescale_factor", 1 / 255.0, what, &status);
    if (status != CLIPC_OK) {
        return status;
    }
    if (is_false(config, "do_resize") || is_false(config, "do_normalize") ||
        is_false(config, "do_rescale") || (is_false(config, "do_center_crop") && !squash) ||
        size != h->image_size || crop != h->image_size || (resample != 2 && resample != 3) ||
        fabs(factor * 255 - 1) > 1e-6) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: wants resize and crop to the model's %u, bicubic or bilinear, scaled by "
            "1/255 and normalised; found size %u, crop %u, resample %u",
            what, h->image_size, size, crop, resample);
    }
    h->resize = squash ? FORMAT_SQUASH : FORMAT_SHORTEST;
    h->filter = resample == 3 ? FORMAT_BICUBIC : FORMAT_BILINEAR;
    h->preprocess = FORMAT_HF;
    status = take_three(config, "image_mean", mean, what, h->mean);
    return status == CLIPC_OK ? take_three(config, "image_std", std, what, h->std) : status;
}

static int take_config(const json_t *config, const char *what, struct format_header *h)
{
    int status = CLIPC_OK;
    const char *type = json_get_string(config, "model_type", "clip", what, &status);

    if (status == CLIPC_OK && strcmp(type, "clip") != 0) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: a model of type '%.40s'; this converter reads CLIPModel (type 'clip')", what,
            type);
    }
    h->embed_dim = json_get_u32(config, "projection_dim", 512, what, &status);
    if (status == CLIPC_OK && (h->embed_dim == 0 || h->embed_dim > CLIPC_MAX_DIM)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: projection_dim %u", what, h->embed_dim);
    }
    h->score = FORMAT_SOFTMAX;
    if (status == CLIPC_OK) {
        status = take_vision(json_object_get(config, "vision_config"), what, h);
    }
    if (status == CLIPC_OK) {
        status = take_text(json_object_get(config, "text_config"), what, h);
    }
    if (h->vocab_size == 49408) { /* OpenAI's vocabulary: their cosines and their followers' */
        h->display_low = 0.15f;
        h->display_high = 0.4f;
    }
    return status;
}

int hf_config_read(const char *folder, struct source *s)
{
    char path[4300];
    struct stat st;
    json_t *config, *preprocess = NULL;
    int status;

    snprintf(path, sizeof path, "%s/config.json", folder);
    config = json_read_file(path);
    if (config == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    status = take_config(config, path, &s->header);
    json_decref(config);
    if (status != CLIPC_OK) {
        return status;
    }
    snprintf(path, sizeof path, "%s/preprocessor_config.json", folder);
    if (stat(path, &st) == 0) {
        preprocess = json_read_file(path);
        if (preprocess == NULL) {
            return CLIPC_ERROR_FORMAT;
        }
    } else {
        fprintf(stderr, "clipc: note: no %s: CLIP's own preprocessing is assumed\n", path);
    }
    status = take_preprocess(preprocess, path, &s->header);
    json_decref(preprocess);
    return status;
}

int hf_config_vocab(const char *path, bool demanded, struct source *s)
{
    struct format_header *h = &s->header;
    int status = vocab_load(path, &s->vocab);

    h->tokenizer_rules = FORMAT_HF;
    if (status == CLIPC_ERROR_IO && !demanded) {
        fprintf(stderr,
                "clipc: warning: %s: text will need ids (embed --tokens FILE.npy), or convert "
                "again with --vocab PATH\n",
                base_errmsg());
        return CLIPC_OK;
    }
    if (status == CLIPC_OK && s->vocab.n > h->vocab_size) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: %u tokens, but the model has %u", path,
                         s->vocab.n, h->vocab_size);
    }
    if (status == CLIPC_OK && h->text.pool == FORMAT_POOL_FIRST_EOT &&
        s->vocab.eot_id != h->eot_id) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: end token %u, but the config's eos_token_id is %u: vocabulary and "
                         "model do not belong together",
                         path, s->vocab.eot_id, h->eot_id);
    }
    if (status == CLIPC_OK) {
        h->sot_id = s->vocab.sot_id;
        h->pad_id = h->eot_id = s->vocab.eot_id;
    }
    return status;
}
