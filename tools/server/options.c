/* options.c - what the command line says, checked and in the units of the parts that want it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../src/base/base.h"
#include "../../src/base/cpus.h"
#include "config.h"
#include "name_list.h"
#include "serve.h"
#include "server.h"

/* Connections open at once; threads for requests that wait for other servers. */
enum { MAX_CONNECTIONS = 1000, WAITERS = 16 };

void server_take_options(struct server *s, const struct serve_options *o)
{
    int cpus = cpus_available();

    s->options = (struct server_options){
        .http = {.host = o->host,
                 .port = o->port,
                 .max_body = (size_t)o->max_body_mb << 20,
                 .max_held = (size_t)(o->max_body_mb > 64 ? 4 * o->max_body_mb : 256) << 20,
                 .queue = o->queue,
                 /* Enough to fill a batch while another runs; most of them only wait. */
                 .handlers = 2 * (o->batch == 0 ? 8 : o->batch) + cpus,
                 .waiters = o->allow_url ? WAITERS : 0,
                 .connections = MAX_CONNECTIONS,
                 .deadline_s = o->deadline_s,
                 .max_wait_s = o->max_wait_s},
        .models = {.encoder = {.threads = o->threads,
                               .batch = o->batch,
                               .batch_wait_ms = o->batch_wait_ms,
                               .kernels = o->kernels},
                   .cache = (size_t)o->cache},
        .max_pixels = (size_t)o->max_megapixels * 1000000,
        .max_items = (size_t)o->max_items,
        .cors = o->cors,
        .log = strcmp(o->log, "none") != 0,
        .log_json = strcmp(o->log, "json") == 0,
    };
    s->decoders = cpus;
}

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The networks of "10.0.0.0/8, fd00::/8"; NULL, or what is wrong with `list`. */
static const char *read_nets(const char *list, struct address_net *nets, size_t *n_nets, char *why)
{
    const char *one;
    size_t n;
    char net[64];

    *n_nets = 0;
    while ((one = name_list_next(&list, &n)) != NULL) {
        snprintf(net, sizeof net, "%.*s", (int)(n < sizeof net ? n : sizeof net - 1), one);
        if (*n_nets == SERVER_NETS) {
            snprintf(why, SERVE_WHY, "takes at most %d networks", SERVER_NETS);
            return why;
        }
        if (!address_parse_net(net, &nets[(*n_nets)++])) {
            snprintf(why, SERVE_WHY, "wants networks (10.0.0.0/8,fd00::/8), not '%s'", net);
            return why;
        }
    }
    return NULL;
}

static const char *check_numbers(const struct serve_options *o, char *why)
{
    const struct {
        const char *name;
        int value, least, most;
    } ranges[] = {
        {"port", o->port, 0, 65535},
        {"threads", o->threads, 0, 4096},
        {"batch", o->batch, 0, 4096},
        {"batch-wait-ms", o->batch_wait_ms, 0, 10000},
        {"queue", o->queue, 1, 1000000},
        {"max-body", o->max_body_mb, 1, 2047},
        {"max-pixels", o->max_megapixels, 1, 4000},
        {"max-items", o->max_items, 1, 100000},
        {"cache", o->cache, 0, 100000000},
        {"deadline", o->deadline_s, 1, 86400},
        {"max-wait", o->max_wait_s, 1, 86400},
        {"url-redirects", o->url_redirects, 0, 30},
        {"url-timeout", o->url_timeout_s, 1, 30},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most) {
            snprintf(why, SERVE_WHY, "is %d to %d, not %d", ranges[i].least, ranges[i].most,
                     ranges[i].value);
            return ranges[i].name;
        }
    }
    return NULL;
}

const char *serve_check(const struct serve_options *o, char *why)
{
    struct address_net nets[SERVER_NETS];
    const char *name = check_numbers(o, why);
    size_t n;

    if (name != NULL) {
        return name;
    }
    if (strcmp(o->log, "none") != 0 && strcmp(o->log, "text") != 0 && strcmp(o->log, "json") != 0) {
        snprintf(why, SERVE_WHY, "is none, text or json, not '%.60s'", o->log);
        return "log";
    }
    if (o->allow_file != NULL && !is_folder(o->allow_file)) {
        snprintf(why, SERVE_WHY, "wants a folder, and '%.200s' is none", o->allow_file);
        return "allow-file";
    }
    if (o->url_to != NULL && read_nets(o->url_to, nets, &n, why) != NULL) {
        return "allow-url-to";
    }
    if (o->allow_url && !HAVE_CURL) {
        snprintf(why, SERVE_WHY,
                 "wants libcurl, which this build is without: install "
                 "libcurl4-openssl-dev, and build again");
        return "allow-url";
    }
    if (o->tls_cert != NULL && !http_can_tls()) {
        snprintf(why, SERVE_WHY,
                 "wants a libmicrohttpd that was built with TLS; this one was not: "
                 "put a proxy in front");
        return "tls-cert";
    }
    return NULL;
}

int server_take_folder(struct server *s, const struct serve_options *o)
{
    if (o->allow_file != NULL && (s->folder = base_real_path(o->allow_file)) == NULL) {
        return base_fail(CLIPC_ERROR_IO, "serve: --allow-file: '%s' is gone", o->allow_file);
    }
    s->options.allow_file = s->folder;
    return CLIPC_OK;
}

/* A whole PEM file as text. */
static int read_pem(const char *path, char **text)
{
    unsigned char *data;
    size_t size;
    int status = base_read_file(path, 1 << 20, &data, &size);

    *text = status == CLIPC_OK ? (char *)data : NULL;
    return status;
}

int server_take_tls(struct server *s, const struct serve_options *o)
{
    if (o->tls_cert == NULL && o->tls_key == NULL) {
        return CLIPC_OK;
    }
    if (o->tls_cert == NULL || o->tls_key == NULL) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "serve: TLS wants both --tls-cert and --tls-key");
    }
    int status = read_pem(o->tls_cert, &s->tls_cert);
    if (status == CLIPC_OK) {
        status = read_pem(o->tls_key, &s->tls_key);
    }
    s->options.http.tls_cert = s->tls_cert;
    s->options.http.tls_key = s->tls_key;
    return status;
}

int server_take_urls(struct server *s, const struct serve_options *o)
{
    char why[SERVE_WHY];

    if (!o->allow_url) {
        return o->allow_url_http || o->allow_url_ip || o->url_to != NULL
                   ? base_fail(CLIPC_ERROR_ARGUMENT,
                               "serve: --allow-url-http, --allow-url-ip and --allow-url-to (or "
                               "their variables) are for --allow-url")
                   : CLIPC_OK;
    }
    if (o->url_to != NULL) {
        read_nets(o->url_to, s->nets, &s->n_nets, why); /* serve_check has found it right */
    }
    struct fetch_options fetch = {.plain_http = o->allow_url_http,
                                  .bare_addresses = o->allow_url_ip,
                                  .nets = s->nets,
                                  .n_nets = s->n_nets,
                                  .hosts = o->url_hosts,
                                  .denied = o->url_deny,
                                  .ca_file = o->url_ca,
                                  .redirects = o->url_redirects,
                                  .seconds = o->url_timeout_s,
                                  .max_bytes = s->options.http.max_body,
                                  .max_held = s->options.http.max_held};
    return fetcher_new(&fetch, &s->fetcher);
}
