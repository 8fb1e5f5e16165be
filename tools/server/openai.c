/* openai.c - POST /v1/embeddings and GET /v1/models as OpenAI's API has them, with the images that
 * infinity and jina.ai add to it.  Vectors have length 1, by the rules of the model's own file. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/json_put.h"
#include "body.h"
#include "call.h"

/* The body as an object, or refused. */
static bool begin(struct call *c, struct server *s, const struct request *request,
                  struct reply *reply)
{
    struct reply complaint = {0};

    *c = (struct call){.s = s,
                       .request = request,
                       .reply = reply,
                       .refuse = call_refuse_openai,
                       .rules = CLIPC_RULES_FILE};
    c->body = body_parse(request, &complaint);
    reply_free(&complaint);
    return c->body != NULL || call_refuse(c, 400, "the body is no JSON object");
}

/* ---- What comes in --------------------------------------------------------------------------- */

enum kind { TEXT, IMAGE, IDS, NEITHER };

static bool is_data_uri(const json_t *item)
{
    return json_is_string(item) && strncmp(json_string_value(item), "data:image/", 11) == 0;
}

/* One item of `input`; *value: what holds the text or the picture.  A string is a text, unless it
 * is a data URI or the request says "modality": "image" (infinity); {"text": t} and {"image": i}
 * (jina.ai), {"image_url": {"url": u}} (OpenAI's chats). */
static enum kind kind_of(const json_t *item, bool images, const json_t **value)
{
    *value = item;
    if (json_is_object(item)) {
        *value = json_object_get(item, "image");
        if (*value == NULL) {
            *value = json_object_get(item, "image_url");
            *value = json_is_object(*value) ? json_object_get(*value, "url") : *value;
        }
        if (*value == NULL) {
            *value = json_object_get(item, "text");
            return json_is_string(*value) ? TEXT : NEITHER;
        }
        return json_is_string(*value) ? IMAGE : NEITHER;
    }
    if (json_is_string(item)) {
        return images || is_data_uri(item) ? IMAGE : TEXT;
    }
    return json_is_array(item) && json_is_integer(json_array_get(item, 0)) ? IDS : NEITHER;
}

/* Items of one kind go to the model together, so that they are one batch. */
static bool embed_kind(struct call *c, enum kind kind, const enum kind *kinds,
                       const json_t *const *values, size_t n, float *vectors)
{
    size_t dim = (size_t)c->model->info.dim, count = 0;
    const json_t **some = malloc((n + 1) * sizeof *some);
    float *made = malloc((n * dim + 1) * sizeof *made);
    bool good = some != NULL && made != NULL;

    for (size_t i = 0; i < n && good; i++) {
        if (kinds[i] == kind) {
            some[count++] = values[i];
        }
    }
    if (!good) {
        call_refuse(c, 503, "no memory for this request now: try again");
    } else if (count > 0) {
        good = (kind == IMAGE ? call_embed_images : call_embed_texts)(c, some, count, made);
    }
    for (size_t i = 0, j = 0; i < n && good; i++) {
        if (kinds[i] == kind) {
            memcpy(vectors + i * dim, made + j++ * dim, dim * sizeof *made);
        }
    }
    free((void *)some);
    free(made);
    return good;
}

static bool embed_all(struct call *c, const enum kind *kinds, const json_t *const *values, size_t n,
                      float *vectors)
{
    for (size_t i = 0; i < n; i++) {
        if (kinds[i] == NEITHER) {
            return call_refuse(
                c, 400, "input %zu is no text, no list of token ids, and no {\"image\": ...}", i);
        }
        if (kinds[i] == IDS &&
            !call_embed_ids(c, values[i], vectors + i * (size_t)c->model->info.dim)) {
            return false;
        }
    }
    return embed_kind(c, TEXT, kinds, values, n, vectors) &&
           embed_kind(c, IMAGE, kinds, values, n, vectors);
}

/* ---- What goes out --------------------------------------------------------------------------- */

/* Little-endian floats in base64, as OpenAI's clients ask for by default. */
static void put_base64(FILE *f, const float *x, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *b = (const unsigned char *)x;
    size_t bytes = n * sizeof *x;

    fputc('"', f);
    for (size_t i = 0; i < bytes; i += 3) {
        unsigned v = (unsigned)b[i] << 16 | (i + 1 < bytes ? (unsigned)b[i + 1] << 8 : 0u) |
                     (i + 2 < bytes ? b[i + 2] : 0u);
        fputc(digits[v >> 18], f);
        fputc(digits[v >> 12 & 63], f);
        fputc(i + 1 < bytes ? digits[v >> 6 & 63] : '=', f);
        fputc(i + 2 < bytes ? digits[v & 63] : '=', f);
    }
    fputc('"', f);
}

static void reply_list(struct call *c, const float *vectors, size_t n, bool base64)
{
    size_t dim = (size_t)c->model->info.dim;
    FILE *f = reply_begin(c->reply, 200, "application/json");

    if (f == NULL) {
        return;
    }
    fputs("{\"object\":\"list\",\"data\":[", f);
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i > 0 ? "," : "", i);
        if (base64) {
            put_base64(f, vectors + i * dim, dim);
        } else {
            reply_floats(f, vectors + i * dim, dim);
        }
        fputc('}', f);
    }
    fputs("],\"model\":", f);
    json_put_c_string(f, c->model->name);
    fprintf(f, ",\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", c->tokens, c->tokens);
    reply_end(c->reply);
}

/* "float" or "base64"; -1 after refusing. */
static int encoding_of(struct call *c)
{
    const json_t *format = json_object_get(c->body, "encoding_format");
    const char *name = format == NULL || json_is_null(format) ? "float" : json_string_value(format);

    if (name == NULL || (strcmp(name, "float") != 0 && strcmp(name, "base64") != 0)) {
        call_refuse(c, 400, "encoding_format is \"float\" or \"base64\"");
        return -1;
    }
    return strcmp(name, "base64") == 0;
}

/* A shorter vector means something only for models that were trained for it. */
static bool check_dimensions(struct call *c)
{
    const json_t *wanted = json_object_get(c->body, "dimensions");

    return wanted == NULL || json_is_null(wanted) ||
           json_integer_value(wanted) == c->model->info.dim ||
           call_refuse(c, 400, "dimensions: this model's vectors have %d, and cannot be shortened",
                       c->model->info.dim);
}

static void embeddings(struct call *c)
{
    const json_t *input = json_object_get(c->body, "input");
    const char *modality = json_string_value(json_object_get(c->body, "modality"));
    bool images = modality != NULL && strcmp(modality, "image") == 0;
    /* A list of numbers is one text; a string or an object is one item. */
    bool many = json_is_array(input) && !json_is_integer(json_array_get(input, 0));
    size_t n = many ? json_array_size(input) : 1;
    int base64 = encoding_of(c);

    if (base64 < 0 || !check_dimensions(c)) {
        return;
    }
    if (input == NULL || n == 0 || n > CALL_MAX_TEXTS) {
        call_refuse(c, 400, "input wants 1 to %d texts or images", CALL_MAX_TEXTS);
        return;
    }
    enum kind *kinds = malloc(n * sizeof *kinds);
    const json_t **values = malloc(n * sizeof *values);
    float *vectors = malloc(n * (size_t)c->model->info.dim * sizeof *vectors);
    size_t pictures = 0;
    if (kinds == NULL || values == NULL || vectors == NULL) {
        call_refuse(c, 503, "no memory for this request now: try again");
    } else {
        for (size_t i = 0; i < n; i++) {
            kinds[i] = kind_of(many ? json_array_get(input, i) : input, images, &values[i]);
            pictures += kinds[i] == IMAGE;
        }
        if (pictures > c->s->options.max_items) {
            call_refuse(c, 400, "%zu images: one request may have %zu (--max-items)", pictures,
                        c->s->options.max_items);
        } else if (embed_all(c, kinds, values, n, vectors)) {
            clipc_normalize(vectors, n, (size_t)c->model->info.dim);
            reply_list(c, vectors, n, base64 == 1);
        }
    }
    free(kinds);
    free((void *)values);
    free(vectors);
}

void openai_embeddings(struct server *s, const struct request *request, struct reply *reply)
{
    struct call c;

    if (!begin(&c, s, request, reply)) {
        return;
    }
    const char *name = json_string_value(json_object_get(c.body, "model"));
    if (name == NULL || models_known(s->models, name)) {
        if (call_open_model(&c, name)) {
            embeddings(&c);
        }
    } else {
        call_refuse(&c, 404,
                    "The model `%.100s` does not exist; GET /v1/models lists those that do", name);
    }
    call_end(&c);
}

struct listing {
    FILE *f;
    size_t n;
};

static void list_model(void *arg, const char *name, const struct model *model)
{
    struct listing *l = arg;

    (void)model;
    fputs(l->n++ > 0 ? ",{\"id\":" : "{\"id\":", l->f);
    json_put_c_string(l->f, name);
    fputs(",\"object\":\"model\",\"created\":0,\"owned_by\":\"clipc\"}", l->f);
}

void openai_models(struct server *s, const struct request *request, struct reply *reply)
{
    struct listing l = {reply_begin(reply, 200, "application/json"), 0};

    (void)request;
    if (l.f != NULL) {
        fputs("{\"object\":\"list\",\"data\":[", l.f);
        models_each(s->models, list_model, &l);
        fputs("]}", l.f);
        reply_end(reply);
    }
}
