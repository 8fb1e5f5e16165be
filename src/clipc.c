/* clipc.c - the public functions but those of sessions (session.c): models, images, text, vectors.
 * Arguments are checked here; the floors below do the work. */
#include "clipc.h"

#include <math.h>
#include <string.h>

#include "image/image.h"
#include "image/pixels.h"
#include "handle.h"

#define STRING_(x) #x
#define STRING(x)  STRING_(x)

/* ---- Models -------------------------------------------------------------------------------- */

static int finish_open(struct clipc_model *model, int status, clipc_model **out)
{
    if (status == CLIPC_OK && model->weights.header.tokenizer != FORMAT_TOKENIZER_NONE) {
        status = tokenizer_open(&model->weights, &model->tokenizer);
    }
    if (status == CLIPC_OK && !kernels_find(NULL, &model->kernels)) {
        status = base_fail(CLIPC_ERROR_UNSUPPORTED, "this CPU runs none of the kernel sets");
    }
    if (status != CLIPC_OK) {
        clipc_close(model);
        return status;
    }
    model->logit_scale = expf(model->weights.header.logit_scale);
    *out = model;
    return CLIPC_OK;
}

static struct clipc_model *new_model(void)
{
    struct clipc_model *model = base_alloc(sizeof *model);

    if (model == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "no memory for a model");
    }
    return model;
}

int clipc_open(const char *path, clipc_model **out)
{
    struct clipc_model *model;

    if (path == NULL || out == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_open: path and model must not be NULL");
    }
    model = new_model();
    return model == NULL ? CLIPC_ERROR_MEMORY
                         : finish_open(model, weights_open(path, &model->weights), out);
}

int clipc_open_memory(const void *data, size_t size, clipc_model **out)
{
    struct clipc_model *model;

    if (data == NULL || out == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "clipc_open_memory: data and model must not be NULL");
    }
    model = new_model();
    return model == NULL
               ? CLIPC_ERROR_MEMORY
               : finish_open(model, weights_open_memory(data, size, &model->weights), out);
}

void clipc_close(clipc_model *model)
{
    if (model != NULL) {
        tokenizer_free(model->tokenizer);
        weights_close(&model->weights);
        base_free(model);
    }
}

int clipc_model_info(const clipc_model *model, struct clipc_model_info *info)
{
    if (model == NULL || info == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_model_info: NULL argument");
    }
    const struct format_header *h = &model->weights.header;
    struct clipc_model_info full = {
        .size = sizeof full,
        .name = h->name,
        .dim = (int)h->embed_dim,
        .image_size = h->vision.layers != 0 ? (int)h->image_size : 0,
        .context_length = h->text.layers != 0 ? (int)h->text.positions : 0,
        .vocab_size = (int)h->vocab_size,
        .has_tokenizer = model->tokenizer != NULL,
        .score = h->score == FORMAT_SIGMOID ? CLIPC_SCORE_SIGMOID : CLIPC_SCORE_SOFTMAX,
        .logit_scale = model->logit_scale,
        .logit_bias = h->logit_bias,
        .display_low = h->display_low,
        .display_high = h->display_high,
        .image_dtype = (int)weights_tower_dtype(&model->weights, "vision"),
        .text_dtype = (int)weights_tower_dtype(&model->weights, "text"),
    };
    memcpy(full.sha256, h->sha256, sizeof full.sha256);
    return model_fill_sized(info, &full, sizeof full, "clipc_model_info");
}

int clipc_dim(const clipc_model *model)
{
    return (int)model->weights.header.embed_dim;
}

/* ---- Images -------------------------------------------------------------------------------- */

int clipc_image_read(const char *path, const struct clipc_image_options *options,
                     struct clipc_image *image)
{
    struct clipc_image_options full;

    if (path == NULL || image == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_image_read: NULL argument");
    }
    int status = model_copy_sized(&full, sizeof full, options, "clipc_image_options");
    return status == CLIPC_OK ? image_read(path, &full, image) : status;
}

int clipc_image_decode(const void *bytes, size_t n_bytes, const struct clipc_image_options *options,
                       struct clipc_image *image)
{
    struct clipc_image_options full;

    if ((bytes == NULL && n_bytes != 0) || image == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_image_decode: NULL argument");
    }
    int status = model_copy_sized(&full, sizeof full, options, "clipc_image_options");
    return status == CLIPC_OK ? image_decode(bytes, n_bytes, &full, image) : status;
}

void clipc_image_free(struct clipc_image *image)
{
    pixels_free(image);
}

const char *clipc_image_formats(void)
{
    return image_formats();
}

int clipc_preprocess_crop(const clipc_model *model, const struct clipc_image *image, int rules,
                          int size, uint8_t *crop)
{
    int status = model_check_preprocess(model, rules, size, crop);

    if (status == CLIPC_OK) {
        status = model_check_image(image);
    }
    if (status == CLIPC_OK) {
        struct preprocess p = model_preprocess(model, rules, size);
        status = preprocess_crop(&p, &model->kernels, image, crop);
    }
    return status;
}

int clipc_preprocess(const clipc_model *model, const struct clipc_image *image, int rules, int size,
                     float *pixels)
{
    return model_image_pixels(model, model == NULL ? NULL : &model->kernels, image, rules, size,
                              pixels);
}

int clipc_preprocess_file(const clipc_model *model, const char *path,
                          const struct clipc_image_options *options, int rules, int size,
                          float *pixels)
{
    return model_path_pixels(model, model == NULL ? NULL : &model->kernels, path, options, rules,
                             size, pixels);
}

int clipc_preprocess_bytes(const clipc_model *model, const void *bytes, size_t n_bytes,
                           const struct clipc_image_options *options, int rules, int size,
                           float *pixels)
{
    return model_file_pixels(model, model == NULL ? NULL : &model->kernels, bytes, n_bytes, options,
                             rules, size, pixels);
}

/* ---- Text ---------------------------------------------------------------------------------- */

int clipc_tokenize(const clipc_model *model, const struct clipc_text *text, int rules, int32_t *ids,
                   size_t *n_ids)
{
    if (model == NULL || ids == NULL || n_ids == NULL || rules < 0 || rules > CLIPC_RULES_HF) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "clipc_tokenize: NULL argument or unknown rules");
    }
    int status = model_check_text(model, text);
    if (status == CLIPC_OK) {
        const struct format_header *h = &model->weights.header;
        status =
            tokenizer_encode(model->tokenizer, text->data, text->length,
                             model_rules(rules, h->tokenizer_rules), h->text.positions, ids, n_ids);
    }
    return status;
}

/* ---- Vectors ------------------------------------------------------------------------------- */

/* In double and in order: the same bits everywhere, and no vector is so long that it matters. */
static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += (double)a[i] * b[i];
    }
    return sum;
}

void clipc_normalize(float *v, size_t n, size_t dim)
{
    for (size_t i = 0; i < n; i++, v += dim) {
        double length = sqrt(dot(v, v, dim));
        for (size_t j = 0; isfinite(length) && length > 0 && j < dim; j++) {
            v[j] = (float)(v[j] / length);
        }
    }
}

float clipc_cosine(const float *a, const float *b, size_t dim)
{
    double aa = dot(a, a, dim), bb = dot(b, b, dim);

    if (!isfinite(aa) || !isfinite(bb)) { /* squares of floats do not overflow a double */
        return NAN;
    }
    if (aa == 0 || bb == 0) {
        return 0;
    }
    double cosine = dot(a, b, dim) / (sqrt(aa) * sqrt(bb));
    return (float)(cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
}

float clipc_logit(const clipc_model *model, float cosine)
{
    return model->logit_scale * cosine + model->weights.header.logit_bias;
}

/* ---- Library ------------------------------------------------------------------------------- */

const char *clipc_version(void)
{
    return STRING(CLIPC_VERSION_MAJOR) "." STRING(CLIPC_VERSION_MINOR) "." STRING(
        CLIPC_VERSION_PATCH);
}

const char *clipc_errmsg(void)
{
    return base_errmsg();
}

const char *clipc_kernels(size_t i, int *supported)
{
    for (size_t j = 0; j < i; j++) {
        if (kernels_all[j] == NULL) {
            return NULL;
        }
    }
    if (kernels_all[i] == NULL) {
        return NULL;
    }
    *supported = kernels_all[i]->supported();
    return kernels_all[i]->name;
}
