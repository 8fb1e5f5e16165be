/* picture.c - base64 to bytes, bytes to RGB, RGB to pixels; a few at a time, for memory. */
#include "picture.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/base.h"
#include "../../src/image/image.h"
#include "../cli/base64.h"
#include "folder_file.h"
#include "rgb.h"

#define CAUSE PICTURE_CAUSE

static int refuse(char *why, int status, const char *sentence)
{
    snprintf(why, PICTURE_WHY, "%s", sentence);
    return status;
}

/* ---- Where a picture comes from ------------------------------------------------------------- */

/* Bytes of "data:image/KIND;base64,", KIND of small letters, that `text` begins with. */
static size_t data_uri(const char *text, size_t n)
{
    static const char start[] = "data:image/", middle[] = ";base64,";
    size_t at = sizeof start - 1;

    if (n < at || memcmp(text, start, at) != 0) {
        return 0;
    }
    while (at < n && text[at] >= 'a' && text[at] <= 'z') {
        at++;
    }
    return at > sizeof start - 1 && n - at >= sizeof middle - 1 &&
                   memcmp(text + at, middle, sizeof middle - 1) == 0
               ? at + sizeof middle - 1
               : 0;
}

/* ---- Pixels --------------------------------------------------------------------------------- */

static int decode(struct server *s, const struct model *model, const void *bytes, size_t n,
                  int rules, float *pixels)
{
    const struct clipc_image_options options = {
        .size = sizeof options, .max_pixels = s->options.max_pixels, .apply_exif = 1};
    struct image_rows *rows;

    int status = image_open(bytes, n, &options, &rows);
    if (status != CLIPC_OK) {
        return status;
    }
    if (rules == CLIPC_RULES_OPENAI) {
        status = rgb_rows(&rows);
    }
    if (status == CLIPC_OK) {
        status = encoder_preprocess(model->encoder, rows, rules, pixels);
    }
    rows->class->free(rows);
    return status;
}

int picture_from_bytes(struct server *s, const struct model *model, const void *bytes, size_t n,
                       int rules, const char *malformed, float *pixels, char *why)
{
    if (model->info.image_size == 0) {
        return refuse(why, 400, "this model has no image tower");
    }
    if (n == 0) {
        return refuse(why, 400, CAUSE "Empty image payload.");
    }
    pthread_mutex_lock(&s->decoders_lock);
    while (s->decoders == 0) {
        pthread_cond_wait(&s->decoders_free, &s->decoders_lock);
    }
    s->decoders--;
    pthread_mutex_unlock(&s->decoders_lock);
    int status = decode(s, model, bytes, n, rules, pixels);
    pthread_mutex_lock(&s->decoders_lock);
    s->decoders++;
    pthread_cond_signal(&s->decoders_free);
    pthread_mutex_unlock(&s->decoders_lock);
    if (status == CLIPC_ERROR_MEMORY) {
        return refuse(why, 503, clipc_errmsg());
    }
    return status == CLIPC_OK ? 0 : refuse(why, 400, malformed);
}

static int from_base64(struct server *s, const struct model *model, const json_t *value, int rules,
                       float *pixels, char *why)
{
    static const char malformed[] = CAUSE "Malformed base64 input image.";
    const char *text = json_string_value(value);
    size_t n = json_string_length(value), skip = data_uri(text, n);
    unsigned char *bytes = malloc((n - skip) / 4 * 3 + 6);

    if (bytes == NULL) {
        return refuse(why, 503, "no memory for this picture now: try again");
    }
    long size = base64_decode(text + skip, n - skip, bytes);
    int status =
        size < 0 ? refuse(why, 400, malformed)
                 : picture_from_bytes(s, model, bytes, (size_t)size, rules, malformed, pixels, why);
    free(bytes);
    return status;
}

static int from_file(struct server *s, const struct model *model, const json_t *value, int rules,
                     float *pixels, char *why)
{
    const char *name = json_string_value(value);
    unsigned char *data;
    size_t size;

    if (s->options.allow_file == NULL) {
        return refuse(why, 400,
                      CAUSE "Loading images from the server's disk is not allowed here "
                            "(--allow-file).");
    }
    if (name == NULL || strlen(name) != json_string_length(value)) {
        return refuse(why, 400, CAUSE "The value of a file is its name, a string.");
    }
    int status =
        folder_file_read(s->options.allow_file, name, s->options.http.max_body, &data, &size);
    if (status != CLIPC_OK) {
        snprintf(why, PICTURE_WHY, CAUSE "%s", clipc_errmsg());
        return status == CLIPC_ERROR_MEMORY ? 503 : 400;
    }
    status =
        picture_from_bytes(s, model, data, size, rules, CAUSE "Data is not image.", pixels, why);
    base_free(data);
    return status;
}

const char *picture_url(const json_t *image)
{
    const char *type = json_string_value(json_object_get(image, "type"));
    const json_t *value = json_is_string(image) ? image : json_object_get(image, "value");
    const char *text = json_string_value(value);
    bool plain = text != NULL && strlen(text) == json_string_length(value);

    if (json_is_string(image)) {
        bool web = strncasecmp(text, "http:", 5) == 0 || strncasecmp(text, "https:", 6) == 0;
        return web && plain ? text : web ? "" : NULL;
    }
    return type == NULL || strcasecmp(type, "url") != 0 ? NULL : plain ? text : "";
}

int picture_from_json(struct server *s, const struct model *model, const json_t *image, int rules,
                      float *pixels, char *why)
{
    static const char *const others[] = {"multipart", "pil"};

    if (json_is_string(image)) {
        return from_base64(s, model, image, rules, pixels, why);
    }
    const char *type = json_string_value(json_object_get(image, "type"));
    const json_t *value = json_object_get(image, "value");
    if (type == NULL) {
        return refuse(why, 400, CAUSE "Image declaration contains not recognised image type.");
    }
    if (strcasecmp(type, "base64") == 0) {
        return json_is_string(value)
                   ? from_base64(s, model, value, rules, pixels, why)
                   : refuse(why, 400, CAUSE "The value of a base64 image is a string.");
    }
    if (strcasecmp(type, "file") == 0) {
        return from_file(s, model, value, rules, pixels, why);
    }
    if (strcasecmp(type, "numpy") == 0 || strcasecmp(type, "numpy_object") == 0) {
        return refuse(why, 400,
                      CAUSE "NumPy image type is not supported in this configuration of "
                            "`inference`.");
    }
    for (size_t i = 0; i < 2; i++) {
        if (strcasecmp(type, others[i]) == 0) {
            return refuse(why, 400, CAUSE "Images of this type cannot come in JSON: use base64.");
        }
    }
    return refuse(why, 400, CAUSE "Image declaration contains not recognised image type.");
}
