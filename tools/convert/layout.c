/* layout.c - the known layouts, told apart by their tensors' names. */
#include "layout.h"

#include <stdio.h>
#include <string.h>

/* The first line of which some tensor's name begins with `prefix`, most telling first. */
static const struct {
    const char *prefix;
    const struct layout *layout; /* NULL: known, but not read */
    const char *what, *needs;
} layouts[] = {
    {"visual.layer1.", NULL, "a CLIP with a ResNet (RN50 and its like)",
     "convolutions, and pooling by attention over their last grid"},
    {"visual.blocks.", NULL, "an EVA-CLIP model", "rotary positions and gated MLPs"},
    {"visual.attn_pool.", NULL, "a model that pools pictures by attention (CoCa, PE-Core)",
     "a pooling by more than one query, and of PE-Core rotary positions"},
    {"text.transformer.embeddings.", NULL, "an OpenCLIP model with a text tower of transformers",
     "blocks that normalise behind their sums, as BERT's and XLM-RoBERTa's do"},
    {"text.transformer.encoder.", NULL, "an OpenCLIP model with a text tower of transformers",
     "an encoder of another kind (T5's)"},
    {"text_decoder.", NULL, "a CoCa model", "a pooling by more than one query"},
    {"visual.trunk.", &layout_timm, NULL, NULL},
    {"visual.head.", NULL, "an OpenCLIP model with another image tower", "that tower"},
    {"visual.conv1.", &layout_openai, NULL, NULL},
    {"text_encoder.", NULL, "a diffusers pipeline", "the CLIP in it as a model of its own"},
    {"vision_model.", &layout_hf, NULL, NULL},
    {"text_model.", &layout_hf, NULL, NULL},
};

const struct layout *layout_of(const struct checkpoint *c)
{
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        for (size_t j = 0; j < c->n; j++) {
            if (strncmp(c->tensors[j]->name, layouts[i].prefix, strlen(layouts[i].prefix)) != 0) {
                continue;
            }
            if (layouts[i].layout == NULL) {
                base_fail(CLIPC_ERROR_UNSUPPORTED,
                          "%s: %s, which clipc does not compute: it would need %s", c->path,
                          layouts[i].what, layouts[i].needs);
            }
            return layouts[i].layout;
        }
    }
    base_fail(
        CLIPC_ERROR_UNSUPPORTED,
        "%s: no CLIP model: no tensor's name begins with vision_model., text_model. or visual. "
        "(the first is '%.100s')",
        c->path, c->n > 0 ? c->tensors[0]->name : "");
    return NULL;
}

const char *layout_look_up(const struct layout_name *list, size_t n, const char *ours,
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

int layout_branch(const struct source *s, const struct weights_spec *spec, unsigned *block,
                  struct layout_piece *out)
{
    bool text = strncmp(spec->name, "text.", 5) == 0;
    int at = 0;

    memset(out, 0, sizeof *out);
    if (!(text ? s->scaled_text : s->scaled_vision) ||
        sscanf(spec->name, "%*7[a-z].%3u.%n", block, &at) != 1 || at == 0) {
        return 0;
    }
    out->n_dims = 1;
    out->shape[0] = text ? s->header.text.width : s->header.vision.width;
    return strncmp(spec->name + at, "attn_out.", 9) == 0 ? 1
           : strncmp(spec->name + at, "c_proj.", 7) == 0 ? 2
                                                         : 0;
}
