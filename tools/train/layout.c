/* layout.c - the list of parameters: HuggingFace's names, openai/CLIP's initial spreads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define HEADS 0.02 /* spread of the heads' first weights */

static void add(struct model_layout *l, double spread, bool decay, int n_dims, size_t a, size_t b,
                size_t c, const char *prefix, const char *name)
{
    struct model_tensor *t = &l->tensors[l->n++];

    snprintf(t->name, sizeof t->name, "%s%s", prefix, name);
    t->n_dims = n_dims;
    t->shape[0] = a;
    t->shape[1] = b;
    t->shape[2] = t->shape[3] = c;
    t->rows = n_dims > 1 ? a : 1;
    t->cols = n_dims == 4 ? b * c * c : n_dims == 2 ? b : a;
    t->offset = l->total;
    t->spread = spread;
    t->decay = decay;
    l->total += t->rows * t->cols;
}

static void add_norm(struct model_layout *l, int width, const char *prefix, const char *name)
{
    char full[80];

    snprintf(full, sizeof full, "%s.weight", name);
    add(l, -1, false, 1, (size_t)width, 0, 0, prefix, full);
    snprintf(full, sizeof full, "%s.bias", name);
    add(l, 0, false, 1, (size_t)width, 0, 0, prefix, full);
}

static void add_linear(struct model_layout *l, double spread, int out, int in, const char *prefix,
                       const char *name)
{
    char full[80];

    snprintf(full, sizeof full, "%s.weight", name);
    add(l, spread, true, 2, (size_t)out, (size_t)in, 0, prefix, full);
    snprintf(full, sizeof full, "%s.bias", name);
    add(l, 0, false, 1, (size_t)out, 0, 0, prefix, full);
}

/* The three weights in a row, then their biases: together one matrix [3 width, width]. */
static void add_qkv(struct model_layout *l, double spread, size_t width, const char *prefix)
{
    static const char *const weights[] = {"self_attn.q_proj.weight", "self_attn.k_proj.weight",
                                          "self_attn.v_proj.weight"};
    static const char *const biases[] = {"self_attn.q_proj.bias", "self_attn.k_proj.bias",
                                         "self_attn.v_proj.bias"};

    for (int i = 0; i < 3; i++) {
        add(l, spread, true, 2, width, width, 0, prefix, weights[i]);
    }
    for (int i = 0; i < 3; i++) {
        add(l, 0, false, 1, width, 0, 0, prefix, biases[i]);
    }
}

static void add_blocks(struct model_layout *l, const struct model_tower *t, const char *tower)
{
    int first = l->n;
    double attn = 1 / sqrt(t->width), proj = attn / sqrt(2.0 * t->layers),
           fc = 1 / sqrt(2.0 * t->width);
    char p[80];

    for (int i = 0; i < t->layers; i++) {
        snprintf(p, sizeof p, "%s.encoder.layers.%d.", tower, i);
        add_norm(l, t->width, p, "layer_norm1");
        add_qkv(l, attn, (size_t)t->width, p);
        add_linear(l, proj, t->width, t->width, p, "self_attn.out_proj");
        add_norm(l, t->width, p, "layer_norm2");
        add_linear(l, fc, t->mlp, t->width, p, "mlp.fc1");
        add_linear(l, proj, t->width, t->mlp, p, "mlp.fc2");
    }
    for (int i = first; i < l->n; i++) {
        l->tensors[i].of_block = l->tensors[i].n_dims == 2;
    }
}

int model_labels(const struct model_config *config)
{
    int n = 0;

    for (int g = 0; g < MODEL_GROUPS; g++) {
        n += config->groups[g];
    }
    return n;
}

void model_layout_make(struct model_layout *l, const struct model_config *config)
{
    const struct model_tower *v = &config->vision, *t = &config->text;
    size_t vw = (size_t)v->width, tw = (size_t)t->width, patch = (size_t)config->patch;
    int labels = model_labels(config);

    memset(l, 0, sizeof *l);
    l->config = *config;
    l->tensors = calloc((size_t)(16 * (v->layers + t->layers) + 20), sizeof *l->tensors);
    if (l->tensors == NULL) {
        return;
    }
    add(l, 0, false, 0, 1, 0, 0, "", "logit_scale");
    add(l, 1 / sqrt(3.0 * config->patch * config->patch), true, 4, vw, 3, patch, "",
        "vision_model.embeddings.patch_embedding.weight");
    add(l, 1 / sqrt(v->width), false, 1, vw, 0, 0, "", "vision_model.embeddings.class_embedding");
    add(l, 1 / sqrt(v->width), false, 2, (size_t)v->tokens, vw, 0, "",
        "vision_model.embeddings.position_embedding.weight");
    add_norm(l, v->width, "vision_model.", "pre_layrnorm");
    add_blocks(l, v, "vision_model");
    add_norm(l, v->width, "vision_model.", "post_layernorm");
    add(l, 1 / sqrt(v->width), true, 2, (size_t)config->embed, vw, 0, "",
        "visual_projection.weight");
    add(l, 0.02, false, 2, (size_t)config->vocab, tw, 0, "",
        "text_model.embeddings.token_embedding.weight");
    add(l, 0.01, false, 2, (size_t)t->tokens, tw, 0, "",
        "text_model.embeddings.position_embedding.weight");
    add_blocks(l, t, "text_model");
    add_norm(l, t->width, "text_model.", "final_layer_norm");
    add(l, 1 / sqrt(t->width), true, 2, (size_t)config->embed, tw, 0, "", "text_projection.weight");
    l->exported = l->n;
    add_linear(l, HEADS, labels, v->width, "", MODEL_CLASS);
    add_linear(l, HEADS, labels, v->width, "", MODEL_PATCHES);
}

void model_layout_free(struct model_layout *l)
{
    free(l->tensors);
    l->tensors = NULL;
}

size_t model_offset(const struct model_layout *l, const char *name)
{
    for (int i = 0; i < l->n; i++) {
        if (strcmp(l->tensors[i].name, name) == 0) {
            return l->tensors[i].offset;
        }
    }
    fprintf(stderr, "clipc-train: no parameter '%s'\n", name);
    exit(1);
}
