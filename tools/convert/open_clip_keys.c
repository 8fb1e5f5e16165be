/* open_clip_keys.c - what the two towers of an open_clip_config.json have in common. */
#include "open_clip_keys.h"

#include <string.h>

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

void open_clip_refuse_others(struct json_section *c, const char *const *known, size_t n)
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

uint32_t open_clip_mlp_width(struct json_section *c, uint32_t width, double otherwise)
{
    const json_t *ratio = json_object_get(c->object, "mlp_ratio");

    json_take_float(c, "mlp_ratio", 4, 0, 1024); /* within bounds, but not as a float */
    double value =
        c->status == CLIPC_OK && json_is_number(ratio) ? json_number_value(ratio) : otherwise;
    if (c->status == CLIPC_OK && width * value < 1) {
        json_refuse(c, "mlp_ratio", "makes an MLP of no width");
    }
    return (uint32_t)(width * value);
}

void open_clip_take_tower(struct json_section *c, bool quick, uint32_t heads,
                          struct format_tower *t, bool *scaled)
{
    struct json_section norm;

    if (t->width % (heads > 0 ? heads : 1) != 0 || heads == 0) {
        json_refuse(c, json_has(c, "heads") ? "heads" : "head_width",
                    "a width of %u is no such number of heads", t->width);
    }
    t->heads = heads;
    t->mlp_width = open_clip_mlp_width(c, t->width, 4);
    norm = json_section_of(c, "norm_kwargs");
    t->ln_eps = json_take_float(&norm, "eps", 1e-5, 0, 1);
    c->status = c->status == CLIPC_OK ? norm.status : c->status;
    t->activation = take_activation(c, quick);
    json_take_float(c, "ls_init_value", 1, -1000, 1000);
    *scaled = json_has(c, "ls_init_value");
}

void open_clip_want(struct json_section *c, const char *key, const char *value, const char *why)
{
    if (strcmp(json_take_string(c, key, value), value) != 0) {
        json_refuse(c, key, "%s", why);
    }
}
