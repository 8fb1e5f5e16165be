/* call.h - what every route that embeds needs: the model a request names, and vectors of what it
 * brings. */
#ifndef CLIPC_CALL_H
#define CLIPC_CALL_H

#include <jansson.h>

#include "fetch.h"
#include "server.h"

/* The shape of an error: each family of routes has its own. */
typedef void (*call_refuse_fn)(struct reply *reply, int status, const char *why);

/* {"error": {"message", "type", ...}}: https://platform.openai.com/docs/guides/error-codes */
void call_refuse_openai(struct reply *reply, int status, const char *why);

/* One request that is being answered. */
struct call {
    struct server *s;
    const struct request *request;
    struct reply *reply;
    call_refuse_fn refuse;
    int rules;     /* CLIPC_RULES_OPENAI or CLIPC_RULES_FILE, for images and texts */
    bool truncate; /* cut texts that are too long, instead of refusing them */
    struct model *model;
    json_t *body;
    double begun, load_seconds;
    size_t tokens; /* of all texts so far, start and end included */
};

/* The most texts of one request: what OpenAI's API takes. */
enum { CALL_MAX_TEXTS = 2048 };

/* The model `name` (NULL: the default); false after refusing (404, or 503 when it does not open).
 * X-Model-Id, X-Model-Cold-Start ... are among the reply's headers then. */
bool call_open_model(struct call *c, const char *name);
void call_end(struct call *c);

/* vectors: [n, dim] of items: [n], images (JSON) or texts (JSON strings); false after refusing. */
typedef bool (*call_embed_fn)(struct call *c, const json_t *const *items, size_t n, float *vectors);
bool call_embed_images(struct call *c, const json_t *const *items, size_t n, float *vectors);
bool call_embed_texts(struct call *c, const json_t *const *items, size_t n, float *vectors);
/* The pictures of items: [n] that are URLs, fetched: *all is [n], freed with call_free_urls in any
 * case; NULL when none is a URL.  false after refusing, or when this thread may not wait: then the
 * reply is `later`, and the whole call begins again on one that may. */
bool call_fetch_urls(struct call *c, const json_t *const *items, size_t n, struct fetched **all);
void call_free_urls(struct call *c, size_t n, struct fetched *all);

/* The same of the bytes of one picture; vector: [dim]. */
bool call_embed_bytes(struct call *c, const void *bytes, size_t n, float *vector);
/* Of one text given as ids: a JSON list of whole numbers.  Start and end token are put around ids
 * that do not begin with the start token, where the model has one. */
bool call_embed_ids(struct call *c, const json_t *list, float *vector);

/* printf-like refusal; returns false. */
__attribute__((format(printf, 3, 4))) bool call_refuse(struct call *c, int status,
                                                       const char *format, ...);

#endif
