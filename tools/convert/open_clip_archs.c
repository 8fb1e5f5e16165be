/* open_clip_archs.c - OpenCLIP's models by name, for weights without a config: the figures of
 * src/open_clip/model_configs there, of those whose towers are CLIP's own. */
#include <stdio.h>
#include <string.h>

#include "open_clip.h"
#include "openai.h"

static const struct arch {
    const char *name;
    uint16_t embed_dim, image_size, patch_size;
    struct {
        uint16_t layers, width, heads, mlp_width;
    } vision, text;
    bool with_quick_gelu; /* there is a NAME-quickgelu too */
} archs[] = {
    {"ViT-S-32", 384, 224, 32, {12, 384, 6, 1536}, {12, 384, 6, 1536}, false},
    {"ViT-S-16", 384, 224, 16, {12, 384, 6, 1536}, {12, 384, 6, 1536}, false},
    {"ViT-S-32-alt", 256, 224, 32, {12, 384, 6, 1536}, {10, 256, 4, 1024}, false},
    {"ViT-S-16-alt", 256, 224, 16, {12, 384, 6, 1536}, {10, 256, 4, 1024}, false},
    {"ViT-M-32", 512, 224, 32, {12, 512, 8, 2048}, {12, 512, 8, 2048}, false},
    {"ViT-M-16", 512, 224, 16, {12, 512, 8, 2048}, {12, 512, 8, 2048}, false},
    {"ViT-M-32-alt", 384, 224, 32, {12, 512, 8, 2048}, {12, 384, 6, 1536}, false},
    {"ViT-B-32", 512, 224, 32, {12, 768, 12, 3072}, {12, 512, 8, 2048}, true},
    {"ViT-B-32-256", 512, 256, 32, {12, 768, 12, 3072}, {12, 512, 8, 2048}, false},
    {"ViT-B-32-plus-256", 640, 256, 32, {12, 896, 14, 3584}, {12, 640, 10, 2560}, false},
    {"ViT-B-16", 512, 224, 16, {12, 768, 12, 3072}, {12, 512, 8, 2048}, true},
    {"ViT-B-16-plus", 640, 224, 16, {12, 896, 14, 3584}, {12, 640, 10, 2560}, false},
    {"ViT-B-16-plus-240", 640, 240, 16, {12, 896, 14, 3584}, {12, 640, 10, 2560}, false},
    {"ViT-L-16", 768, 224, 16, {24, 1024, 16, 4096}, {12, 768, 12, 3072}, false},
    {"ViT-L-16-320", 768, 320, 16, {24, 1024, 16, 4096}, {12, 768, 12, 3072}, false},
    {"ViT-L-14", 768, 224, 14, {24, 1024, 16, 4096}, {12, 768, 12, 3072}, true},
    {"ViT-L-14-280", 768, 280, 14, {24, 1024, 16, 4096}, {12, 768, 12, 3072}, false},
    {"ViT-L-14-336", 768, 336, 14, {24, 1024, 16, 4096}, {12, 768, 12, 3072}, true},
    {"ViT-H-16", 1024, 224, 16, {32, 1280, 16, 5120}, {12, 1024, 16, 4096}, false},
    {"ViT-H-14", 1024, 224, 14, {32, 1280, 16, 5120}, {24, 1024, 16, 4096}, true},
    {"ViT-H-14-378", 1024, 378, 14, {32, 1280, 16, 5120}, {24, 1024, 16, 4096}, true},
    {"ViT-g-14", 1024, 224, 14, {40, 1408, 16, 6144}, {12, 1024, 16, 4096}, false},
    {"ViT-bigG-14", 1280, 224, 14, {48, 1664, 16, 8192}, {32, 1280, 20, 5120}, true},
    {"ViT-e-14", 1280, 224, 14, {56, 1792, 16, 15360}, {36, 1280, 20, 5120}, false},
};
enum { N_ARCHS = sizeof archs / sizeof archs[0] };
#define QUICK "-quickgelu"

/* NULL: none of that name. */
static const struct arch *find(const char *name, bool *quick)
{
    size_t n = strlen(name), ending = strlen(QUICK);

    *quick = n > ending && strcmp(name + n - ending, QUICK) == 0;
    n -= *quick ? ending : 0;
    for (size_t i = 0; i < N_ARCHS; i++) {
        if (strlen(archs[i].name) == n && strncmp(archs[i].name, name, n) == 0 &&
            (!*quick || archs[i].with_quick_gelu)) {
            return &archs[i];
        }
    }
    return NULL;
}

bool open_clip_arch_is_quick(const char *name)
{
    bool quick;

    return find(name, &quick) != NULL && quick;
}

static int unknown(const char *name)
{
    char list[420];
    size_t used = 0;

    for (size_t i = 0; i < N_ARCHS && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s%s", i == 0 ? "" : " ",
                                 archs[i].name, archs[i].with_quick_gelu ? "[" QUICK "]" : "");
    }
    return base_fail(CLIPC_ERROR_ARGUMENT,
                     "--arch %.60s: known are %s, and OpenCLIP's SigLIP, SigLIP2 and CLIPA models",
                     name, list);
}

static int take_family(const struct layout_input *in, bool trunk, struct source *s)
{
    char what[80];

    snprintf(what, sizeof what, "--arch %.60s", in->arch);
    json_t *root = open_clip_family(what, in->arch);
    if (root == NULL) {
        return unknown(in->arch);
    }
    int status = open_clip_take_config(what, root, in, trunk, s);
    json_decref(root);
    return status;
}

int open_clip_arch(const struct layout_input *in, bool trunk, struct source *s)
{
    const char *name = in->arch;
    struct format_header *h = &s->header;
    bool quick;
    const struct arch *a = find(name, &quick);

    if (a == NULL) {
        return take_family(in, trunk, s);
    }
    if (trunk) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "%s: its image tower is timm's (visual.trunk.), which --arch %s has not",
                         in->checkpoint->path, name);
    }
    openai_defaults(h);
    h->embed_dim = a->embed_dim;
    h->image_size = a->image_size;
    h->patch_size = a->patch_size;
    h->vocab_size = OPENAI_VOCAB;
    for (int text = 0; text < 2; text++) {
        struct format_tower *t = text ? &h->text : &h->vision;
        t->layers = text ? a->text.layers : a->vision.layers;
        t->width = text ? a->text.width : a->vision.width;
        t->heads = text ? a->text.heads : a->vision.heads;
        t->mlp_width = text ? a->text.mlp_width : a->vision.mlp_width;
        t->activation = quick ? FORMAT_QUICK_GELU : FORMAT_GELU_ERF;
        t->ln_eps = 1e-5f;
    }
    uint32_t grid = h->image_size / h->patch_size;
    h->vision.positions = grid * grid + 1;
    h->text.positions = 77;
    openai_special_ids(h);
    fprintf(stderr, "clipc: note: --arch %s: OpenCLIP's usual preprocessing is assumed\n", name);
    return CLIPC_OK;
}
