/* layout.c - the known layouts, told apart by their tensors' names. */
#include "layout.h"

#include <string.h>

/* The first line of which some tensor's name begins with `prefix`, most telling first. */
static const struct {
    const char *prefix;
    const struct layout *layout; /* NULL: known, but not read */
    const char *what;
} layouts[] = {
    {"vision_model.head.", &layout_hf_siglip, NULL},
    {"visual.trunk.", NULL, "an OpenCLIP model with a tower of timm"},
    {"visual.conv1.", NULL, "a model under OpenAI's or OpenCLIP's names"},
    {"module.visual.", NULL, "a training checkpoint of OpenCLIP"},
    {"text_encoder.", NULL, "a diffusers pipeline"},
    {"vision_model.", &layout_hf_clip, NULL},
    {"text_model.", &layout_hf_clip, NULL},
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
                          "%s: %s, not read yet; get the same model as a HuggingFace CLIPModel",
                          c->path, layouts[i].what);
            }
            return layouts[i].layout;
        }
    }
    base_fail(CLIPC_ERROR_UNSUPPORTED,
              "%s: no CLIP model: no tensor's name begins with vision_model. or text_model. (the "
              "first is '%.100s')",
              c->path, c->n > 0 ? c->tensors[0]->name : "");
    return NULL;
}
