/* tei.c - POST /embed and /similarity, as HuggingFace's text-embeddings-inference answers them. */
#include <stdlib.h>
#include <string.h>

#include "../cli/json_put.h"
#include "body.h"
#include "call.h"

static void refuse(struct reply *reply, int status, const char *why)
{
    FILE *f = reply_begin(reply, status, "application/json");

    if (f != NULL) {
        fputs("{\"error\":", f);
        json_put_c_string(f, why);
        fprintf(f, ",\"error_type\":\"%s\"}", status < 500 ? "Validation" : "Overloaded");
        reply_end(reply);
    }
}

/* A call with the body's object and the model; `truncate` as it says. */
static bool begin(struct call *c, struct server *s, const struct request *request,
                  struct reply *reply)
{
    struct reply complaint = {0};

    *c = (struct call){
        .s = s, .request = request, .reply = reply, .refuse = refuse, .rules = CLIPC_RULES_FILE};
    c->body = body_parse(request, &complaint);
    reply_free(&complaint);
    if (c->body == NULL) {
        return call_refuse(c, 422, "the body is no JSON object");
    }
    c->truncate = json_is_true(json_object_get(c->body, "truncate"));
    return call_open_model(c, NULL);
}

/* vectors: [n, dim] of the strings of `list`; malloc; NULL after refusing. */
static float *embed_strings(struct call *c, const json_t *const *items, size_t n)
{
    float *vectors = malloc((n * (size_t)c->model->info.dim + 1) * sizeof *vectors);
    bool good = vectors != NULL || call_refuse(c, 503, "no memory for this request now: try again");

    for (size_t i = 0; i < n && good; i++) {
        good = json_is_string(items[i]) || call_refuse(c, 422, "input %zu is no string", i);
    }
    if (good && call_embed_texts(c, items, n, vectors)) {
        return vectors;
    }
    free(vectors);
    return NULL;
}

void tei_embed(struct server *s, const struct request *request, struct reply *reply)
{
    struct call c;

    if (begin(&c, s, request, reply)) {
        const json_t *inputs = json_object_get(c.body, "inputs");
        size_t n = json_is_array(inputs) ? json_array_size(inputs) : 1,
               dim = (size_t)c.model->info.dim;
        const json_t **items = malloc((n + 1) * sizeof *items);
        float *vectors = NULL;
        if (inputs == NULL || n == 0) {
            call_refuse(&c, 422, "`inputs` cannot be empty");
        } else if (items == NULL) {
            call_refuse(&c, 503, "no memory for this request now: try again");
        } else {
            for (size_t i = 0; i < n; i++) {
                items[i] = json_is_array(inputs) ? json_array_get(inputs, i) : inputs;
            }
            vectors = embed_strings(&c, items, n);
        }
        FILE *f = vectors == NULL ? NULL : reply_begin(reply, 200, "application/json");
        if (f != NULL) {
            if (!json_is_false(json_object_get(c.body, "normalize"))) {
                clipc_normalize(vectors, n, dim);
            }
            for (size_t i = 0; i < n; i++) {
                fputc(i == 0 ? '[' : ',', f);
                reply_floats(f, vectors + i * dim, dim);
            }
            fputc(']', f);
            reply_end(reply);
        }
        free(vectors);
        free((void *)items);
    }
    call_end(&c);
}

void tei_similarity(struct server *s, const struct request *request, struct reply *reply)
{
    struct call c;

    if (begin(&c, s, request, reply)) {
        const json_t *inputs = json_object_get(c.body, "inputs");
        const json_t *source = json_object_get(inputs, "source_sentence");
        const json_t *sentences = json_object_get(inputs, "sentences");
        size_t n = json_array_size(sentences), dim = (size_t)c.model->info.dim;
        const json_t **items = malloc((n + 1) * sizeof *items);
        float *vectors = NULL;
        if (!json_is_string(source) || n == 0) {
            call_refuse(
                &c, 422,
                "`inputs` wants a `source_sentence` and a list `sentences` that is not empty");
        } else if (items == NULL) {
            call_refuse(&c, 503, "no memory for this request now: try again");
        } else {
            items[0] = source;
            for (size_t i = 0; i < n; i++) {
                items[i + 1] = json_array_get(sentences, i);
            }
            vectors = embed_strings(&c, items, n + 1);
        }
        FILE *f = vectors == NULL ? NULL : reply_begin(reply, 200, "application/json");
        for (size_t i = 1; i <= n && f != NULL; i++) {
            fputc(i == 1 ? '[' : ',', f);
            reply_double(f, (double)clipc_cosine(vectors, vectors + i * dim, dim));
        }
        if (f != NULL) {
            fputc(']', f);
            reply_end(reply);
        }
        free(vectors);
        free((void *)items);
    }
    call_end(&c);
}
