/* hf_config.c - config.json: what transformers' CLIPConfig and SiglipConfig make of it. */
#include "hf_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "openai.h"

/* Bounds of weights/validate.c: what lies outside is refused here, where its file and key are
 * known. */
#define MAX_WIDTH  65536u
#define MAX_LAYERS 999u
#define MAX_VOCAB  (1u << 24)

/* What the config classes take for a key that is left out. */
struct defaults {
    uint32_t width, mlp_width, layers, heads;
    double ln_eps;
    const char *activation;
};

static void take_activation(struct json_section *c, const char *otherwise, uint32_t *out)
{
    static const struct {
        const char *name;
        enum format_activation activation;
    } known[] = {{"quick_gelu", FORMAT_QUICK_GELU},
                 {"gelu", FORMAT_GELU_ERF},
                 {"gelu_new", FORMAT_GELU_TANH},
                 {"gelu_pytorch_tanh", FORMAT_GELU_TANH}};
    const char *name = json_take_string(c, "hidden_act", otherwise);

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].activation;
            return;
        }
    }
    json_refuse(c, "hidden_act", "known are quick_gelu, gelu, gelu_new and gelu_pytorch_tanh");
}

static void take_tower(struct json_section *c, const struct defaults *d, struct format_tower *t)
{
    t->width = json_take_u32(c, "hidden_size", d->width, 1, MAX_WIDTH);
    t->mlp_width = json_take_u32(c, "intermediate_size", d->mlp_width, 1, 4 * MAX_WIDTH);
    t->layers = json_take_u32(c, "num_hidden_layers", d->layers, 1, MAX_LAYERS);
    t->heads = json_take_u32(c, "num_attention_heads", d->heads, 1, MAX_WIDTH);
    t->ln_eps = json_take_float(c, "layer_norm_eps", d->ln_eps, 0, 1);
    if (c->status == CLIPC_OK && t->width % t->heads != 0) {
        json_refuse(c, "num_attention_heads", "a width of %u has no such number of heads",
                    t->width);
    }
    if (c->status == CLIPC_OK) {
        take_activation(c, d->activation, &t->activation);
    }
}

/* The section of a tower.  OpenAI's and LAION's own files carry each tower twice; where there is a
 * NAME_config_dict, CLIPConfig takes all of the tower's keys from it, and its own defaults for
 * those that it leaves out. */
static struct json_section tower_section(const struct json_section *config, const char *name,
                                         const char *name_dict)
{
    return json_section_of(config, json_has(config, name_dict) ? name_dict : name);
}

/* What the image towers of CLIPModel and SiglipModel differ in. */
struct vision_kind {
    struct defaults defaults;
    uint32_t patch_size; /* the default */
    enum format_pool pool;
    uint32_t flags;
};

static const struct vision_kind clip_vision = {
    .defaults = {768, 3072, 12, 12, 1e-5, "quick_gelu"},
    .patch_size = 32,
    .pool = FORMAT_POOL_CLASS,
    .flags = FORMAT_PRE_LN | FORMAT_CLASS_TOKEN | FORMAT_PROJECTION,
};
static const struct vision_kind siglip_vision = {
    .defaults = {768, 3072, 12, 12, 1e-6, "gelu_pytorch_tanh"},
    .patch_size = 16,
    .pool = FORMAT_POOL_MAP,
    .flags = FORMAT_PATCH_BIAS,
};

static int take_vision(struct json_section c, const struct vision_kind *kind,
                       struct format_header *h)
{
    take_tower(&c, &kind->defaults, &h->vision);
    h->image_size = json_take_u32(&c, "image_size", 224, 1, CLIPC_MAX_IMAGE_SIZE);
    h->patch_size = json_take_u32(&c, "patch_size", kind->patch_size, 1, CLIPC_MAX_IMAGE_SIZE);
    if (json_take_u32(&c, "num_channels", 3, 0, UINT32_MAX) != 3) {
        json_refuse(&c, "num_channels", "images have 3 channels here");
    }
    if (c.status == CLIPC_OK && h->patch_size > h->image_size) {
        json_refuse(&c, "patch_size", "wants at most the image_size, %u", h->image_size);
    }
    if (c.status == CLIPC_OK) {
        uint32_t grid = h->image_size / h->patch_size;
        h->vision.pool = kind->pool;
        h->vision.flags = kind->flags;
        h->vision.positions = grid * grid + ((kind->flags & FORMAT_CLASS_TOKEN) != 0);
        if (grid > CLIPC_MAX_IMAGE_SIZE / 4) {
            json_refuse(&c, "patch_size", "makes %u tokens of an image, which is too many",
                        h->vision.positions);
        }
    }
    return c.status;
}

static int take_siglip_text(struct json_section c, struct format_header *h)
{
    static const struct defaults defaults = {768, 3072, 12, 12, 1e-6, "gelu_pytorch_tanh"};

    take_tower(&c, &defaults, &h->text);
    h->vocab_size = json_take_u32(&c, "vocab_size", 32000, 2, MAX_VOCAB);
    h->text.positions = json_take_u32(&c, "max_position_embeddings", 64, 1, CLIPC_MAX_CONTEXT);
    h->embed_dim = json_take_u32(&c, "projection_size", h->text.width, 1, CLIPC_MAX_DIM);
    h->pad_id = h->eot_id = json_take_u32(&c, "pad_token_id", 1, 0, h->vocab_size - 1);
    h->text.pool = FORMAT_POOL_LAST;
    h->text.flags =
        FORMAT_PROJECTION | FORMAT_PROJECTION_BIAS | FORMAT_NO_START_TOKEN | FORMAT_PAD_TO_CONTEXT;
    if (c.status == CLIPC_OK && h->embed_dim != h->vision.width) {
        json_refuse(&c, json_has(&c, "projection_size") ? "projection_size" : "hidden_size",
                    "texts become %u numbers, images %u", h->embed_dim, h->vision.width);
    }
    return c.status;
}

static int take_text(struct json_section c, struct format_header *h)
{
    static const struct defaults defaults = {512, 2048, 12, 8, 1e-5, "quick_gelu"};

    take_tower(&c, &defaults, &h->text);
    h->vocab_size = json_take_u32(&c, "vocab_size", OPENAI_VOCAB, 3, MAX_VOCAB);
    h->text.positions = json_take_u32(&c, "max_position_embeddings", 77, 1, CLIPC_MAX_CONTEXT);
    h->sot_id = json_take_u32(&c, "bos_token_id", OPENAI_VOCAB - 2, 0, MAX_VOCAB);
    h->eot_id = json_take_u32(&c, "eos_token_id", OPENAI_VOCAB - 1, 0, MAX_VOCAB);
    h->text.pool = FORMAT_POOL_FIRST_EOT;
    h->text.flags = FORMAT_CAUSAL | FORMAT_PROJECTION;
    if (h->eot_id == 2) { /* configs of before 2023 carry a wrong id, and argmax instead */
        h->text.pool = FORMAT_POOL_ARGMAX;
        h->sot_id = h->vocab_size - 2;
        h->eot_id = h->vocab_size - 1;
    }
    if (c.status == CLIPC_OK && h->sot_id >= h->vocab_size) {
        json_refuse(&c, "bos_token_id", "wants an id below the vocab_size, %u", h->vocab_size);
    }
    if (c.status == CLIPC_OK && h->eot_id >= h->vocab_size) {
        json_refuse(&c, "eos_token_id", "wants an id below the vocab_size, %u", h->vocab_size);
    }
    h->pad_id = h->eot_id;
    return c.status;
}

/* A CLIPConfig has a section for each tower; CLIPVisionModelWithProjection and its sister, which
 * have one tower, write that tower's section alone. */
static int take_config(struct json_section *c, struct format_header *h)
{
    const char *type = json_take_string(c, "model_type", "clip");
    bool both = strcmp(type, "clip") == 0, vision = strcmp(type, "clip_vision_model") == 0;
    bool siglip = strcmp(type, "siglip") == 0;
    int status;

    if (siglip) {
        h->score = FORMAT_SIGMOID;
        status = take_vision(json_section_of(c, "vision_config"), &siglip_vision, h);
        return status == CLIPC_OK ? take_siglip_text(json_section_of(c, "text_config"), h) : status;
    }
    if (!both && !vision && strcmp(type, "clip_text_model") != 0) {
        json_refuse(c, "model_type",
                    "clipc reads models of type clip (CLIPModel), clip_vision_model and "
                    "clip_text_model (one tower with its projection), and siglip (SiglipModel)");
    }
    h->embed_dim = json_take_u32(c, "projection_dim", 512, 1, CLIPC_MAX_DIM);
    h->score = FORMAT_SOFTMAX;
    status = c->status;
    if (status == CLIPC_OK && (both || vision)) {
        status = take_vision(both ? tower_section(c, "vision_config", "vision_config_dict") : *c,
                             &clip_vision, h);
    }
    if (status == CLIPC_OK && !vision) {
        status = take_text(both ? tower_section(c, "text_config", "text_config_dict") : *c, h);
    }
    if (h->vocab_size == OPENAI_VOCAB) { /* their cosines and their followers' */
        h->display_low = OPENAI_DISPLAY_LOW;
        h->display_high = OPENAI_DISPLAY_HIGH;
    }
    return status;
}

int hf_config_read(const char *folder, struct source *s)
{
    char *path = files_join(folder, "config.json");
    int status = CLIPC_ERROR_MEMORY;

    if (path != NULL && !files_exists(path)) {
        status = base_fail(CLIPC_ERROR_IO,
                           "%s: no such file: a checkpoint needs the config.json of its "
                           "HuggingFace folder beside it",
                           path);
    } else if (path != NULL) {
        json_t *root = json_read_file(path, &s->files);
        struct json_section c = {path, "", root, CLIPC_OK};
        status = root != NULL ? take_config(&c, &s->header) : CLIPC_ERROR_FORMAT;
        json_decref(root);
    }
    free(path);
    return status == CLIPC_OK && s->header.vision.layers != 0 ? hf_images_read(folder, s) : status;
}
