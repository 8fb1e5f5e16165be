/* open_clip_families.c - OpenCLIP's SigLIP, SigLIP 2 and CLIPA models by name, for weights without
 * a config: each as the config that src/open_clip/model_configs there has for it, with the
 * preprocess_cfg of src/open_clip/pretrained.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "open_clip.h"

/* The towers of one size: the image tower by timm's name, the text tower. */
struct size {
    const char *timm;
    unsigned embed_dim, width, heads, layers;
    double mlp_ratio;
};
static const struct size base = {"base", 768, 768, 12, 12, 4},
                         large = {"large", 1024, 1024, 16, 24, 4},
                         so400m = {"so400m", 1152, 1152, 16, 27, 3.7362},
                         giant = {"giantopt", 1536, 1152, 16, 27, 3.7362};

enum words { ENGLISH, MULTILINGUAL, GEMMA }; /* Gemma's came with SigLIP 2 */

static const struct siglip {
    const char *name;
    const struct size *size;
    unsigned patch_size, image_size;
    enum words words;
} siglips[] = {
    {"ViT-B-16-SigLIP", &base, 16, 224, ENGLISH},
    {"ViT-B-16-SigLIP-256", &base, 16, 256, ENGLISH},
    {"ViT-B-16-SigLIP-i18n-256", &base, 16, 256, MULTILINGUAL},
    {"ViT-B-16-SigLIP-384", &base, 16, 384, ENGLISH},
    {"ViT-B-16-SigLIP-512", &base, 16, 512, ENGLISH},
    {"ViT-L-16-SigLIP-256", &large, 16, 256, ENGLISH},
    {"ViT-L-16-SigLIP-384", &large, 16, 384, ENGLISH},
    {"ViT-SO400M-14-SigLIP", &so400m, 14, 224, ENGLISH},
    {"ViT-SO400M-14-SigLIP-378", &so400m, 14, 378, ENGLISH},
    {"ViT-SO400M-14-SigLIP-384", &so400m, 14, 384, ENGLISH},
    {"ViT-SO400M-16-SigLIP-i18n-256", &so400m, 16, 256, MULTILINGUAL},
    {"ViT-B-32-SigLIP2-256", &base, 32, 256, GEMMA},
    {"ViT-B-16-SigLIP2", &base, 16, 224, GEMMA},
    {"ViT-B-16-SigLIP2-256", &base, 16, 256, GEMMA},
    {"ViT-B-16-SigLIP2-384", &base, 16, 384, GEMMA},
    {"ViT-B-16-SigLIP2-512", &base, 16, 512, GEMMA},
    {"ViT-L-16-SigLIP2-256", &large, 16, 256, GEMMA},
    {"ViT-L-16-SigLIP2-384", &large, 16, 384, GEMMA},
    {"ViT-L-16-SigLIP2-512", &large, 16, 512, GEMMA},
    {"ViT-SO400M-14-SigLIP2", &so400m, 14, 224, GEMMA},
    {"ViT-SO400M-14-SigLIP2-378", &so400m, 14, 378, GEMMA},
    {"ViT-SO400M-16-SigLIP2-256", &so400m, 16, 256, GEMMA},
    {"ViT-SO400M-16-SigLIP2-384", &so400m, 16, 384, GEMMA},
    {"ViT-SO400M-16-SigLIP2-512", &so400m, 16, 512, GEMMA},
    {"ViT-gopt-16-SigLIP2-256", &giant, 16, 256, GEMMA},
    {"ViT-gopt-16-SigLIP2-384", &giant, 16, 384, GEMMA},
};

static const struct clipa {
    const char *name; /* and with "-336" behind it, of larger images */
    unsigned embed_dim, layers, width, head_width;
    double mlp_ratio;
    unsigned heads, text_layers; /* of the text tower, which is embed_dim wide */
} clipas[] = {
    {"ViT-L-14-CLIPA", 768, 24, 1024, 64, 4, 12, 12},
    {"ViT-H-14-CLIPA", 1024, 32, 1280, 80, 4, 16, 24},
    {"ViT-bigG-14-CLIPA", 1280, 48, 1664, 104, 4.9231, 20, 32},
};

enum { ROOM = 1024 };

/* One was published with 16 positions of text, one without a projection of it. */
static void write_siglip(const struct siglip *m, char *to)
{
    static const unsigned vocab[] = {32000, 250000, 256000};
    static const char *const home[] = {"SigLIP", "SigLIP-i18n-256", "SigLIP2"};
    bool first = strcmp(m->name, "ViT-SO400M-14-SigLIP") == 0;
    bool bare = m->size == &so400m && m->words == MULTILINGUAL;

    snprintf(to, ROOM,
             "{\"model_cfg\": {\"embed_dim\": %u, \"vision_cfg\": {\"image_size\": %u, "
             "\"timm_model_name\": \"vit_%s_patch%u_siglip_%u\", \"timm_pool\": \"map\", "
             "\"timm_proj\": \"none\"}, \"text_cfg\": {\"context_length\": %u, \"vocab_size\": %u, "
             "\"hf_tokenizer_name\": \"timm/ViT-B-16-%s\", \"tokenizer_kwargs\": {\"clean\": "
             "\"canonicalize\"}, \"width\": %u, \"heads\": %u, \"layers\": %u, "
             "\"mlp_ratio\": %g, \"no_causal_mask\": true, \"pool_type\": \"last\", %s, "
             "\"norm_kwargs\": {\"eps\": 1e-6}%s}}, \"preprocess_cfg\": {\"mean\": 0.5, \"std\": "
             "0.5, \"interpolation\": \"bicubic\", \"resize_mode\": \"squash\"}}",
             m->size->embed_dim, m->image_size, m->size->timm, m->patch_size, m->image_size,
             first ? 16 : 64, vocab[m->words], home[m->words], m->size->width, m->size->heads,
             m->size->layers, m->size->mlp_ratio,
             bare ? "\"proj_type\": \"none\"" : "\"proj_bias\": true",
             m->words == GEMMA ? ", \"act_kwargs\": {\"approximate\": \"tanh\"}" : "");
}

static void write_clipa(const struct clipa *m, unsigned image_size, char *to)
{
    snprintf(to, ROOM,
             "{\"model_cfg\": {\"embed_dim\": %u, \"vision_cfg\": {\"image_size\": %u, "
             "\"layers\": %u, \"width\": %u, \"head_width\": %u, \"mlp_ratio\": %g, "
             "\"patch_size\": 14, \"no_ln_pre\": true, \"pool_type\": \"avg\", "
             "\"final_ln_after_pool\": true}, \"text_cfg\": {\"context_length\": 32, "
             "\"vocab_size\": 32000, \"hf_tokenizer_name\": \"bert-base-uncased\", "
             "\"tokenizer_kwargs\": {\"strip_sep_token\": true}, \"width\": %u, \"heads\": %u, "
             "\"layers\": %u, \"pool_type\": \"last\", \"no_causal_mask\": true}}, "
             "\"preprocess_cfg\": {\"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, "
             "0.225], \"interpolation\": \"bilinear\", \"resize_mode\": \"squash\"}}",
             m->embed_dim, image_size, m->layers, m->width, m->head_width, m->mlp_ratio,
             m->embed_dim, m->heads, m->text_layers);
}

/* The config of that name to to: [ROOM]; false: there is none. */
static bool write_config(const char *name, char *to)
{
    for (size_t i = 0; i < sizeof siglips / sizeof siglips[0]; i++) {
        if (strcmp(name, siglips[i].name) == 0) {
            write_siglip(&siglips[i], to);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof clipas / sizeof clipas[0]; i++) {
        size_t n = strlen(clipas[i].name);
        if (strncmp(name, clipas[i].name, n) == 0 &&
            (name[n] == '\0' || strcmp(name + n, "-336") == 0)) {
            write_clipa(&clipas[i], name[n] == '\0' ? 224 : 336, to);
            return true;
        }
    }
    return false;
}

json_t *open_clip_family(const char *what, const char *name)
{
    char text[ROOM];

    return write_config(name, text) ? json_parse(what, text, strlen(text)) : NULL;
}
