/* layout_hf_siglip.c - HuggingFace's SiglipModel: names and shapes as modeling_siglip.py has
 * them. */
#include "layout_hf.h"

static const struct layout_hf_name outside[] = {
    {"vision.patch_embed", "vision_model.embeddings.patch_embedding"},
    {"vision.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
    {"vision.ln_post", "vision_model.post_layernorm"},
    {"vision.map.probe", "vision_model.head.probe"},
    {"vision.map.attn_in.weight", "vision_model.head.attention.in_proj_weight"},
    {"vision.map.attn_in.bias", "vision_model.head.attention.in_proj_bias"},
    {"vision.map.attn_out", "vision_model.head.attention.out_proj"},
    {"vision.map.ln_2", "vision_model.head.layernorm"},
    {"vision.map.c_fc", "vision_model.head.mlp.fc1"},
    {"vision.map.c_proj", "vision_model.head.mlp.fc2"},
    {"text.token_embedding", "text_model.embeddings.token_embedding.weight"},
    {"text.positional_embedding", "text_model.embeddings.position_embedding.weight"},
    {"text.ln_post", "text_model.final_layer_norm"},
    {"text.projection", "text_model.head"}};

static void piece(const struct format_header *h, const struct weights_spec *spec, int piece,
                  struct layout_piece *out)
{
    layout_hf_piece(h, spec, piece, outside, sizeof outside / sizeof outside[0], out);
}

const struct layout layout_hf_siglip = {"HuggingFace SiglipModel", FORMAT_HF,
                                        layout_hf_pieces,          piece,
                                        layout_hf_leftover,        layout_hf_config};
