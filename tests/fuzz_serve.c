/* fuzz_serve.c - any bytes as a request's body, through JSON to the vectors and back, without a
 * socket: no crash, and an answer that a client can read.  The first byte chooses the route. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/server/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {
    "/clip/embed_image", "/clip/embed_text", "/clip/compare",
    "/v1/embeddings",    "/v1/classify",     "/embed",
    "/similarity",       "/model/add",       "/model/remove",
};
enum { PATHS = sizeof paths / sizeof paths[0] };

/* A server of one tiny model, kept: it has no listening side, which these routes do not use. */
static struct server *make(void)
{
    static struct server s;
    const struct models_options options = {.encoder = {.threads = 1, .batch = 4}, .cache = 16};

    if (s.models == NULL) {
        s.options.max_items = 8;
        s.options.max_pixels = 1 << 20;
        s.decoders = 1;
        pthread_mutex_init(&s.decoders_lock, NULL);
        pthread_cond_init(&s.decoders_free, NULL);
        if (models_new(&options, &s.models) != CLIPC_OK ||
            models_define(s.models, "tiny", "tests/corpus/weights/tiny") != CLIPC_OK) {
            abort();
        }
    }
    return &s;
}

/* What any client relies on: a status that HTTP knows, a body of JSON in UTF-8, and headers of one
 * line each. */
static void check(const struct reply *reply)
{
    static const int good[] = {200, 400, 404, 422, 503};
    bool known = false;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        known |= reply->status == good[i];
    }
    json_t *body = json_loadb(reply->body, reply->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!known || body == NULL) {
        fprintf(stderr, "answered %d: %.*s\n", reply->status, (int)reply->size, reply->body);
        abort();
    }
    json_decref(body);
    for (size_t i = 0; i < reply->n_headers; i++) {
        if (strpbrk(reply->headers[i].value, "\r\n") != NULL) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server *s = make();
    struct request request = {.method = "POST", .fd = -1};
    struct reply reply = {0};
    bool other;

    if (size == 0) {
        return -1;
    }
    char *body = malloc(size); /* the bytes, and the 0 that stands behind each body */
    if (body == NULL) {
        return -1;
    }
    memcpy(body, data + 1, size - 1);
    body[size - 1] = '\0';
    request.path = paths[data[0] % PATHS];
    request.body = body;
    request.size = size - 1;
    routes_find(request.method, request.path, &other)->run(s, &request, &reply);
    check(&reply);
    reply_free(&reply);
    free(body);
    return 0;
}
