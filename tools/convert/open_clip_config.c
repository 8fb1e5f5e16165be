/* open_clip_config.c - open_clip_config.json: model_cfg as src/open_clip/model.py reads it, and
 * preprocess_cfg.  What a tower here does not compute is refused by its key. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "open_clip.h"
#include "open_clip_keys.h"
#include "openai.h"

#define FILE_NAME "open_clip_config.json"

/* A mean of what ln_post made is not what ln_post makes of a mean; of one row it is the same. */
static void take_pool(struct json_section *c, struct format_tower *t)
{
    const char *pool = json_take_string(c, "pool_type", "tok");

    if (strcmp(pool, "avg") == 0) {
        t->pool = FORMAT_POOL_MEAN;
        t->flags |= json_take_bool(c, "final_ln_after_pool", false) ? FORMAT_POST_LN_POOLED : 0;
    } else if (strcmp(pool, "tok") != 0) {
        json_refuse(c, "pool_type",
                    "the image tower here pools its class token (\"tok\") or the mean of the "
                    "patches (\"avg\")");
    }
}

/* OpenCLIP's own VisionTransformer. */
static void take_own(struct json_section *c, bool quick, struct source *s)
{
    static const char *const known[] = {"image_size", "layers",     "width",        "head_width",
                                        "mlp_ratio",  "patch_size", "norm_kwargs",  "act_kwargs",
                                        "no_ln_pre",  "pool_type",  "ls_init_value"};
    struct format_header *h = &s->header;
    struct format_tower *t = &h->vision;

    if (json_is_array(json_object_get(c->object, "layers"))) {
        json_refuse(c, "layers", "a ResNet (RN50 and its like), which clipc does not compute");
    }
    take_pool(c, t);
    open_clip_refuse_others(c, known, sizeof known / sizeof known[0]);
    t->width = json_take_u32(c, "width", 768, 1, OPEN_CLIP_MAX_WIDTH);
    t->layers = json_take_u32(c, "layers", 12, 1, OPEN_CLIP_MAX_LAYERS);
    h->image_size = json_take_u32(c, "image_size", 224, 1, CLIPC_MAX_IMAGE_SIZE);
    h->patch_size = json_take_u32(c, "patch_size", 16, 1, CLIPC_MAX_IMAGE_SIZE);
    open_clip_take_tower(c, quick,
                         t->width / json_take_u32(c, "head_width", 64, 1, OPEN_CLIP_MAX_WIDTH), t,
                         &s->scaled_vision);
    if (json_take_bool(c, "no_ln_pre", false)) {
        t->flags &= ~(uint32_t)FORMAT_PRE_LN;
    }
}

static int take_vision(struct json_section c, bool quick, bool trunk,
                       const struct checkpoint *checkpoint, struct source *s)
{
    struct format_header *h = &s->header;

    if (json_has(&c, "timm_model_name") != trunk) {
        json_refuse(&c, "timm_model_name", "but the checkpoint's image tower is %s",
                    trunk ? "timm's (visual.trunk.)" : "OpenCLIP's own (visual.conv1.)");
    } else if (trunk) {
        bool fc_norm = checkpoint_find(checkpoint, "visual.trunk.fc_norm.weight") < checkpoint->n;
        open_clip_take_timm(&c, fc_norm, s);
    } else {
        take_own(&c, quick, s);
    }
    if (c.status != CLIPC_OK) {
        return c.status;
    }
    if (h->patch_size > h->image_size) {
        json_refuse(&c, "patch_size", "wants at most the image_size, %u", h->image_size);
    } else if (h->image_size / h->patch_size > CLIPC_MAX_IMAGE_SIZE / 4) {
        json_refuse(&c, "patch_size", "makes too many tokens of an image");
    }
    uint32_t grid = h->image_size / h->patch_size;
    h->vision.positions = grid * grid + ((h->vision.flags & FORMAT_CLASS_TOKEN) != 0);
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

    open_clip_want(&c, "mode", "RGB", "pictures are RGB here");
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

static int take_model(struct json_section c, bool trunk, const struct checkpoint *checkpoint,
                      struct source *s)
{
    static const char *const known[] = {"embed_dim", "quick_gelu", "vision_cfg", "text_cfg"};
    struct format_header *h = &s->header;
    bool quick = json_take_bool(&c, "quick_gelu", false);

    if (c.status == CLIPC_OK &&
        (!json_has(&c, "embed_dim") || !json_has(&c, "vision_cfg") || !json_has(&c, "text_cfg"))) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: no model_cfg with embed_dim, vision_cfg and text_cfg", c.path);
    }
    open_clip_refuse_others(&c, known, sizeof known / sizeof known[0]);
    h->embed_dim = json_take_u32(&c, "embed_dim", 512, 1, CLIPC_MAX_DIM);
    struct json_section vision = json_section_of(&c, "vision_cfg");
    struct json_section text = json_section_of(&c, "text_cfg");
    int status = c.status == CLIPC_OK ? take_vision(vision, quick, trunk, checkpoint, s) : c.status;
    return status == CLIPC_OK ? open_clip_take_text(text, quick, s) : status;
}

bool open_clip_has_config(const char *folder)
{
    char *path = files_join(folder, FILE_NAME);
    bool there = path != NULL && files_exists(path);

    free(path);
    return there;
}

int open_clip_take_config(const char *what, const json_t *root, const struct layout_input *in,
                          bool trunk, struct source *s)
{
    struct json_section c = {what, "", root, CLIPC_OK};
    /* A file of OpenCLIP's model_configs is the model_cfg itself. */
    struct json_section model = json_has(&c, "model_cfg") ? json_section_of(&c, "model_cfg") : c;

    openai_defaults(&s->header);
    int status = take_model(model, trunk, in->checkpoint, s);
    return status == CLIPC_OK ? take_pictures(json_section_of(&c, "preprocess_cfg"), &s->header)
                              : status;
}

int open_clip_config(const struct layout_input *in, bool trunk, struct source *s)
{
    char *path = files_join(in->folder, FILE_NAME);
    json_t *root = path != NULL ? json_read_file(path, &s->files) : NULL;
    int status =
        root != NULL ? open_clip_take_config(path, root, in, trunk, s) : CLIPC_ERROR_FORMAT;

    json_decref(root);
    free(path);
    return status;
}
