/* layout_openai.c - OpenAI's names and shapes, which OpenCLIP has kept: clip/model.py, class CLIP.
 * A projection without a bias is a parameter [width, embedding]: a layer's is turned. */
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "openai.h"
#include "open_clip.h"

/* Ours -> theirs, outside of the blocks and within one; the first part that fits. */
static const struct name {
    const char *ours, *theirs;
} outside[] = {{"vision.patch_embed", "visual.conv1"},
               {"vision.", "visual."},
               {"text.token_embedding", "token_embedding.weight"},
               {"text.ln_post", "ln_final"},
               {"text.projection", "text_projection"},
               {"text.", ""}},
  within[] = {{"attn_in.weight", "attn.in_proj_weight"},
              {"attn_in.bias", "attn.in_proj_bias"},
              {"attn_out", "attn.out_proj"},
              {"c_fc", "mlp.c_fc"},
              {"c_proj", "mlp.c_proj"},
              {"", ""}};

static void rename_part(const struct name *list, const char *ours, const char *prefix, char *to,
                        size_t room)
{
    while (strncmp(ours, list->ours, strlen(list->ours)) != 0) {
        list++;
    }
    snprintf(to, room, "%s%s%s", prefix, list->theirs, ours + strlen(list->ours));
}

/* A projection that is a parameter, [width, embedding]; NULL: it is not one, or is a layer with a
 * bias, which is kept as all layers are. */
static const char *parameter_of(const struct format_header *h, const char *ours)
{
    if (strcmp(ours, "vision.projection.weight") == 0) {
        return "visual.proj";
    }
    return strcmp(ours, "text.projection.weight") == 0 && !(h->text.flags & FORMAT_PROJECTION_BIAS)
               ? "text_projection"
               : NULL;
}

static int pieces(const struct weights_spec *spec)
{
    (void)spec;
    return 1;
}

static void piece(const struct format_header *h, const struct weights_spec *spec, int number,
                  struct layout_piece *out)
{
    const char *parameter = parameter_of(h, spec->name);
    char tower[8], prefix[64];
    unsigned layer;
    int at = 0;

    (void)number;
    memset(out, 0, sizeof *out);
    if (parameter != NULL) {
        strcpy(out->name, parameter);
    } else if (sscanf(spec->name, "%7[a-z].%3u.%n", tower, &layer, &at) == 2 && at > 0) {
        snprintf(prefix, sizeof prefix, "%stransformer.resblocks.%u.",
                 strcmp(tower, "vision") == 0 ? "visual." : "", layer);
        rename_part(within, spec->name + at, prefix, out->name, sizeof out->name);
    } else {
        rename_part(outside, spec->name, "", out->name, sizeof out->name);
    }
    if (strcmp(spec->name, "vision.patch_embed.weight") == 0) { /* Conv2d [out, in, y, x] */
        const uint64_t shape[] = {spec->rows, 3, h->patch_size, h->patch_size};
        memcpy(out->shape, shape, sizeof shape);
        out->n_dims = 4;
    } else if (spec->layout == FORMAT_VECTOR) {
        out->shape[0] = spec->cols;
        out->n_dims = 1;
    } else {
        out->transposed = parameter != NULL;
        out->shape[0] = out->transposed ? spec->cols : spec->rows;
        out->shape[1] = out->transposed ? spec->rows : spec->cols;
        out->n_dims = 2;
    }
}

static bool scale(const struct source *s, const struct weights_spec *spec, struct layout_piece *out)
{
    unsigned block = 0;
    int branch = layout_branch(s, spec, &block, out);

    snprintf(out->name, sizeof out->name, "%stransformer.resblocks.%u.ls_%d.gamma",
             spec->name[0] == 'v' ? "visual." : "", block, branch);
    return branch != 0;
}

/* What TorchScript keeps beside the parameters: three numbers, and the mask of old OpenCLIP. */
static bool leftover(const char *name)
{
    static const char *const known[] = {"input_resolution", "context_length", "vocab_size",
                                        "attn_mask"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Hyper-parameters from shapes, as build_model of clip/model.py finds them ---------------- */

static const struct tensor *find(const struct checkpoint *c, const char *name)
{
    size_t i = checkpoint_find(c, name);

    return i < c->n ? c->tensors[i] : NULL;
}

/* shape[dim] of the tensor `name`, which has n_dims of them and nothing larger than 2^24; else 0
 * and the sentence about the first that has not. */
static uint32_t size_of(const struct layout_input *in, const char *name, size_t n_dims, size_t dim,
                        int *status)
{
    const struct tensor *t = find(in->checkpoint, name);

    if (*status != CLIPC_OK) {
        return 0;
    }
    if (t == NULL || t->n_dims != n_dims || t->shape[dim] == 0 || t->shape[dim] > 1u << 24) {
        *status = base_fail(CLIPC_ERROR_FORMAT,
                            t == NULL ? "%s: tensor '%s' is missing"
                                      : "%s: tensor '%s' does not have the shape of a CLIP model's",
                            in->checkpoint->path, name);
        return 0;
    }
    return (uint32_t)t->shape[dim];
}

static uint32_t count_layers(const struct checkpoint *c, const char *prefix)
{
    char name[96];
    uint32_t n = 0;

    do {
        snprintf(name, sizeof name, "%stransformer.resblocks.%u.ln_1.weight", prefix, n);
        n++;
    } while (find(c, name) != NULL);
    return n - 1;
}

static void take_tower(const struct layout_input *in, const char *prefix, struct format_tower *t,
                       int *status)
{
    char name[96];

    snprintf(name, sizeof name, "%sln_%s.weight", prefix, prefix[0] != '\0' ? "post" : "final");
    t->width = size_of(in, name, 1, 0, status);
    t->layers = count_layers(in->checkpoint, prefix);
    snprintf(name, sizeof name, "%stransformer.resblocks.0.mlp.c_fc.weight", prefix);
    t->mlp_width = size_of(in, name, 2, 0, status);
    snprintf(name, sizeof name, "%spositional_embedding", prefix);
    t->positions = size_of(in, name, 2, 0, status);
    t->heads = t->width / 64; /* not stored: always 64 wide, or a little more */
    t->ln_eps = 1e-5f;
    t->activation = FORMAT_QUICK_GELU;
    if (*status == CLIPC_OK && (t->heads == 0 || t->width % t->heads != 0)) {
        *status =
            base_fail(CLIPC_ERROR_UNSUPPORTED,
                      "%s: a tower of width %u has no heads of 64: OpenAI's models have; give "
                      "OpenCLIP's with their open_clip_config.json or --arch NAME",
                      in->checkpoint->path, t->width);
    }
}

static void take_picture(const struct layout_input *in, struct format_header *h, int *status)
{
    uint32_t grid = 1, patches = h->vision.positions - 1;

    h->patch_size = size_of(in, "visual.conv1.weight", 4, 3, status);
    while (*status == CLIPC_OK && (uint64_t)grid * grid < patches) {
        grid++;
    }
    if (*status == CLIPC_OK &&
        (grid * grid != patches || h->patch_size > CLIPC_MAX_IMAGE_SIZE / grid)) {
        *status = base_fail(CLIPC_ERROR_FORMAT,
                            "%s: tensor 'visual.positional_embedding' of %u rows is no square of "
                            "patches of %u and a class token, or too large",
                            in->checkpoint->path, h->vision.positions, h->patch_size);
    }
    h->image_size = grid * h->patch_size;
}

void openai_defaults(struct format_header *h)
{
    static const float mean[3] = OPENAI_MEAN, std[3] = OPENAI_STD;

    h->score = FORMAT_SOFTMAX;
    h->resize = FORMAT_SHORTEST;
    h->filter = FORMAT_BICUBIC;
    h->preprocess = FORMAT_OPENAI;
    memcpy(h->mean, mean, sizeof mean);
    memcpy(h->std, std, sizeof std);
    h->vision.pool = FORMAT_POOL_CLASS;
    h->vision.flags = FORMAT_PRE_LN | FORMAT_CLASS_TOKEN | FORMAT_PROJECTION;
    h->text.pool = FORMAT_POOL_ARGMAX;
    h->text.flags = FORMAT_CAUSAL | FORMAT_PROJECTION;
    h->tokenizer_rules = FORMAT_OPENAI;
}

void openai_special_ids(struct format_header *h)
{
    h->sot_id = h->vocab_size - 2;
    h->eot_id = h->vocab_size - 1;
    h->pad_id = 0;
    if (h->vocab_size == OPENAI_VOCAB) {
        h->display_low = OPENAI_DISPLAY_LOW;
        h->display_high = OPENAI_DISPLAY_HIGH;
    }
}

static int take_shapes(const struct layout_input *in, struct source *s)
{
    struct format_header *h = &s->header;
    int status = CLIPC_OK;

    openai_defaults(h);
    take_tower(in, "visual.", &h->vision, &status);
    take_tower(in, "", &h->text, &status);
    take_picture(in, h, &status);
    h->embed_dim = size_of(in, "text_projection", 2, 1, &status);
    h->vocab_size = size_of(in, "token_embedding.weight", 2, 0, &status);
    if (status == CLIPC_OK && h->vocab_size < 3) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: a vocabulary of %u tokens",
                           in->checkpoint->path, h->vocab_size);
    }
    openai_special_ids(h);
    return status;
}

/* ---- Which of the two made it, and with which GELU ------------------------------------------- */

static bool is_named_open_clip(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strncmp(slash != NULL ? slash + 1 : path, "open_clip", 9) == 0;
}

/* OpenAI's own: an archive of TorchScript says what its modules are; a plain state dict says
 * nothing, which people are told. */
static int decide(const struct layout_input *in, struct source *s)
{
    const struct checkpoint *c = in->checkpoint;

    if (c->scripted && c->gelu && !c->quick_gelu) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: an archive of TorchScript with the erf GELU: OpenCLIP's, of which the "
            "shapes do not say enough; give --arch NAME",
            c->path);
    }
    if (!c->torch || c->wrapped || is_named_open_clip(c->path)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: a checkpoint of OpenCLIP, which does not say whether its GELU is "
                         "quick: put its open_clip_config.json beside it, or give --arch NAME "
                         "(an unknown one lists them)",
                         c->path);
    }
    if (!(c->scripted && c->quick_gelu)) {
        fprintf(stderr,
                "clipc: note: %s: taken for OpenAI's own model, whose GELU is quick; if OpenCLIP "
                "made it, give --arch NAME\n",
                c->path);
    }
    return take_shapes(in, s);
}

static int config(const struct layout_input *in, struct source *s)
{
    const struct checkpoint *c = in->checkpoint;

    if (in->arch != NULL && c->scripted && c->quick_gelu && !open_clip_arch_is_quick(in->arch)) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "%s: its modules are of class QuickGELU, which --arch %s has not", c->path,
                         in->arch);
    }
    return in->arch != NULL                   ? open_clip_arch(in, false, s)
           : open_clip_has_config(in->folder) ? open_clip_config(in, false, s)
                                              : decide(in, s);
}

const struct layout layout_openai = {
    "CLIP under OpenAI's names", FORMAT_OPENAI, pieces, piece, scale, leftover, config};
