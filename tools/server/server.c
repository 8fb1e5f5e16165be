/* server.c - starts everything, answers what no route does, writes the log, ends in peace. */
#include <jansson.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"
#include "../cli/json_put.h"
#include "../cli/pulled.h"
#include "body.h"
#include "call.h"
#include "name_list.h"
#include "serve.h"
#include "server.h"

/* Seconds that requests in flight have at the end. */
enum { END_SECONDS = 30 };

/* ---- One request ----------------------------------------------------------------------------- */

static bool is_quick(void *arg, const char *method, const char *path)
{
    bool other;
    const struct route *route = routes_find(method, path, &other);

    (void)arg;
    return route == NULL || route->quick;
}

/* Headers that let a page of another origin read the reply (the Fetch standard, 3.2). */
static void allow_origin(const struct server *s, const struct request *request, struct reply *reply)
{
    const char *origin = request_header(request, "Origin"), *allowed = s->options.cors;

    if (origin == NULL || allowed == NULL) {
        return;
    }
    if (strcmp(allowed, "*") == 0) {
        reply_header(reply, "Access-Control-Allow-Origin", "*");
    } else if (name_list_has(allowed, origin, strlen(origin))) {
        reply_header(reply, "Access-Control-Allow-Origin", "%s", origin);
        reply_header(reply, "Vary", "Origin");
    } else {
        return;
    }
    reply_header(reply, "Access-Control-Expose-Headers",
                 "X-Model-Cold-Start, X-Model-Load-Time, X-Model-Id, X-Request-Id");
    if (strcmp(request->method, "OPTIONS") == 0) {
        const char *asked = request_header(request, "Access-Control-Request-Headers");
        reply_header(reply, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS, POST");
        reply_header(reply, "Access-Control-Max-Age", "600");
        if (asked != NULL && strpbrk(asked, "\r\n") == NULL) {
            reply_header(reply, "Access-Control-Allow-Headers", "%s", asked);
        }
    }
}

/* The key of a request: ?api_key=, "Authorization: Bearer", or Roboflow's old place, the body. */
static bool may_ask(struct server *s, const struct request *request)
{
    const char *query = request_query(request, "api_key");
    const char *header = request_header(request, "Authorization");

    if (query != NULL) {
        return keys_allow(s->keys, query);
    }
    if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0) {
        return keys_allow(s->keys, header + 7 + strspn(header + 7, " "));
    }
    struct reply complaint = {0};
    json_t *body = body_parse(request, &complaint);
    bool allowed = keys_allow(s->keys, json_string_value(json_object_get(body, "api_key")));
    json_decref(body);
    reply_free(&complaint);
    return allowed;
}

/* Health, for whoever watches the process, needs no key. */
static bool is_open(const struct server *s, const struct route *route)
{
    return !keys_wanted(s->keys) || route == NULL || route->quick;
}

static void refuse(struct reply *reply, int status, const char *why)
{
    reply_message(reply, status, "%s", why);
}

static void handle(void *arg, const struct request *request, struct reply *reply)
{
    struct server *s = arg;
    bool other_method;
    const struct route *route = routes_find(request->method, request->path, &other_method);

    allow_origin(s, request, reply);
    if (!is_open(s, route) && !may_ask(s, request)) {
        (strncmp(request->path, "/v1/", 4) == 0 ? call_refuse_openai : refuse)(
            reply, 401,
            "Unauthorized: this server wants an API key, as ?api_key=, in the header "
            "Authorization: Bearer, or as the body's api_key");
        reply_header(reply, "WWW-Authenticate", "Bearer");
    } else if (route != NULL) {
        route->run(s, request, reply);
    } else if (strcmp(request->method, "OPTIONS") == 0 && reply->n_headers > 0) {
        reply_fixed(reply, 200, "text/plain; charset=utf-8", "OK", 2);
    } else if (other_method || strcmp(request->method, "GET") != 0) {
        reply_json(reply, 405, "{\"detail\":\"Method Not Allowed\"}");
    } else {
        reply_json(reply, 404, "{\"detail\":\"Not Found\"}");
    }
}

static void log_request(const struct server *s, const struct request *r, int status, size_t bytes,
                        double seconds)
{
    char when[32], *line = NULL;
    size_t size;
    time_t now = time(NULL);
    struct tm utc;
    FILE *f = open_memstream(&line, &size); /* one write a line: threads do not mix */

    if (f == NULL) {
        return;
    }
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    if (s->options.log_json) {
        fprintf(f, "{\"time\":\"%s\",\"method\":", when);
        json_put_c_string(f, r->method);
        fputs(",\"path\":", f);
        json_put_c_string(f, r->path);
        fprintf(f, ",\"status\":%d,\"bytes\":%zu,\"seconds\":%.6f,\"id\":\"%s\"}\n", status, bytes,
                seconds, r->id);
    } else {
        fprintf(f, "%s %s ", when, r->method);
        for (const char *p = r->path; *p != '\0'; p++) {
            fputc((unsigned char)*p <= ' ' || (unsigned char)*p >= 127 ? '?' : *p, f);
        }
        fprintf(f, " %d %zu bytes %.1f ms %s\n", status, bytes, 1e3 * seconds, r->id);
    }
    if (fclose(f) == 0) {
        fwrite(line, 1, size, stderr);
    }
    free(line);
}

static void done(void *arg, const struct request *request, int status, size_t bytes)
{
    struct server *s = arg;
    bool other;
    const struct route *route = routes_find(request->method, request->path, &other);
    double seconds = base_seconds() - request->started;

    metrics_count(&s->metrics, route == NULL ? "none" : route->path,
                  route == NULL ? "other" : route->method, status, seconds, bytes);
    if (s->options.log) {
        log_request(s, request, status, bytes, seconds);
    }
}

/* ---- The server ------------------------------------------------------------------------------ */

static int define_models(struct server *s, const struct serve_options *o)
{
    int status = CLIPC_OK;

    for (size_t i = 0; i < o->n_models && status == CLIPC_OK; i++) {
        const char *equals = strchr(o->models[i], '=');
        char name[128], pulled[PATH_MAX];
        if (equals == NULL) {
            return base_fail(CLIPC_ERROR_ARGUMENT,
                             "serve: -m wants NAME=FILE (ViT-B-16=vit-b-16.clipc), not '%s'",
                             o->models[i]);
        }
        snprintf(name, sizeof name, "%.*s", (int)(equals - o->models[i]), o->models[i]);
        status =
            models_define(s->models, name, pulled_find(equals + 1, pulled) ? pulled : equals + 1);
    }
    if (status == CLIPC_OK && o->n_models == 0) {
        status =
            models_define(s->models, o->model_path == NULL ? "demo" : "default", o->model_path);
    }
    if (status == CLIPC_OK && o->default_model != NULL) {
        status = models_set_default(s->models, o->default_model);
        if (status != CLIPC_OK) {
            base_fail(status, "serve: %s: %s", o->default_said, clipc_errmsg());
        }
    }
    return status;
}

/* A wrong file is better found now than by the first client; then it is let go. */
static int try_default(struct server *s)
{
    double seconds;
    int status;
    struct model *model = models_use(s->models, NULL, &seconds, &status);

    models_release(s->models, model);
    return status;
}

/* Can only this machine reach it?  By what the name means: "127.example.com" is anybody's. */
static bool is_loopback(const char *host)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct address_net loopback[2];
    struct addrinfo *found = NULL;

    if (getaddrinfo(host, NULL, &hints, &found) != 0) {
        return true; /* it will not listen, and say why */
    }
    bool only =
        address_parse_net("127.0.0.0/8", &loopback[0]) && address_parse_net("::1", &loopback[1]);
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        only = only && address_in(loopback, 2, a->ai_addr);
    }
    freeaddrinfo(found);
    return only;
}

static int take_keys(struct server *s, const struct serve_options *o)
{
    if (o->api_key_file == NULL && !o->no_auth && !is_loopback(o->host)) {
        return base_fail(CLIPC_ERROR_ARGUMENT,
                         "serve: %s can be reached from outside: give --api-key-file FILE, or say "
                         "--no-auth",
                         o->host);
    }
    return keys_new(o->api_key_file, &s->keys);
}

static int start(struct server *s, const struct serve_options *o)
{
    server_take_options(s, o);
    metrics_init(&s->metrics);
    pthread_mutex_init(&s->decoders_lock, NULL);
    pthread_cond_init(&s->decoders_free, NULL);
    unsigned char random[3] = {0};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        random[0] = (unsigned char)getpid();
    }
    snprintf(s->id, sizeof s->id, "%02x%02x%02x-CPU-0", random[0], random[1], random[2]);
    int status = take_keys(s, o);
    if (status == CLIPC_OK) {
        status = server_take_folder(s, o);
    }
    if (status == CLIPC_OK) {
        status = server_take_tls(s, o);
    }
    if (status == CLIPC_OK) {
        status = server_take_urls(s, o);
    }
    if (status == CLIPC_OK) {
        status = models_new(&s->options.models, &s->models);
    }
    if (status == CLIPC_OK) {
        status = define_models(s, o);
    }
    if (status == CLIPC_OK) {
        status = try_default(s);
    }
    if (status == CLIPC_OK) {
        status = http_start(&s->options.http, is_quick, handle, done, s, &s->http);
    }
    return status;
}

static void say_ready(const struct server *s, const struct serve_options *o)
{
    bool v6 = strchr(o->host, ':') != NULL;

    fprintf(stderr, "clipc: serving on %s://%s%s%s:%d\n",
            s->options.http.tls_cert == NULL ? "http" : "https", v6 ? "[" : "", o->host,
            v6 ? "]" : "", http_port(s->http));
}

int serve_run(const struct serve_options *o)
{
    struct server s = {0};
    sigset_t ends;
    int number;

    /* Before any thread starts, so that all inherit it and the signals come here. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    int status = start(&s, o);
    if (status == CLIPC_OK) {
        say_ready(&s, o);
        while (sigwait(&ends, &number) == 0 && number == SIGHUP) {
            if (keys_reload(s.keys) != CLIPC_OK) {
                cli_error("%s; the keys are as they were", clipc_errmsg());
            }
            models_unload(s.models, NULL); /* each when its last request is done */
        }
        http_stop(s.http, END_SECONDS);
    } else {
        cli_error("%s", clipc_errmsg());
    }
    models_free(s.models);
    keys_free(s.keys);
    fetcher_free(s.fetcher);
    free(s.folder);
    base_free(s.tls_cert);
    base_free(s.tls_key);
    return status == CLIPC_OK ? CLI_DONE : CLI_FAILED;
}
