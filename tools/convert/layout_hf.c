/* layout_hf.c - from our names and shapes to those of transformers' modeling_clip.py and
 * modeling_siglip.py. */
#include <stdio.h>
#include <string.h>

#include "hf_config.h"
#include "layout.h"

/* What is in no block.  Which of it a model has, its config says; a name that both classes use is
 * the same in both. */
static const struct layout_name outside[] = {
    {"vision.patch_embed", "vision_model.embeddings.patch_embedding"},
    {"vision.class_embedding", "vision_model.embeddings.class_embedding"},
    {"vision.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
    {"vision.ln_pre", "vision_model.pre_layrnorm"}, /* the name of the published files */
    {"vision.ln_post", "vision_model.post_layernorm"},
    {"vision.map.probe", "vision_model.head.probe"},
    {"vision.map.attn_in.weight", "vision_model.head.attention.in_proj_weight"},
    {"vision.map.attn_in.bias", "vision_model.head.attention.in_proj_bias"},
    {"vision.map.attn_out", "vision_model.head.attention.out_proj"},
    {"vision.map.ln_2", "vision_model.head.layernorm"},
    {"vision.map.c_fc", "vision_model.head.mlp.fc1"},
    {"vision.map.c_proj", "vision_model.head.mlp.fc2"},
    {"vision.projection", "visual_projection"},
    {"text.token_embedding", "text_model.embeddings.token_embedding.weight"},
    {"text.positional_embedding", "text_model.embeddings.position_embedding.weight"},
    {"text.ln_post", "text_model.final_layer_norm"},
    {"text.projection", "text_projection"}};

/* But for the last: SiglipModel's is a part of its tower, and has a bias. */
static const struct layout_name biased[] = {{"text.projection", "text_model.head"}};

/* Within a block. */
static const struct layout_name within[] = {{"ln_1", "layer_norm1"},
                                            {"ln_2", "layer_norm2"},
                                            {"attn_out", "self_attn.out_proj"},
                                            {"c_fc", "mlp.fc1"},
                                            {"c_proj", "mlp.fc2"}};

/* A block's attn_in; that of SigLIP's head is one tensor there too. */
static int pieces(const struct weights_spec *spec)
{
    return strstr(spec->name, ".attn_in.") != NULL && strstr(spec->name, ".map.") == NULL ? 3 : 1;
}

static void their_name(const struct format_header *h, const char *ours, int piece, char *to,
                       size_t room)
{
    static const char *const qkv[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
    char tower[8];
    const char *rest, *part;
    unsigned layer;
    int at = 0;

    if (sscanf(ours, "%7[a-z].%3u.%n", tower, &layer, &at) == 2 && at > 0) {
        part = layout_look_up(within, sizeof within / sizeof within[0], ours + at, &rest);
        if (strncmp(ours + at, "attn_in.", 8) == 0) {
            part = qkv[piece];
            rest = ours + at + 7;
        }
        snprintf(to, room, "%s_model.encoder.layers.%u.%s%s", tower, layer, part, rest);
        return;
    }
    part = h->text.flags & FORMAT_PROJECTION_BIAS ? layout_look_up(biased, 1, ours, &rest) : "";
    if (part[0] == '\0') {
        part = layout_look_up(outside, sizeof outside / sizeof outside[0], ours, &rest);
    }
    snprintf(to, room, "%s%s", part, rest);
}

static void piece(const struct format_header *h, const struct weights_spec *spec, int number,
                  struct layout_piece *out)
{
    uint32_t of = (uint32_t)pieces(spec);

    memset(out, 0, sizeof *out);
    their_name(h, spec->name, number, out->name, sizeof out->name);
    if (strcmp(spec->name, "vision.patch_embed.weight") == 0) { /* Conv2d [out, in, y, x] */
        const uint64_t shape[] = {spec->rows, 3, h->patch_size, h->patch_size};
        memcpy(out->shape, shape, sizeof shape);
        out->n_dims = 4;
    } else if (strcmp(spec->name, "vision.map.probe") == 0) {
        const uint64_t shape[] = {1, 1, spec->cols};
        memcpy(out->shape, shape, sizeof shape);
        out->n_dims = 3;
    } else if (spec->layout == FORMAT_VECTOR) {
        out->shape[0] = spec->cols / of;
        out->n_dims = 1;
    } else {
        out->shape[0] = spec->rows / of;
        out->shape[1] = spec->cols;
        out->n_dims = 2;
    }
}

/* Files of before transformers 4.31 hold the numbers 0, 1, 2, ... as tensors. */
static bool leftover(const char *name)
{
    return strcmp(name, "text_model.embeddings.position_ids") == 0 ||
           strcmp(name, "vision_model.embeddings.position_ids") == 0;
}

static int config(const struct layout_input *in, struct source *s)
{
    return in->arch == NULL
               ? hf_config_read(in->folder, s)
               : base_fail(CLIPC_ERROR_ARGUMENT,
                           "%s: --arch is for OpenCLIP's weights without a config; this is a "
                           "HuggingFace model, whose config.json says it all",
                           in->checkpoint->path);
}

const struct layout layout_hf = {
    "HuggingFace model", FORMAT_HF, pieces, piece, NULL, leftover, config};
