/* layout_hf.c - from our names and shapes to those of transformers' modeling_clip.py and
 * modeling_siglip.py. */
#include "layout_hf.h"

#include <stdio.h>
#include <string.h>

#include "hf_config.h"

/* Ours -> theirs, within a block. */
static const struct layout_hf_name within[] = {{"ln_1", "layer_norm1"},
                                               {"ln_2", "layer_norm2"},
                                               {"attn_out", "self_attn.out_proj"},
                                               {"c_fc", "mlp.fc1"},
                                               {"c_proj", "mlp.fc2"}};

/* The line of `list` that `ours` begins with, to a dot or its end; *rest: what follows (".weight",
 * ".bias" or ""). */
static const char *look_up(const struct layout_hf_name *list, size_t n, const char *ours,
                           const char **rest)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(list[i].ours);
        if (strncmp(ours, list[i].ours, length) == 0 &&
            (ours[length] == '.' || ours[length] == '\0')) {
            *rest = ours + length;
            return list[i].theirs;
        }
    }
    *rest = "";
    return "";
}

/* A block's attn_in; that of SigLIP's head is one tensor there too. */
int layout_hf_pieces(const struct weights_spec *spec)
{
    return strstr(spec->name, ".attn_in.") != NULL && strstr(spec->name, ".map.") == NULL ? 3 : 1;
}

static void their_name(const char *ours, int piece, const struct layout_hf_name *outside, size_t n,
                       char *to, size_t room)
{
    static const char *const qkv[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
    char tower[8];
    const char *rest, *part;
    unsigned layer;
    int at = 0;

    if (sscanf(ours, "%7[a-z].%3u.%n", tower, &layer, &at) == 2 && at > 0) {
        part = look_up(within, sizeof within / sizeof within[0], ours + at, &rest);
        if (strncmp(ours + at, "attn_in.", 8) == 0) {
            part = qkv[piece];
            rest = ours + at + 7;
        }
        snprintf(to, room, "%s_model.encoder.layers.%u.%s%s", tower, layer, part, rest);
    } else {
        part = look_up(outside, n, ours, &rest);
        snprintf(to, room, "%s%s", part, rest);
    }
}

void layout_hf_piece(const struct format_header *h, const struct weights_spec *spec, int piece,
                     const struct layout_hf_name *outside, size_t n, struct layout_piece *out)
{
    uint32_t of = (uint32_t)layout_hf_pieces(spec);

    memset(out, 0, sizeof *out);
    their_name(spec->name, piece, outside, n, out->name, sizeof out->name);
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

bool layout_hf_leftover(const char *name)
{
    return strcmp(name, "text_model.embeddings.position_ids") == 0 ||
           strcmp(name, "vision_model.embeddings.position_ids") == 0;
}

int layout_hf_config(const struct layout_input *in, struct source *s)
{
    return in->arch == NULL
               ? hf_config_read(in->folder, s)
               : base_fail(CLIPC_ERROR_ARGUMENT,
                           "%s: --arch is for OpenCLIP's weights without a config; this is a "
                           "HuggingFace model, whose config.json says it all",
                           in->checkpoint->path);
}
