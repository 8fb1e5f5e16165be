/* open_clip_config.c - open_clip_config.json: model_cfg as src/open_clip/model.py reads it, and
 * preprocess_cfg.  What a tower here does not compute is refused by its key. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "open_clip.h"
#include "openai.h"

#define FILE_NAME  "open_clip_config.json"
#define MAX_WIDTH  65536u
#define MAX_LAYERS 999u
#define MAX_VOCAB  (1u << 24)

/* Keys that change nothing of an embedding: how the model is trained, or what else it returns. */
static const char *const idle[] = {
    "patch_dropout",       "output_tokens",         "timm_model_pretrained", "hf_model_pretrained",
    "init_logit_scale",    "init_logit_bias",       "custom_text",           "pos_embed_type",
    "final_ln_after_pool", "nonscalar_logit_scale", "correct_cls_mask"};

static bool is_any(const char *key, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(key, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Every key is one of `known`, or idle, or says no to what it names. */
static void refuse_others(struct json_section *c, const char *const *known, size_t n)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)c->object, key, value)
    {
        if (c->status == CLIPC_OK && !json_is_null(value) && !json_is_false(value) &&
            !is_any(key, known, n) && !is_any(key, idle, sizeof idle / sizeof idle[0])) {
            json_refuse(c, key, "a part of a model that clipc does not compute");
        }
    }
}

/* nn.GELU of old, unless quick; act_kwargs may ask for the one by tanh. */
static uint32_t take_activation(struct json_section *c, bool quick)
{
    struct json_section act = json_section_of(c, "act_kwargs");
    const char *approximate = json_take_string(&act, "approximate", "none");

    c->status = c->status == CLIPC_OK ? act.status : c->status;
    if (c->status == CLIPC_OK && strcmp(approximate, "tanh") != 0 &&
        strcmp(approximate, "none") != 0) {
        json_refuse(c, "act_kwargs", "known are {\"approximate\": \"tanh\"} and \"none\"");
    }
    if (c->status == CLIPC_OK && quick && json_has(c, "act_kwargs")) {
        json_refuse(c, "act_kwargs", "a quick GELU takes none");
    }
    return quick                              ? FORMAT_QUICK_GELU
           : strcmp(approximate, "tanh") == 0 ? FORMAT_GELU_TANH
                                              : FORMAT_GELU_ERF;
}

static void take_tower(struct json_section *c, bool quick, uint32_t heads, struct format_tower *t)
{
    struct json_section norm;
    double ratio;

    if (t->width % (heads > 0 ? heads : 1) != 0 || heads == 0) {
        json_refuse(c, json_has(c, "heads") ? "heads" : "head_width",
                    "a width of %u is no such number of heads", t->width);
    }
    t->heads = heads;
    json_take_float(c, "mlp_ratio", 4, 0, 1024);
    ratio =
        json_has(c, "mlp_ratio") ? json_number_value(json_object_get(c->object, "mlp_ratio")) : 4;
    ratio = c->status == CLIPC_OK ? ratio : 4;
    t->mlp_width = (uint32_t)(t->width * ratio); /* Python's int(width * mlp_ratio) */
    if (c->status == CLIPC_OK && t->mlp_width == 0) {
        json_refuse(c, "mlp_ratio", "makes an MLP of no width");
    }
    norm = json_section_of(c, "norm_kwargs");
    t->ln_eps = json_take_float(&norm, "eps", 1e-5, 0, 1);
    c->status = c->status == CLIPC_OK ? norm.status : c->status;
    t->activation = take_activation(c, quick);
}

/* A word that must be the one that is computed. */
static void want(struct json_section *c, const char *key, const char *value, const char *why)
{
    if (strcmp(json_take_string(c, key, value), value) != 0) {
        json_refuse(c, key, "%s", why);
    }
}

static int take_vision(struct json_section c, bool quick, struct format_header *h)
{
    static const char *const known[] = {"image_size", "layers",     "width",       "head_width",
                                        "mlp_ratio",  "patch_size", "norm_kwargs", "act_kwargs",
                                        "no_ln_pre",  "pool_type"};
    struct format_tower *t = &h->vision;

    if (json_has(&c, "timm_model_name")) {
        json_refuse(&c, "timm_model_name", "a tower of timm, which clipc does not compute");
    }
    if (json_is_array(json_object_get(c.object, "layers"))) {
        json_refuse(&c, "layers", "a ResNet (RN50 and its like), which clipc does not compute");
    }
    want(&c, "pool_type", "tok", "the image tower here pools its class token (\"tok\")");
    refuse_others(&c, known, sizeof known / sizeof known[0]);
    t->width = json_take_u32(&c, "width", 768, 1, MAX_WIDTH);
    t->layers = json_take_u32(&c, "layers", 12, 1, MAX_LAYERS);
    h->image_size = json_take_u32(&c, "image_size", 224, 1, CLIPC_MAX_IMAGE_SIZE);
    h->patch_size = json_take_u32(&c, "patch_size", 16, 1, CLIPC_MAX_IMAGE_SIZE);
    take_tower(&c, quick, t->width / json_take_u32(&c, "head_width", 64, 1, MAX_WIDTH), t);
    if (c.status == CLIPC_OK && h->patch_size > h->image_size) {
        json_refuse(&c, "patch_size", "wants at most the image_size, %u", h->image_size);
    }
    if (c.status == CLIPC_OK && h->image_size / h->patch_size > CLIPC_MAX_IMAGE_SIZE / 4) {
        json_refuse(&c, "patch_size", "makes too many tokens of an image");
    }
    if (json_take_bool(&c, "no_ln_pre", false)) {
        t->flags &= ~(uint32_t)FORMAT_PRE_LN;
    }
    uint32_t grid = c.status == CLIPC_OK ? h->image_size / h->patch_size : 0;
    t->positions = grid * grid + 1;
    return c.status;
}

static int take_text(struct json_section c, bool quick, struct format_header *h)
{
    static const char *const known[] = {"context_length", "vocab_size",  "width",      "heads",
                                        "layers",         "mlp_ratio",   "pool_type",  "eos_id",
                                        "pad_id",         "norm_kwargs", "act_kwargs", "proj_type"};
    struct format_tower *t = &h->text;
    const char *pool = json_take_string(&c, "pool_type", "argmax");

    if (json_has(&c, "hf_model_name")) {
        json_refuse(&c, "hf_model_name",
                    "a text tower of transformers, which clipc does not "
                    "compute");
    }
    if (json_has(&c, "hf_tokenizer_name")) {
        json_refuse(&c, "hf_tokenizer_name", "clipc has CLIP's own byte-pair tokenizer only");
    }
    if (json_take_bool(&c, "no_causal_mask", false)) {
        json_refuse(&c, "no_causal_mask", "the text tower here is causal");
    }
    want(&c, "proj_type", "linear", "the text tower here ends in a projection");
    refuse_others(&c, known, sizeof known / sizeof known[0]);
    t->width = json_take_u32(&c, "width", 512, 1, MAX_WIDTH);
    t->layers = json_take_u32(&c, "layers", 12, 1, MAX_LAYERS);
    t->positions = json_take_u32(&c, "context_length", 77, 1, CLIPC_MAX_CONTEXT);
    h->vocab_size = json_take_u32(&c, "vocab_size", OPENAI_VOCAB, 3, MAX_VOCAB);
    take_tower(&c, quick, json_take_u32(&c, "heads", 8, 1, MAX_WIDTH), t);
    openai_special_ids(h);
    if (strcmp(pool, "eos") == 0) {
        t->pool = FORMAT_POOL_FIRST_EOT;
        h->eot_id = json_take_u32(&c, "eos_id", 2, 0, h->vocab_size - 1);
    } else if (strcmp(pool, "argmax") != 0) {
        json_refuse(&c, "pool_type",
                    "the text tower here pools its end token (\"argmax\", "
                    "\"eos\")");
    }
    return c.status;
}

/* One number or a pair of equal ones: the side of the model's images. */
static void take_size(struct json_section *c, uint32_t side)
{
    const json_t *size = json_object_get(c->object, "size");

    for (size_t i = 0; c->status == CLIPC_OK && json_has(c, "size") && i < 2; i++) {
        const json_t *one = json_is_array(size) ? json_array_get(size, i) : size;
        if (!json_is_integer(one) || json_integer_value(one) != (json_int_t)side) {
            json_refuse(c, "size", "the model's images are of %u x %u pixels", side, side);
        }
    }
}

static int take_pictures(struct json_section c, struct format_header *h)
{
    static const float mean[3] = OPENAI_MEAN, std[3] = OPENAI_STD;
    const char *resize = json_take_string(&c, "resize_mode", "shortest");
    const char *filter = json_take_string(&c, "interpolation", "bicubic");

    want(&c, "mode", "RGB", "pictures are RGB here");
    take_size(&c, h->image_size);
    json_take_three(&c, "mean", mean, -1000, 1000, h->mean);
    json_take_three(&c, "std", std, 0, 1000, h->std);
    if (strcmp(resize, "shortest") != 0 && strcmp(resize, "squash") != 0) {
        json_refuse(&c, "resize_mode", "clipc resizes by shortest or squash");
    }
    if (strcmp(filter, "bicubic") != 0 && strcmp(filter, "bilinear") != 0) {
        json_refuse(&c, "interpolation", "clipc resizes by bicubic or bilinear");
    }
    h->resize = strcmp(resize, "squash") == 0 ? FORMAT_SQUASH : FORMAT_SHORTEST;
    h->filter = strcmp(filter, "bilinear") == 0 ? FORMAT_BILINEAR : FORMAT_BICUBIC;
    return c.status;
}

static int take_model(struct json_section c, struct format_header *h)
{
    static const char *const known[] = {"embed_dim", "quick_gelu", "vision_cfg", "text_cfg"};
    bool quick = json_take_bool(&c, "quick_gelu", false);

    if (c.status == CLIPC_OK &&
        (!json_has(&c, "embed_dim") || !json_has(&c, "vision_cfg") || !json_has(&c, "text_cfg"))) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: no model_cfg with embed_dim, vision_cfg and text_cfg", c.path);
    }
    refuse_others(&c, known, sizeof known / sizeof known[0]);
    h->embed_dim = json_take_u32(&c, "embed_dim", 512, 1, CLIPC_MAX_DIM);
    struct json_section vision = json_section_of(&c, "vision_cfg");
    struct json_section text = json_section_of(&c, "text_cfg");
    int status = c.status == CLIPC_OK ? take_vision(vision, quick, h) : c.status;
    return status == CLIPC_OK ? take_text(text, quick, h) : status;
}

bool open_clip_has_config(const char *folder)
{
    char *path = files_join(folder, FILE_NAME);
    bool there = path != NULL && files_exists(path);

    free(path);
    return there;
}

int open_clip_config(const char *folder, struct source *s)
{
    char *path = files_join(folder, FILE_NAME);
    json_t *root = path != NULL ? json_read_file(path, &s->files) : NULL;
    struct json_section c = {path, "", root, CLIPC_OK};
    int status = root != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;

    openai_defaults(&s->header);
    /* A file of OpenCLIP's model_configs is the model_cfg itself. */
    if (status == CLIPC_OK) {
        status = take_model(json_has(&c, "model_cfg") ? json_section_of(&c, "model_cfg") : c,
                            &s->header);
    }
    if (status == CLIPC_OK) {
        status = take_pictures(json_section_of(&c, "preprocess_cfg"), &s->header);
    }
    json_decref(root);
    free(path);
    return status;
}
