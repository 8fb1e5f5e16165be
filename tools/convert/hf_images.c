/* hf_images.c - an image processor's file: which of transformers' classes, and what it does.  What
 * the weight file cannot say is refused by its key. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hf_config.h"
#include "json_read.h"
#include "openai.h"

enum { BILINEAR = 2, BICUBIC = 3 }; /* PIL.Image.Resampling */

/* The classes whose work is resize, perhaps crop, rescale and normalise; what each does with a key
 * that its file leaves out. */
static const struct processor {
    const char *name;
    bool square; /* a size that is one number is height and width, not the shorter side */
    bool crops;
    uint32_t resample;
    float mean[3], std[3];
} processors[] = {
    {"CLIP", false, true, BICUBIC, OPENAI_MEAN, OPENAI_STD},
    {"ViT", true, false, BILINEAR, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}},
    {"Siglip", true, false, BICUBIC, {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}},
    {"Blip", true, false, BICUBIC, OPENAI_MEAN, OPENAI_STD},
};

/* The class that the file names: a family, then ImageProcessor (Fast, Pil) or, of old,
 * FeatureExtractor. */
static const struct processor *find_processor(struct json_section *c)
{
    const char *key =
        json_has(c, "image_processor_type") ? "image_processor_type" : "feature_extractor_type";
    const char *name = json_take_string(c, key, "CLIPImageProcessor");
    static const char *const endings[] = {"ImageProcessor", "ImageProcessorFast",
                                          "ImageProcessorPil", "FeatureExtractor"};

    for (size_t i = 0; i < sizeof processors / sizeof processors[0]; i++) {
        size_t n = strlen(processors[i].name);
        for (size_t j = 0; j < sizeof endings / sizeof endings[0]; j++) {
            if (strncmp(name, processors[i].name, n) == 0 && strcmp(name + n, endings[j]) == 0) {
                return &processors[i];
            }
        }
    }
    json_refuse(c, key,
                "known are CLIPImageProcessor, ViTImageProcessor, SiglipImageProcessor and "
                "BlipImageProcessor");
    return &processors[0];
}

/* 224, [224, 224], {"shortest_edge": 224} or {"height": 224, "width": 224}: is it `want`?  A single
 * number is a square when `*square`, which becomes what the value says. */
static void take_side(struct json_section *c, const char *key, uint32_t want, bool *square)
{
    const json_t *value = json_object_get(c->object, key), *two[2] = {value, value};

    if (c->status != CLIPC_OK || !json_has(c, key)) {
        return;
    }
    if (json_is_object(value)) {
        struct json_section side = json_section_of(c, key);
        *square = !json_has(&side, "shortest_edge");
        two[0] = json_object_get(value, *square ? "height" : "shortest_edge");
        two[1] = *square ? json_object_get(value, "width") : two[0];
    } else if (json_is_array(value)) {
        *square = true;
        two[0] = json_array_size(value) == 2 ? json_array_get(value, 0) : NULL;
        two[1] = json_array_get(value, 1);
    }
    for (int i = 0; i < 2; i++) {
        if (!json_is_integer(two[i]) || json_integer_value(two[i]) != (json_int_t)want) {
            json_refuse(c, key, "the model's images are of %u x %u pixels", want, want);
            return;
        }
    }
}

/* Steps that are none of the four, and are asked for. */
static void refuse_other_steps(struct json_section *c)
{
    static const char *const known[] = {"do_resize", "do_center_crop", "do_rescale", "do_normalize",
                                        "do_convert_rgb"};
    static const char *const settings[] = {"crop_pct", "offset", "rescale_offset"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)c->object, key, value)
    {
        bool step = strncmp(key, "do_", 3) == 0 && !json_is_false(value) && !json_is_null(value);
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            step &= strcmp(key, known[i]) != 0;
        }
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
            step |= strcmp(key, settings[i]) == 0 && !json_is_false(value) && !json_is_null(value);
        }
        if (step && c->status == CLIPC_OK) {
            json_refuse(c, key, "a step that clipc does not do");
        }
    }
}

/* From decoded picture to [3, image_size, image_size]. */
static void take_geometry(struct json_section *c, const struct processor *p,
                          struct format_header *h)
{
    bool square = p->square, any = true;

    take_side(c, "size", h->image_size, &square);
    if (!json_take_bool(c, "do_resize", true)) {
        json_refuse(c, "do_resize", "clipc resizes every picture");
    }
    if (json_take_bool(c, "do_center_crop", p->crops)) {
        take_side(c, "crop_size", h->image_size, &any);
        if (c->status == CLIPC_OK && json_has(c, "crop_size") && !any) {
            json_refuse(c, "crop_size", "wants a height and a width");
        }
    } else if (!square) {
        json_refuse(c, json_has(c, "do_center_crop") ? "do_center_crop" : "size",
                    "a shorter side of %u without a crop makes no square pictures", h->image_size);
    }
    h->resize = square ? FORMAT_SQUASH : FORMAT_SHORTEST;
    uint32_t resample = json_take_u32(c, "resample", p->resample, 0, 5);
    if (c->status == CLIPC_OK && resample != BILINEAR && resample != BICUBIC) {
        json_refuse(c, "resample", "clipc resizes by 2 (bilinear) or 3 (bicubic)");
    }
    h->filter = resample == BILINEAR ? FORMAT_BILINEAR : FORMAT_BICUBIC;
}

/* From bytes to normalised floats. */
static void take_values(struct json_section *c, const struct processor *p, struct format_header *h)
{
    static const float zero[3] = {0, 0, 0}, one[3] = {1, 1, 1};
    float factor = json_take_float(c, "rescale_factor", 1 / 255.0, 0, 1e9);

    if (!json_take_bool(c, "do_rescale", true)) {
        json_refuse(c, "do_rescale", "clipc scales bytes by 1/255");
    } else if (c->status == CLIPC_OK && fabs((double)factor * 255 - 1) > 1e-6) {
        json_refuse(c, "rescale_factor", "clipc scales bytes by 1/255");
    }
    if (json_take_bool(c, "do_normalize", true)) {
        json_take_three(c, "image_mean", p->mean, -1000, 1000, h->mean);
        json_take_three(c, "image_std", p->std, 0, 1000, h->std);
    } else {
        memcpy(h->mean, zero, sizeof zero);
        memcpy(h->std, one, sizeof one);
    }
}

static int take_images(struct json_section c, struct format_header *h)
{
    const struct processor *p = find_processor(&c);

    refuse_other_steps(&c);
    take_geometry(&c, p, h);
    take_values(&c, p, h);
    h->preprocess = FORMAT_HF;
    return c.status;
}

/* transformers 5 writes one processor_config.json, with the image processor in it, and prefers it
 * to the preprocessor_config.json of before. */
int hf_images_read(const char *folder, struct source *s)
{
    char *nested = files_join(folder, "processor_config.json");
    char *plain = files_join(folder, "preprocessor_config.json");
    bool good = nested != NULL && plain != NULL;
    json_t *root = NULL;
    struct json_section c = {nested, "", NULL, good ? CLIPC_OK : CLIPC_ERROR_MEMORY};

    if (good && files_exists(nested)) {
        c.object = root = json_read_file(nested, &s->files);
        c.status = root != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;
        c = json_section_of(&c, "image_processor");
    }
    if (c.status == CLIPC_OK && c.object == NULL) {
        json_decref(root);
        root = NULL;
        c = (struct json_section){plain, "", NULL, CLIPC_OK};
        if (files_exists(plain)) {
            c.object = root = json_read_file(plain, &s->files);
            c.status = root != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT;
        } else {
            fprintf(stderr, "clipc: note: no %s: CLIP's own preprocessing is assumed\n", plain);
        }
    }
    int status = c.status == CLIPC_OK ? take_images(c, &s->header) : c.status;
    json_decref(root);
    free(nested);
    free(plain);
    return status;
}
