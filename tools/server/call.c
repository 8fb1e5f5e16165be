/* call.c - from a request's images and texts to vectors, through the model's batches. */
#include "call.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/handle.h"
#include "../cli/json_put.h"
#include "picture.h"

static const char no_memory[] = "no memory for this request now: try again";

bool call_refuse(struct call *c, int status, const char *format, ...)
{
    char why[600];
    va_list ap;

    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    c->refuse(c->reply, status, why);
    if (status == 503) {
        reply_header(c->reply, "Retry-After", "1");
    }
    return false;
}

void call_refuse_openai(struct reply *reply, int status, const char *why)
{
    FILE *f = reply_begin(reply, status, "application/json");

    if (f != NULL) {
        fputs("{\"error\":{\"message\":", f);
        json_put_c_string(f, why);
        fprintf(f, ",\"type\":\"%s\",\"param\":null,\"code\":null}}",
                status < 500 ? "invalid_request_error" : "server_error");
        reply_end(reply);
    }
}

/* What the library said, as a status of HTTP. */
static bool refuse_status(struct call *c, int status)
{
    return call_refuse(c, status == CLIPC_ERROR_MEMORY ? 503 : 400, "%s", clipc_errmsg());
}

static void say_model(const struct call *c)
{
    reply_header(c->reply, "X-Model-Id", "clip/%s", c->model->name);
    reply_header(c->reply, "X-Model-Cold-Start", "%s", c->load_seconds > 0 ? "true" : "false");
    reply_header(c->reply, "X-Model-Cold-Start-Count", "%d", c->load_seconds > 0);
    if (c->load_seconds > 0) {
        reply_header(c->reply, "X-Model-Load-Time", "%.9g", c->load_seconds);
    }
    reply_header(c->reply, "X-Inference-Engine", "clipc");
}

bool call_open_model(struct call *c, const char *name)
{
    int status;

    c->begun = base_seconds();
    c->model = models_use(c->s->models, name, &c->load_seconds, &status);
    if (c->model != NULL) {
        say_model(c);
        return true;
    }
    return status == CLIPC_ERROR_ARGUMENT
               ? call_refuse(c, 404,
                             "Requested Roboflow resource not found. Make sure that workspace, "
                             "project or model you referred in request exists.")
               : call_refuse(c, 503, "Model is temporarily not ready - retry request.");
}

void call_end(struct call *c)
{
    models_release(c->s->models, c->model);
    json_decref(c->body);
}

/* ---- Images --------------------------------------------------------------------------------- */

static size_t pixels_each(const struct call *c)
{
    return 3 * (size_t)c->model->info.image_size * (size_t)c->model->info.image_size;
}

/* pixels: [n, 3, size, size] of items: [n]; false after refusing. */
static bool read_images(struct call *c, const json_t *const *items, size_t n, float *pixels)
{
    struct fetched *urls;
    char why[PICTURE_WHY];
    int status = 0;
    bool here = call_fetch_urls(c, items, n, &urls);

    if (here) {
        encoder_expect(c->model->encoder, 1); /* not while it waits for other servers */
        for (size_t i = 0; i < n && status == 0; i++) {
            float *to = pixels + i * pixels_each(c);
            status = urls != NULL && urls[i].data != NULL
                         ? picture_from_bytes(c->s, c->model, urls[i].data, urls[i].size, c->rules,
                                              PICTURE_CAUSE "Data is not image.", to, why)
                         : picture_from_json(c->s, c->model, items[i], c->rules, to, why);
        }
        encoder_expect(c->model->encoder, -1);
    }
    call_free_urls(c, n, urls);
    return here && (status == 0 || call_refuse(c, status, "%s", why));
}

bool call_embed_images(struct call *c, const json_t *const *items, size_t n, float *vectors)
{
    float *pixels = malloc((n * pixels_each(c) + 1) * sizeof *pixels);

    if (pixels == NULL) {
        return call_refuse(c, 503, "%s", no_memory);
    }
    bool good = read_images(c, items, n, pixels);
    int status = good ? encoder_pixels(c->model->encoder, pixels, n, vectors) : CLIPC_OK;
    free(pixels);
    return good && (status == CLIPC_OK || refuse_status(c, status));
}

bool call_embed_bytes(struct call *c, const void *bytes, size_t n, float *vector)
{
    float *pixels = malloc((pixels_each(c) + 1) * sizeof *pixels);
    char why[PICTURE_WHY];

    if (pixels == NULL) {
        return call_refuse(c, 503, "%s", no_memory);
    }
    encoder_expect(c->model->encoder, 1);
    int status = picture_from_bytes(c->s, c->model, bytes, n, c->rules,
                                    PICTURE_CAUSE "Data is not image.", pixels, why);
    encoder_expect(c->model->encoder, -1);
    bool good = status == 0 || call_refuse(c, status, "%s", why);
    if (good && (status = encoder_pixels(c->model->encoder, pixels, 1, vector)) != CLIPC_OK) {
        good = refuse_status(c, status);
    }
    free(pixels);
    return good;
}

/* ---- Texts ---------------------------------------------------------------------------------- */

static enum format_rules text_rules(const struct call *c)
{
    return c->rules == CLIPC_RULES_OPENAI
               ? FORMAT_OPENAI
               : (enum format_rules)c->model->handle->weights.header.tokenizer_rules;
}

/* ids: [context] of one text. */
static int tokenize(struct call *c, const json_t *item, int32_t *ids, size_t *n)
{
    const struct clipc_text text = {json_string_value(item), json_string_length(item)};
    size_t context = (size_t)c->model->info.context_length;
    int32_t more[CLIPC_MAX_CONTEXT + 1]; /* one more than fits tells that it does not */
    int status = tokenizer_encode(c->model->handle->tokenizer, text.data, text.length,
                                  text_rules(c), c->truncate ? context : context + 1, more, n);

    if (status == CLIPC_OK && *n > context) {
        return base_fail(CLIPC_ERROR_LIMIT,
                         "a text has more than the %zu tokens that this model reads, its start and "
                         "end included",
                         context);
    }
    if (status == CLIPC_OK) {
        memcpy(ids, more, *n * sizeof *ids);
        c->tokens += *n;
    }
    return status;
}

/* Buffers of one request's texts: what is not remembered is encoded as one piece. */
struct texts {
    int32_t *ids;    /* [n, context] of those to encode */
    size_t *lengths; /* [n] */
    size_t *places;  /* [n]: which text each is */
    float *made;     /* [n, dim] */
    size_t n;
};

static void free_texts(struct texts *t)
{
    free(t->ids);
    free(t->lengths);
    free(t->places);
    free(t->made);
}

static bool new_texts(const struct call *c, struct texts *t, size_t n)
{
    size_t context = (size_t)c->model->info.context_length, dim = (size_t)c->model->info.dim;

    *t = (struct texts){.ids = malloc((n * context + 1) * sizeof *t->ids),
                        .lengths = malloc((n + 1) * sizeof *t->lengths),
                        .places = malloc((n + 1) * sizeof *t->places),
                        .made = malloc((n * dim + 1) * sizeof *t->made)};
    return t->ids != NULL && t->lengths != NULL && t->places != NULL && t->made != NULL;
}

static int embed_texts(struct call *c, struct texts *t, const json_t *const *items, size_t n,
                       float *vectors)
{
    struct model *m = c->model;
    size_t context = (size_t)m->info.context_length, dim = (size_t)m->info.dim;
    int status = CLIPC_OK;

    for (size_t i = 0; i < n && status == CLIPC_OK; i++) {
        /* Counted for the caller, and refused when too long, also when it is remembered. */
        status = tokenize(c, items[i], t->ids + t->n * context, &t->lengths[t->n]);
        bool known = status == CLIPC_OK &&
                     text_cache_find(m->texts, json_string_value(items[i]),
                                     json_string_length(items[i]), c->rules, vectors + i * dim);
        *(known ? &m->hits : &m->misses) += 1;
        if (!known) {
            t->places[t->n++] = i;
        }
    }
    if (status == CLIPC_OK && t->n > 0) {
        status = encoder_ids(m->encoder, t->ids, context, t->lengths, t->n, t->made);
    }
    for (size_t j = 0; j < t->n && status == CLIPC_OK; j++) {
        size_t i = t->places[j];
        memcpy(vectors + i * dim, t->made + j * dim, dim * sizeof *vectors);
        text_cache_add(m->texts, json_string_value(items[i]), json_string_length(items[i]),
                       c->rules, vectors + i * dim);
    }
    return status;
}

bool call_embed_texts(struct call *c, const json_t *const *items, size_t n, float *vectors)
{
    const struct clipc_text empty = {"", 0};
    struct texts t;

    if (n > CALL_MAX_TEXTS) {
        return call_refuse(c, 400, "%zu texts: one request may have %d", n, CALL_MAX_TEXTS);
    }
    int status = model_check_text(c->model->handle, &empty); /* has it a text tower, a tokenizer? */
    if (status != CLIPC_OK) {
        return refuse_status(c, status);
    }
    if (!new_texts(c, &t, n)) {
        free_texts(&t);
        return call_refuse(c, 503, "%s", no_memory);
    }
    status = embed_texts(c, &t, items, n, vectors);
    free_texts(&t);
    return status == CLIPC_OK || refuse_status(c, status);
}

bool call_embed_ids(struct call *c, const json_t *list, float *vector)
{
    const struct format_header *h = &c->model->handle->weights.header;
    size_t context = (size_t)c->model->info.context_length, n = json_array_size(list), at = 0;
    int32_t ids[CLIPC_MAX_CONTEXT + 2];

    if (context == 0) {
        return call_refuse(c, 400, "this model has no text tower");
    }
    /* Without a start token (SigLIP) ids are as they are: what follows them is padding. */
    bool starts = (h->text.flags & FORMAT_NO_START_TOKEN) == 0;
    bool bare = n == 0 || (starts && json_integer_value(json_array_get(list, 0)) != h->sot_id);
    if (n + 2 * bare > context) {
        return call_refuse(c, 400, "%zu token ids: this model reads %zu", n + 2 * bare, context);
    }
    if (bare && starts) {
        ids[at++] = (int32_t)h->sot_id;
    }
    for (size_t i = 0; i < n; i++) {
        json_int_t id = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || id < 0 ||
            id >= c->model->info.vocab_size) {
            return call_refuse(c, 400, "token %zu is no id from 0 to %d", i,
                               c->model->info.vocab_size - 1);
        }
        ids[at++] = (int32_t)id;
    }
    if (bare) {
        ids[at++] = weights_end_id(h);
    }
    c->tokens += at;
    int status = encoder_ids(c->model->encoder, ids, context, &at, 1, vector);
    return status == CLIPC_OK || refuse_status(c, status);
}
