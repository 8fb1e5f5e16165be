/* picture.h - the pictures that requests carry, to pixels: base64 and data URIs, and where the
 * server allows it files of its own.  Those behind URLs are fetched first (call_url.c). */
#ifndef CLIPC_PICTURE_H
#define CLIPC_PICTURE_H

#include <jansson.h>
#include <stddef.h>

#include "server.h"

/* pixels: [3, image_size, image_size] of `model`, EXIF applied.  rules: CLIPC_RULES_OPENAI is what
 * Roboflow does: RGB first (alpha dropped), then OpenAI's resize and crop; CLIPC_RULES_FILE what
 * the model's file says.  0, or the HTTP status of the refusal with a sentence in `why`. */
enum { PICTURE_WHY = 300 };
#define PICTURE_CAUSE "Could not load input image. Cause: "
/* `malformed`: the sentence when the bytes are no picture. */
int picture_from_bytes(struct server *s, const struct model *model, const void *bytes, size_t n,
                       int rules, const char *malformed, float *pixels, char *why);
/* {"type": ..., "value": ...}, or a bare string (base64, a data URI). */
int picture_from_json(struct server *s, const struct model *model, const json_t *image, int rules,
                      float *pixels, char *why);

/* The URL of an image that is one: {"type": "url", "value": URL}, or a string that begins with
 * http: or https:.  NULL: it is none; "" when the value is no text that can be a URL. */
const char *picture_url(const json_t *image);

#endif
