/* layout_hf_clip.c - HuggingFace's CLIPModel: names and shapes as modeling_clip.py has them. */
#include "layout_hf.h"

static const struct layout_hf_name outside[] = {
    {"vision.patch_embed", "vision_model.embeddings.patch_embedding"},
    {"vision.class_embedding", "vision_model.embeddings.class_embedding"},
    {"vision.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
    {"vision.ln_pre", "vision_model.pre_layrnorm"}, /* the name of the published files */
    {"vision.ln_post", "vision_model.post_layernorm"},
    {"vision.projection", "visual_projection"},
    {"text.token_embedding", "text_model.embeddings.token_embedding.weight"},
    {"text.positional_embedding", "text_model.embeddings.position_embedding.weight"},
    {"text.ln_post", "text_model.final_layer_norm"},
    {"text.projection", "text_projection"}};

static void piece(const struct format_header *h, const struct weights_spec *spec, int piece,
                  struct layout_piece *out)
{
    layout_hf_piece(h, spec, piece, outside, sizeof outside / sizeof outside[0], out);
}

const struct layout layout_hf_clip = {"HuggingFace CLIPModel", FORMAT_HF,
                                      layout_hf_pieces,        piece,
                                      layout_hf_leftover,      layout_hf_config};
