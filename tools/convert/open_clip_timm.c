/* open_clip_timm.c - vision_cfg of an open_clip_config.json when the image tower is one of timm's
 * vision transformers.  The config gives its name there, and what is to be another than the name
 * says; the figures are those of timm/models/vision_transformer.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "open_clip.h"
#include "open_clip_keys.h"

/* vit_SIZE_patchN_VARIANT_PIXELS, or without a variant. */
static const struct size {
    const char *name;
    uint32_t width, layers, heads;
    double mlp_ratio;
} sizes[] = {
    {"tiny", 192, 12, 3, 4},
    {"small", 384, 12, 6, 4},
    {"base", 768, 12, 12, 4},
    {"large", 1024, 24, 16, 4},
    {"so400m", 1152, 27, 16, 3.7362},
    {"huge", 1280, 32, 16, 4},
    {"giant", 1408, 40, 16, 48. / 11},
    {"giantopt", 1536, 40, 16, 4},
    {"gigantic", 1664, 48, 16, 64. / 13},
};

static const struct variant {
    const char *name;
    float ln_eps;
    enum format_activation activation;
    enum format_pool pool; /* where timm_pool is empty */
    uint32_t flags;
} variants[] = {
    {"", 1e-6f, FORMAT_GELU_ERF, FORMAT_POOL_CLASS, FORMAT_CLASS_TOKEN | FORMAT_PATCH_BIAS},
    {"clip_", 1e-5f, FORMAT_GELU_ERF, FORMAT_POOL_CLASS, FORMAT_CLASS_TOKEN | FORMAT_PRE_LN},
    {"clip_quickgelu_", 1e-5f, FORMAT_QUICK_GELU, FORMAT_POOL_CLASS,
     FORMAT_CLASS_TOKEN | FORMAT_PRE_LN},
    {"siglip_", 1e-6f, FORMAT_GELU_ERF, FORMAT_POOL_MAP, FORMAT_PATCH_BIAS},
    {"siglip_gap_", 1e-6f, FORMAT_GELU_ERF, FORMAT_POOL_MEAN, FORMAT_PATCH_BIAS},
};

/* Those that came with SigLIP 2 have the GELU by tanh; it kept the names of SigLIP's other ones,
 * and with them the erf. */
static const char *const by_tanh[] = {"vit_base_patch32_siglip_", "vit_large_patch16_siglip_512",
                                      "vit_large_patch16_siglip_gap_512",
                                      "vit_so400m_patch16_siglip_", "vit_giantopt_patch16_siglip_"};

/* What others would need: the first whose name has this in it. */
static const struct {
    const char *part, *needs;
} others[] = {{"naflex", "images of any shape"},
              {"eva02", "rotary positions and gated MLPs"},
              {"eva", "EVA's attention, whose keys have no bias"},
              {"vit_pe_", "rotary positions"},
              {"_mci", "convolutions in front of the patches"},
              {"_reg", "register tokens"},
              {"convnext", "convolutions"},
              {"resnet", "convolutions"},
              {"vitamin", "convolutions"}};

static const char *needs_of(const char *name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strstr(name, others[i].part) != NULL) {
            return others[i].needs;
        }
    }
    return "parts that are not there";
}

#define FIND(list, what)                                                                           \
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {                                    \
        if (what) {                                                                                \
            return &list[i];                                                                       \
        }                                                                                          \
    }                                                                                              \
    return NULL

static const struct size *find_size(const char *name)
{
    FIND(sizes, strcmp(sizes[i].name, name) == 0);
}

/* `rest`: what follows vit_SIZE_patchN_; it ends in the pixels, and may in a dot and the name of
 * the weights. */
static const struct variant *find_variant(const char *rest)
{
    size_t n = strcspn(rest, ".");

    while (n > 0 && rest[n - 1] >= '0' && rest[n - 1] <= '9') {
        n--;
    }
    FIND(variants, strlen(variants[i].name) == n && strncmp(variants[i].name, rest, n) == 0 &&
                       rest[n] >= '0' && rest[n] <= '9');
}

/* Fill the tower by its name; false: none that is known. */
static bool take_name(const char *name, struct format_header *h, double *mlp_ratio)
{
    struct format_tower *t = &h->vision;
    char size[16];
    int at = 0;

    if (sscanf(name, "vit_%15[a-z0-9]_patch%4u_%n", size, &h->patch_size, &at) != 2 || at == 0) {
        return false;
    }
    const struct size *s = find_size(size);
    const struct variant *v = find_variant(name + at);
    if (s == NULL || v == NULL || h->patch_size == 0) {
        return false;
    }
    t->width = s->width;
    t->layers = s->layers;
    t->heads = s->heads;
    *mlp_ratio = s->mlp_ratio;
    t->ln_eps = v->ln_eps;
    t->activation = v->activation;
    t->pool = v->pool;
    t->flags = v->flags;
    for (size_t i = 0; i < sizeof by_tanh / sizeof by_tanh[0]; i++) {
        if (strncmp(name, by_tanh[i], strlen(by_tanh[i])) == 0) {
            t->activation = FORMAT_GELU_TANH;
        }
    }
    return true;
}

static void take_activation(struct json_section *c, uint32_t *activation)
{
    static const struct {
        const char *name;
        enum format_activation activation;
    } known[] = {{"gelu", FORMAT_GELU_ERF},
                 {"gelu_tanh", FORMAT_GELU_TANH},
                 {"quick_gelu", FORMAT_QUICK_GELU}};
    const char *name = json_take_string(c, "act_layer", "");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *activation = known[i].activation;
            return;
        }
    }
    if (json_has(c, "act_layer")) {
        json_refuse(c, "act_layer", "known are gelu, gelu_tanh and quick_gelu");
    }
}

/* timm_model_kwargs: what is to be another than the name says. */
static void take_kwargs(struct json_section *c, double mlp_ratio, struct source *s)
{
    static const char *const known[] = {"img_size", "patch_size", "embed_dim", "depth", "num_heads",
                                        "mlp_ratio", "act_layer", "init_values",
                                        /* of training */
                                        "drop_rate", "pos_drop_rate", "patch_drop_rate",
                                        "proj_drop_rate", "attn_drop_rate", "drop_path_rate"};
    struct json_section k = json_section_of(c, "timm_model_kwargs");
    struct format_header *h = &s->header;
    struct format_tower *t = &h->vision;

    open_clip_refuse_others(&k, known, sizeof known / sizeof known[0]);
    if (json_take_u32(&k, "img_size", h->image_size, 1, CLIPC_MAX_IMAGE_SIZE) != h->image_size) {
        json_refuse(&k, "img_size", "but the image_size is %u", h->image_size);
    }
    h->patch_size = json_take_u32(&k, "patch_size", h->patch_size, 1, CLIPC_MAX_IMAGE_SIZE);
    t->width = json_take_u32(&k, "embed_dim", t->width, 1, OPEN_CLIP_MAX_WIDTH);
    t->layers = json_take_u32(&k, "depth", t->layers, 1, OPEN_CLIP_MAX_LAYERS);
    t->heads = json_take_u32(&k, "num_heads", t->heads, 1, OPEN_CLIP_MAX_WIDTH);
    t->mlp_width = open_clip_mlp_width(&k, t->width, mlp_ratio);
    take_activation(&k, &t->activation);
    s->scaled_vision =
        json_take_float(&k, "init_values", 0, -1000, 1000) != 0; /* of a LayerScale */
    if (t->width % t->heads != 0) {
        json_refuse(&k, json_has(&k, "num_heads") ? "num_heads" : "embed_dim",
                    "a width of %u in %u heads", t->width, t->heads);
    }
    c->status = c->status == CLIPC_OK ? k.status : c->status;
}

static void take_pool(struct json_section *c, bool fc_norm, struct format_tower *t)
{
    static const struct {
        const char *name;
        enum format_pool pool;
    } known[] = {{"token", FORMAT_POOL_CLASS}, {"avg", FORMAT_POOL_MEAN}, {"map", FORMAT_POOL_MAP}};
    const char *name = json_take_string(c, "timm_pool", "avg");
    bool found = name[0] == '\0'; /* as the model's name has it */

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            t->pool = known[i].pool;
            found = true;
        }
    }
    if (!found || (t->pool == FORMAT_POOL_CLASS && !(t->flags & FORMAT_CLASS_TOKEN))) {
        json_refuse(c, "timm_pool",
                    found ? "the model of that name has no class token"
                          : "known are token, avg and map");
    }
    if (t->pool == FORMAT_POOL_MEAN && fc_norm) {
        t->flags |= FORMAT_POST_LN_POOLED;
    }
}

/* The layer behind timm's tower, which is OpenCLIP's own. */
static void take_projection(struct json_section *c, struct format_header *h)
{
    const char *proj = json_take_string(c, "timm_proj", "linear");
    struct format_tower *t = &h->vision;

    if (strcmp(proj, "linear") == 0 && !json_is_null(json_object_get(c->object, "timm_proj"))) {
        t->flags |= FORMAT_PROJECTION;
        t->flags |= json_take_bool(c, "timm_proj_bias", false) ? FORMAT_PROJECTION_BIAS : 0;
    } else if (strcmp(proj, "none") != 0) {
        json_refuse(c, "timm_proj", "the image tower here ends in \"linear\" or \"none\"");
    } else if (t->width != h->embed_dim) {
        json_refuse(c, "timm_proj", "images become %u numbers, but the embed_dim is %u", t->width,
                    h->embed_dim);
    }
}

void open_clip_take_timm(struct json_section *c, bool fc_norm, struct source *s)
{
    static const char *const known[] = {"image_size", "timm_model_name", "timm_model_kwargs",
                                        "timm_pool",  "timm_proj",       "timm_proj_bias",
                                        "timm_drop",  "timm_drop_path"};
    struct format_header *h = &s->header;
    double mlp_ratio = 4;

    open_clip_refuse_others(c, known, sizeof known / sizeof known[0]);
    h->image_size = json_take_u32(c, "image_size", 224, 1, CLIPC_MAX_IMAGE_SIZE);
    const char *name = json_take_string(c, "timm_model_name", "");
    if (!take_name(name, h, &mlp_ratio)) {
        json_refuse(c, "timm_model_name",
                    "it would need %s; of timm's towers, clipc computes vit_SIZE_patchN_PIXELS and "
                    "its clip, clip_quickgelu, siglip and siglip_gap variants, tiny to gigantic",
                    needs_of(name));
        return;
    }
    take_kwargs(c, mlp_ratio, s);
    take_pool(c, fc_norm, &h->vision);
    take_projection(c, h);
}
