/* options.c - what the command line says, checked and in the units of the parts that want it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../src/base/base.h"
#include "../../src/base/cpus.h"
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
                 .deadline_s = o->deadline_s},
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

int server_take_folder(struct server *s, const struct serve_options *o)
{
    struct stat info;

    if (o->allow_file == NULL) {
        return CLIPC_OK;
    }
    s->folder = base_real_path(o->allow_file);
    if (s->folder == NULL || stat(s->folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "serve: --allow-file: '%s' is no folder",
                         o->allow_file);
    }
    s->options.allow_file = s->folder;
    return CLIPC_OK;
}

/* The networks of "10.0.0.0/8, fd00::/8". */
static int read_nets(struct server *s, const char *list)
{
    const char *one;
    size_t n;
    char net[64];

    while ((one = name_list_next(&list, &n)) != NULL) {
        snprintf(net, sizeof net, "%.*s", (int)(n < sizeof net ? n : sizeof net - 1), one);
        if (s->n_nets == SERVER_NETS) {
            return base_fail(CLIPC_ERROR_ARGUMENT, "serve: --allow-url-to takes %d networks",
                             SERVER_NETS);
        }
        if (!address_parse_net(net, &s->nets[s->n_nets++])) {
            return base_fail(CLIPC_ERROR_ARGUMENT,
                             "serve: --allow-url-to wants networks (10.0.0.0/8,fd00::/8), not '%s'",
                             net);
        }
    }
    return CLIPC_OK;
}

int server_take_urls(struct server *s, const struct serve_options *o)
{
    if (!o->allow_url) {
        return o->allow_url_http || o->url_to != NULL
                   ? base_fail(CLIPC_ERROR_ARGUMENT,
                               "serve: --allow-url-http and --allow-url-to are for --allow-url")
                   : CLIPC_OK;
    }
    int status = o->url_to == NULL ? CLIPC_OK : read_nets(s, o->url_to);
    struct fetch_options fetch = {.plain_http = o->allow_url_http,
                                  .nets = s->nets,
                                  .n_nets = s->n_nets,
                                  .hosts = o->url_hosts,
                                  .denied = o->url_deny,
                                  .ca_file = o->url_ca,
                                  .redirects = o->url_redirects,
                                  .seconds = o->url_timeout_s,
                                  .max_bytes = s->options.http.max_body,
                                  .max_held = s->options.http.max_held};
    return status == CLIPC_OK ? fetcher_new(&fetch, &s->fetcher) : status;
}
