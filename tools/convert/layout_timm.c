/* layout_timm.c - an OpenCLIP model whose image tower is one of timm: the names of class
 * VisionTransformer in timm/models/vision_transformer.py under "visual.trunk.", and around it those
 * that OpenCLIP has from OpenAI. */
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "open_clip.h"

static const struct layout_name outside[] = {{"vision.patch_embed", "trunk.patch_embed.proj"},
                                             {"vision.class_embedding", "trunk.cls_token"},
                                             {"vision.positional_embedding", "trunk.pos_embed"},
                                             {"vision.ln_pre", "trunk.norm_pre"},
                                             {"vision.ln_post", "trunk.norm"},
                                             {"vision.map.probe", "trunk.attn_pool.latent"},
                                             {"vision.map.attn_out", "trunk.attn_pool.proj"},
                                             {"vision.map.ln_2", "trunk.attn_pool.norm"},
                                             {"vision.map.c_fc", "trunk.attn_pool.mlp.fc1"},
                                             {"vision.map.c_proj", "trunk.attn_pool.mlp.fc2"},
                                             {"vision.projection", "head.proj"}};

/* Where it is done behind the pooling, timm has another name for it. */
static const struct layout_name pooled[] = {{"vision.ln_post", "trunk.fc_norm"}};

static const struct layout_name within[] = {{"ln_1", "norm1"},       {"ln_2", "norm2"},
                                            {"attn_in", "attn.qkv"}, {"attn_out", "attn.proj"},
                                            {"c_fc", "mlp.fc1"},     {"c_proj", "mlp.fc2"}};

static bool is_map_input(const char *ours)
{
    return strncmp(ours, "vision.map.attn_in.", 19) == 0;
}

static int pieces(const struct weights_spec *spec)
{
    return is_map_input(spec->name) ? 3 : 1;
}

/* The query's layer, and two halves of one for keys and values. */
static void map_input(const char *ours, int number, struct layout_piece *out)
{
    snprintf(out->name, sizeof out->name, "visual.trunk.attn_pool.%s%s", number == 0 ? "q" : "kv",
             ours + 18);
    out->parts = number == 0 ? 1 : 2;
    out->part = number == 2;
}

static void their_name(const struct format_header *h, const char *ours, char *to, size_t room)
{
    const char *rest, *part = "";
    unsigned layer;
    int at = 0;

    if (sscanf(ours, "vision.%3u.%n", &layer, &at) == 1 && at > 0) {
        part = layout_look_up(within, sizeof within / sizeof within[0], ours + at, &rest);
        snprintf(to, room, "visual.trunk.blocks.%u.%s%s", layer, part, rest);
        return;
    }
    if (h->vision.flags & FORMAT_POST_LN_POOLED) {
        part = layout_look_up(pooled, 1, ours, &rest);
    }
    if (part[0] == '\0') {
        part = layout_look_up(outside, sizeof outside / sizeof outside[0], ours, &rest);
    }
    snprintf(to, room, "visual.%s%s", part, rest);
}

static void piece(const struct format_header *h, const struct weights_spec *spec, int number,
                  struct layout_piece *out)
{
    if (strncmp(spec->name, "vision.", 7) != 0) {
        layout_openai.piece(h, spec, number, out);
        return;
    }
    uint32_t of = (uint32_t)pieces(spec);
    memset(out, 0, sizeof *out);
    if (is_map_input(spec->name)) {
        map_input(spec->name, number, out);
    } else {
        their_name(h, spec->name, out->name, sizeof out->name);
    }
    uint64_t parts = out->parts > 1 ? out->parts : 1;
    if (strcmp(spec->name, "vision.patch_embed.weight") == 0) { /* Conv2d [out, in, y, x] */
        const uint64_t shape[] = {spec->rows, 3, h->patch_size, h->patch_size};
        memcpy(out->shape, shape, sizeof shape);
        out->n_dims = 4;
    } else if (strchr(spec->name + 7, '.') == NULL || strcmp(spec->name, "vision.map.probe") == 0) {
        const uint64_t shape[] = {1, spec->rows, spec->cols}; /* a batch of one */
        memcpy(out->shape, shape, sizeof shape);
        out->n_dims = 3;
    } else if (spec->layout == FORMAT_VECTOR) {
        out->shape[0] = spec->cols / of * parts;
        out->n_dims = 1;
    } else {
        out->shape[0] = spec->rows / of * parts;
        out->shape[1] = spec->cols;
        out->n_dims = 2;
    }
}

static bool scale(const struct source *s, const struct weights_spec *spec, struct layout_piece *out)
{
    unsigned block = 0;

    if (strncmp(spec->name, "vision.", 7) != 0) {
        return layout_openai.scale(s, spec, out);
    }
    int branch = layout_branch(s, spec, &block, out);
    snprintf(out->name, sizeof out->name, "visual.trunk.blocks.%u.ls%d.gamma", block, branch);
    return branch != 0;
}

static bool leftover(const char *name)
{
    return layout_openai.leftover(name);
}

static int config(const struct layout_input *in, struct source *s)
{
    if (in->arch != NULL) {
        return open_clip_arch(in, true, s);
    }
    if (open_clip_has_config(in->folder)) {
        return open_clip_config(in, true, s);
    }
    return base_fail(
        CLIPC_ERROR_UNSUPPORTED,
        "%s: an OpenCLIP model with an image tower of timm, whose heads and GELU the "
        "tensors do not say: put its open_clip_config.json beside it, or give --arch NAME",
        in->checkpoint->path);
}

const struct layout layout_timm = {
    "CLIP with an image tower of timm", FORMAT_OPENAI, pieces, piece, scale, leftover, config};
