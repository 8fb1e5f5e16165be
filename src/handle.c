/* handle.c - the model behind the handle: checks of what a caller gives, and the file's rules with
 * the caller's choice applied.  For the files of the top floor (clipc.c, session.c, encode.c). */
#include "handle.h"

#include <string.h>

#include "image/image.h"
#include "image/pixels.h"

int model_copy_sized(void *to, size_t to_bytes, const void *from, const char *what)
{
    size_t size;

    memset(to, 0, to_bytes);
    if (from == NULL) {
        return CLIPC_OK;
    }
    memcpy(&size, from, sizeof size);
    if (size < sizeof size || size > 65536) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "%s.size is %zu: set it to sizeof(struct %s)", what,
                         size, what);
    }
    memcpy(to, from, size < to_bytes ? size : to_bytes);
    return CLIPC_OK;
}

int model_fill_sized(void *to, const void *from, size_t from_bytes, const char *what)
{
    size_t size;

    memcpy(&size, to, sizeof size);
    if (size < sizeof size || size > 65536) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "%s.size is %zu: set it to sizeof(struct %s)", what,
                         size, what);
    }
    memset((char *)to + sizeof size, 0, size - sizeof size);
    memcpy((char *)to + sizeof size, (const char *)from + sizeof size,
           (size < from_bytes ? size : from_bytes) - sizeof size);
    return CLIPC_OK;
}

int model_check_image(const struct clipc_image *image)
{
    if (image == NULL || image->data == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "image: NULL");
    }
    if (image->width == 0 || image->height == 0 || image->width > 65535 || image->height > 65535) {
        return base_fail(CLIPC_ERROR_LIMIT, "image: %u x %u pixels; sides are 1 to 65535",
                         image->width, image->height);
    }
    if (image->format < 0 || image->format >= PIXELS_FORMATS) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "image: format %d; those of enum clipc_format are 0 to %d", image->format,
                         PIXELS_FORMATS - 1);
    }
    size_t row = image->width * pixels_formats[image->format].bytes;
    if (image->stride < row || image->stride > SIZE_MAX / image->height) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "image: a stride of %zu bytes; a row of %u %s pixels has %zu",
                         image->stride, image->width, pixels_formats[image->format].name, row);
    }
    if (image->format == CLIPC_I16 &&
        (image->stride % sizeof(uint16_t) != 0 || (uintptr_t)image->data % sizeof(uint16_t) != 0)) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "image: 16-bit pixels want an even address and an even stride, not %zu",
                         image->stride);
    }
    return CLIPC_OK;
}

enum format_rules model_rules(int option, uint32_t file)
{
    return option == CLIPC_RULES_OPENAI ? FORMAT_OPENAI
           : option == CLIPC_RULES_HF   ? FORMAT_HF
                                        : (enum format_rules)file;
}

struct preprocess model_preprocess(const struct clipc_model *model, int rules, int size)
{
    const struct format_header *h = &model->weights.header;
    struct preprocess p = {
        .size = size == 0 ? (int)h->image_size : size,
        .resize = (enum format_resize)h->resize,
        .filter = (enum format_filter)h->filter,
        .rules = model_rules(rules, h->preprocess),
    };
    memcpy(p.mean, h->mean, sizeof p.mean);
    memcpy(p.std, h->std, sizeof p.std);
    return p;
}

int model_check_preprocess(const struct clipc_model *model, int rules, int size, const void *out)
{
    if (model == NULL || out == NULL || rules < 0 || rules > CLIPC_RULES_HF) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "preprocess: NULL argument or unknown rules");
    }
    if (model->weights.header.vision.layers == 0) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "this model has no image tower");
    }
    if (size < 0 || size > CLIPC_MAX_IMAGE_SIZE) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "preprocess: size %d; want 1 to %d, or 0", size,
                         CLIPC_MAX_IMAGE_SIZE);
    }
    return CLIPC_OK;
}

int model_rows_pixels(const struct clipc_model *model, const struct kernels *k,
                      struct image_rows *rows, int rules, int size, float *pixels)
{
    const struct preprocess p = model_preprocess(model, rules, size);
    uint8_t *crop = base_alloc((size_t)p.size * (size_t)p.size * 3);

    if (crop == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "preprocess: no memory for the crop");
    }
    int status = preprocess_rows(&p, k, rows, crop);
    if (status == CLIPC_OK) {
        preprocess_normalise(&p, crop, pixels);
    }
    base_free(crop);
    return status;
}

int model_image_pixels(const struct clipc_model *model, const struct kernels *k,
                       const struct clipc_image *image, int rules, int size, float *pixels)
{
    struct rows_whole whole;
    int status = model_check_preprocess(model, rules, size, pixels);

    if (status == CLIPC_OK) {
        status = model_check_image(image);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    rows_of_image(&whole, image);
    return model_rows_pixels(model, k, &whole.rows, rules, size, pixels);
}

int model_file_pixels(const struct clipc_model *model, const struct kernels *k, const void *bytes,
                      size_t n, const struct clipc_image_options *options, int rules, int size,
                      float *pixels)
{
    struct clipc_image_options full;
    struct image_rows *rows;
    int status = model_check_preprocess(model, rules, size, pixels);

    if (status == CLIPC_OK && bytes == NULL && n != 0) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "preprocess: NULL argument");
    }
    if (status == CLIPC_OK) {
        status = model_copy_sized(&full, sizeof full, options, "clipc_image_options");
    }
    if (status == CLIPC_OK) {
        status = image_open(bytes, n, &full, &rows);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    status = model_rows_pixels(model, k, rows, rules, size, pixels);
    rows->class->free(rows);
    return status;
}

int model_path_pixels(const struct clipc_model *model, const struct kernels *k, const char *path,
                      const struct clipc_image_options *options, int rules, int size, float *pixels)
{
    struct clipc_image_options full;
    unsigned char *bytes;
    size_t n;
    int status = model_copy_sized(&full, sizeof full, options, "clipc_image_options");

    if (status == CLIPC_OK && path == NULL) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "preprocess: NULL argument");
    }
    if (status == CLIPC_OK) {
        status = image_load(path, &full, &bytes, &n);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    status = model_file_pixels(model, k, bytes, n, options, rules, size, pixels);
    base_free(bytes);
    return status == CLIPC_OK ? status : base_fail(status, "%s: %s", path, base_errmsg());
}

int model_check_text(const clipc_model *model, const struct clipc_text *text)
{
    if (model->weights.header.text.layers == 0) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "this model has no text tower");
    }
    if (model->tokenizer == NULL) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "this weight file has no tokenizer: give token ids instead (embed --tokens)");
    }
    if (text == NULL || (text->data == NULL && text->length != 0)) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "text: NULL");
    }
    return CLIPC_OK;
}
