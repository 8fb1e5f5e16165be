/* server.h - what the routes share. */
#ifndef CLIPC_SERVER_H
#define CLIPC_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "fetch.h"
#include "http.h"
#include "keys.h"
#include "metrics.h"
#include "models.h"
#include "request.h"

struct server_options {
    struct http_options http;
    struct models_options models;
    size_t max_pixels;      /* of one picture */
    size_t max_items;       /* pictures of one request, and prompts of one comparison */
    const char *allow_file; /* {"type": "file"}: pictures of this folder; NULL: none */
    const char *cors;       /* allowed origins, separated by commas; "*": all; NULL: none */
    bool log, log_json;
};

enum { SERVER_NETS = 32 };

struct server {
    struct server_options options;
    struct models *models;
    struct http *http;
    struct fetcher *fetcher; /* NULL: no pictures by URL */
    struct metrics metrics;
    struct keys *keys;
    char id[24];  /* /info's uuid */
    char *folder; /* options.allow_file, all links followed */
    char *tls_cert, *tls_key;
    struct address_net nets[SERVER_NETS]; /* [n_nets]: --allow-url-to */
    size_t n_nets;
    pthread_mutex_t decoders_lock;
    pthread_cond_t decoders_free;
    int decoders; /* pictures that may be decoded at once: memory, not time, is what it bounds */
};

/* options.c: fill s->options, s->folder and s->fetcher; 0, or a negative clipc_status with a
 * message. */
struct serve_options;
void server_take_options(struct server *s, const struct serve_options *o);
int server_take_folder(struct server *s, const struct serve_options *o);
int server_take_tls(struct server *s, const struct serve_options *o);
int server_take_urls(struct server *s, const struct serve_options *o);

/* Every route: fills the reply. */
typedef void (*route_fn)(struct server *s, const struct request *request, struct reply *reply);

struct route {
    const char *method, *path;
    route_fn run;
    bool quick; /* computes nothing: answered at once, also under full load */
};
/* The route of a request, or NULL; *other_method: there is one for this path. */
const struct route *routes_find(const char *method, const char *path, bool *other_method);

/* roboflow.c */
void roboflow_embed_image(struct server *s, const struct request *request, struct reply *reply);
void roboflow_embed_text(struct server *s, const struct request *request, struct reply *reply);
void roboflow_compare(struct server *s, const struct request *request, struct reply *reply);

/* roboflow_side.c */
void roboflow_info(struct server *s, const struct request *request, struct reply *reply);
void roboflow_healthz(struct server *s, const struct request *request, struct reply *reply);
void roboflow_readiness(struct server *s, const struct request *request, struct reply *reply);
void roboflow_registry(struct server *s, const struct request *request, struct reply *reply);
void roboflow_add(struct server *s, const struct request *request, struct reply *reply);
void roboflow_remove(struct server *s, const struct request *request, struct reply *reply);
void roboflow_clear(struct server *s, const struct request *request, struct reply *reply);
void roboflow_start(struct server *s, const struct request *request, struct reply *reply);
void roboflow_clear_cache(struct server *s, const struct request *request, struct reply *reply);

/* openai.c, classify.c, tei.c */
void openai_embeddings(struct server *s, const struct request *request, struct reply *reply);
void openai_models(struct server *s, const struct request *request, struct reply *reply);
void classify_route(struct server *s, const struct request *request, struct reply *reply);
void tei_embed(struct server *s, const struct request *request, struct reply *reply);
void tei_similarity(struct server *s, const struct request *request, struct reply *reply);

/* page.c */
void page_route(struct server *s, const struct request *request, struct reply *reply);

/* metrics.c */
void metrics_route(struct server *s, const struct request *request, struct reply *reply);

#endif
