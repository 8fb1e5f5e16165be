/* routes.c - the one table of what this server answers; page/openapi.json describes each. */
#include <string.h>

#include "server.h"

static const struct route routes[] = {
    {"GET", "/", page_route, true},
    {"GET", "/page/app.js", page_route, true},
    {"GET", "/page/style.css", page_route, true},
    {"GET", "/docs", page_route, true},
    {"GET", "/page/docs.js", page_route, true},
    {"GET", "/openapi.json", page_route, true},
    {"POST", "/clip/embed_image", roboflow_embed_image, false},
    {"POST", "/clip/embed_text", roboflow_embed_text, false},
    {"POST", "/clip/compare", roboflow_compare, false},
    {"GET", "/info", roboflow_info, true},
    {"GET", "/healthz", roboflow_healthz, true},
    {"GET", "/readiness", roboflow_readiness, true},
    {"GET", "/model/registry", roboflow_registry, false},
    {"POST", "/model/add", roboflow_add, false},
    {"POST", "/model/remove", roboflow_remove, false},
    {"POST", "/model/clear", roboflow_clear, false},
    {"GET", "/start/clip/*", roboflow_start, false},
    {"GET", "/clear_cache", roboflow_clear_cache, false},
    {"POST", "/v1/embeddings", openai_embeddings, false},
    {"GET", "/v1/models", openai_models, false},
    {"POST", "/v1/classify", classify_route, false},
    {"POST", "/embed", tei_embed, false},
    {"POST", "/similarity", tei_similarity, false},
    {"GET", "/metrics", metrics_route, false},
};

/* A pattern that ends in a star is every path that begins so, with something behind. */
static bool matches(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    return n > 0 && pattern[n - 1] == '*'
               ? strncmp(pattern, path, n - 1) == 0 && path[n - 1] != '\0'
               : strcmp(pattern, path) == 0;
}

const struct route *routes_find(const char *method, const char *path, bool *other_method)
{
    *other_method = false;
    if (strcmp(method, "HEAD") == 0) {
        method = "GET"; /* the library leaves the body out */
    }
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (matches(routes[i].path, path)) {
            if (strcmp(routes[i].method, method) == 0) {
                return &routes[i];
            }
            *other_method = true;
        }
    }
    return NULL;
}
