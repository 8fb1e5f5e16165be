/* roboflow.c - POST /clip/embed_image, /clip/embed_text and /clip/compare, as Roboflow Inference
 * 1.5 answers them: raw embeddings, plain cosines, keys always in the same order.  Where it answers
 * 500 to a client's mistake, this says 400 and why; N images give N embeddings. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/json_put.h"
#include "call.h"
#include "roboflow_check.h"

static void refuse(struct reply *reply, int status, const char *why)
{
    reply_message(reply, status, "%s", why);
}

static bool begin(struct call *c, struct server *s, const struct request *request,
                  struct reply *reply)
{
    *c = (struct call){
        .s = s, .request = request, .reply = reply, .refuse = refuse, .rules = CLIPC_RULES_OPENAI};
    c->body = body_parse(request, reply);
    return c->body != NULL;
}

static void put_frame(const struct call *c, FILE *f)
{
    fputs("{\"inference_id\":null,\"frame_id\":null,\"time\":", f);
    reply_double(f, base_seconds() - c->begun);
}

static void reply_embeddings(const struct call *c, const float *vectors, size_t n)
{
    FILE *f = reply_begin(c->reply, 200, "application/json");

    if (f != NULL) {
        put_frame(c, f);
        fputs(",\"embeddings\":[", f);
        for (size_t i = 0; i < n; i++) {
            fputs(i > 0 ? "," : "", f);
            reply_floats(f, vectors + i * (size_t)c->model->info.dim, (size_t)c->model->info.dim);
        }
        fputs("]}", f);
        reply_end(c->reply);
    }
}

/* ---- The three calls ------------------------------------------------------------------------- */

static const char *version_of(const json_t *body)
{
    return json_string_value(json_object_get(body, "clip_version_id"));
}

/* The items of a value that is one of them, or a list or dictionary of them; malloc. */
static const json_t **items_of(const json_t *value, size_t *n)
{
    size_t i = 0, count = json_is_array(value)       ? json_array_size(value)
                          : roboflow_is_named(value) ? json_object_size(value)
                                                     : 1;
    const json_t **items = calloc(count + 1, sizeof *items);
    const char *key;
    json_t *item;

    *n = items == NULL ? 0 : count;
    if (items != NULL && json_is_array(value)) {
        for (i = 0; i < count; i++) {
            items[i] = json_array_get(value, i);
        }
    } else if (items != NULL && roboflow_is_named(value)) {
        json_object_foreach((json_t *)(size_t)value, key, item)
        {
            items[i++] = item;
        }
    } else if (items != NULL) {
        items[0] = value;
    }
    return items;
}

static void embed_field(struct call *c, const char *field, const char *none, call_embed_fn embed)
{
    size_t n;
    const json_t **items = items_of(json_object_get(c->body, field), &n);
    float *vectors = NULL;

    if (items != NULL && n == 0) {
        reply_message(c->reply, 400, "%s", none);
    } else if (call_open_model(c, version_of(c->body))) {
        vectors = malloc((n * (size_t)c->model->info.dim + 1) * sizeof *vectors);
        if (items == NULL || vectors == NULL) {
            reply_message(c->reply, 503, "no memory for this request now: try again");
        } else if (embed(c, items, n, vectors)) {
            reply_embeddings(c, vectors, n);
        }
    }
    free(vectors);
    free((void *)items);
}

/* A picture's bytes as the whole body: no base64 to write and to read. */
static void embed_raw(struct server *s, const struct request *request, struct reply *reply)
{
    struct call c = {
        .s = s, .request = request, .reply = reply, .refuse = refuse, .rules = CLIPC_RULES_OPENAI};

    if (call_open_model(&c, request_query(request, "clip_version_id"))) {
        float *vector = malloc((size_t)c.model->info.dim * sizeof *vector);
        if (vector == NULL) {
            reply_message(reply, 503, "no memory for this request now: try again");
        } else if (call_embed_bytes(&c, request->body, request->size, vector)) {
            reply_embeddings(&c, vector, 1);
        }
        free(vector);
    }
    call_end(&c);
}

void roboflow_embed_image(struct server *s, const struct request *request, struct reply *reply)
{
    const char *type = request_header(request, "Content-Type");
    struct call c;

    if (type != NULL && strncmp(type, "image/", 6) == 0) {
        embed_raw(s, request, reply);
        return;
    }
    if (!begin(&c, s, request, reply)) {
        return;
    }
    struct complaints found = roboflow_check_common(c.body);
    roboflow_check_image(&found);
    if (!body_refuse(&found, reply)) {
        if (json_array_size(json_object_get(c.body, "image")) > s->options.max_items) {
            reply_message(reply, 400,
                          "The maximum number of images that can be embedded at once is %zu",
                          s->options.max_items);
        } else {
            embed_field(&c, "image", "At least one image is required", call_embed_images);
        }
    }
    call_end(&c);
}

void roboflow_embed_text(struct server *s, const struct request *request, struct reply *reply)
{
    struct call c;

    if (!begin(&c, s, request, reply)) {
        return;
    }
    struct complaints found = roboflow_check_common(c.body);
    roboflow_check_text(&found);
    if (!body_refuse(&found, reply)) {
        embed_field(&c, "text", "At least one text is required", call_embed_texts);
    }
    call_end(&c);
}

static void reply_similarity(const struct call *c, const json_t *prompt, const float *subject,
                             const float *vectors, size_t n)
{
    FILE *f = reply_begin(c->reply, 200, "application/json");
    bool named = roboflow_is_named(prompt);
    size_t dim = (size_t)c->model->info.dim;
    void *at = json_object_iter((json_t *)(size_t)prompt);

    if (f == NULL) {
        return;
    }
    put_frame(c, f);
    fputs(named ? ",\"similarity\":{" : ",\"similarity\":[", f);
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? "," : "", f);
        if (named) {
            json_put_c_string(f, json_object_iter_key(at));
            fputc(':', f);
            at = json_object_iter_next((json_t *)(size_t)prompt, at);
        }
        reply_double(f, (double)clipc_cosine(subject, vectors + i * dim, dim));
    }
    fputs(named ? "},\"parent_id\":null}" : "],\"parent_id\":null}", f);
    reply_end(c->reply);
}

/* "image" or "text", by default `otherwise`; NULL after filling the reply. */
static const char *kind_of(const struct call *c, const char *field, const char *otherwise)
{
    const char *kind = json_string_value(json_object_get(c->body, field));

    if (kind == NULL) {
        return otherwise;
    }
    if (strcmp(kind, "image") != 0 && strcmp(kind, "text") != 0) {
        reply_message(c->reply, 400, "%s must be either 'image' or 'text'", field);
        return NULL;
    }
    return kind;
}

/* Is each item of the kind that the request says?  A string may be an image, by base64. */
static bool of_kind(const struct call *c, const json_t *const *items, size_t n, const char *kind,
                    const char *field)
{
    for (size_t i = 0; i < n; i++) {
        if (kind[0] == 't' && !json_is_string(items[i])) {
            reply_message(c->reply, 400, "%s is an image, but %s_type says 'text'", field, field);
            return false;
        }
    }
    return true;
}

static void compare(struct call *c)
{
    const json_t *subject = json_object_get(c->body, "subject");
    const json_t *prompt = json_object_get(c->body, "prompt");
    const char *subject_kind = kind_of(c, "subject_type", "image");
    const char *prompt_kind = subject_kind == NULL ? NULL : kind_of(c, "prompt_type", "text");
    size_t n;

    if (prompt_kind == NULL) {
        return;
    }
    const json_t **items = items_of(prompt, &n);
    float *vectors = NULL;
    if (items != NULL && n == 0) {
        reply_message(c->reply, 400, "At least one prompt is required");
    } else if (n > c->s->options.max_items) {
        reply_message(c->reply, 400,
                      "The maximum number of prompts that can be compared at once is %zu",
                      c->s->options.max_items);
    } else if (of_kind(c, &subject, 1, subject_kind, "subject") &&
               of_kind(c, items, n, prompt_kind, "prompt") &&
               call_open_model(c, version_of(c->body))) {
        size_t dim = (size_t)c->model->info.dim;
        vectors = malloc((n + 1) * dim * sizeof *vectors);
        if (items == NULL || vectors == NULL) {
            reply_message(c->reply, 503, "no memory for this request now: try again");
        } else if ((subject_kind[0] == 't' ? call_embed_texts : call_embed_images)(c, &subject, 1,
                                                                                   vectors) &&
                   (prompt_kind[0] == 't' ? call_embed_texts : call_embed_images)(c, items, n,
                                                                                  vectors + dim)) {
            reply_similarity(c, prompt, vectors, vectors + dim, n);
        }
    }
    free(vectors);
    free((void *)items);
}

void roboflow_compare(struct server *s, const struct request *request, struct reply *reply)
{
    struct call c;

    if (!begin(&c, s, request, reply)) {
        return;
    }
    struct complaints found = roboflow_check_common(c.body);
    roboflow_check_compare(&found);
    if (!body_refuse(&found, reply)) {
        compare(&c);
    }
    call_end(&c);
}
