/* serve.c - `clipc serve`: the options of the HTTP server (tools/server/ is the server). */
#include <stdlib.h>
#include <string.h>

#include "../cli/cli.h"
#include "config.h"
#include "verbs.h"

#if HAVE_MHD && HAVE_JANSSON
#include "../server/serve.h"

static const struct cli_verb verb = {
    "serve", "[-m NAME=FILE]... [options]",
    "Answer Roboflow Inference's CLIP calls over HTTP: POST /clip/embed_image, /clip/embed_text,\n"
    "/clip/compare; GET /info, /healthz, /readiness, /model/registry, /metrics and more.  An "
    "existing\n"
    "client changes the URL and nothing else.  Models are mapped on first use and named by\n"
    "clip_version_id; without -m the embedded demo model answers.\n\n"
    "  clipc serve -m ViT-B-16=vit-b-16.clipc\n"
    "  curl -s 127.0.0.1:9001/clip/embed_text --json '{\"text\": \"a photo of a cat\"}'\n"
    "  curl -s 127.0.0.1:9001/clip/embed_image -H 'Content-Type: image/jpeg' --data-binary "
    "@cat.jpg\n\n"
    "Each option may be an environment variable: CLIPC_PORT for --port, CLIPC_MAX_BODY for "
    "--max-body.",
    0};

/* An option that is a number, with the environment variable that sets it. */
static int number_from_environment(const char *name, int otherwise, int *value)
{
    const char *text = getenv(name);
    char *end;

    *value = otherwise;
    if (text == NULL || text[0] == '\0') {
        return CLI_GO_ON;
    }
    long n = strtol(text, &end, 10);
    if (*end != '\0' || n < 0 || n > 1000000) {
        cli_error("serve: $%s wants a whole number, not '%s'", name, text);
        return CLI_USAGE;
    }
    *value = (int)n;
    return CLI_GO_ON;
}

static int defaults(struct serve_options *o)
{
    const struct {
        const char *name;
        int otherwise, *value;
    } numbers[] = {
        {"CLIPC_PORT", 9001, &o->port},
        {"CLIPC_THREADS", 0, &o->threads},
        {"CLIPC_BATCH", 8, &o->batch},
        {"CLIPC_BATCH_WAIT_MS", 2, &o->batch_wait_ms},
        {"CLIPC_QUEUE", 256, &o->queue},
        {"CLIPC_MAX_BODY", 20, &o->max_body_mb},
        {"CLIPC_MAX_PIXELS", 32, &o->max_megapixels},
        {"CLIPC_MAX_ITEMS", 8, &o->max_items},
        {"CLIPC_CACHE", 1000, &o->cache},
        {"CLIPC_DEADLINE", 30, &o->deadline_s},
        {"CLIPC_URL_REDIRECTS", 3, &o->url_redirects},
        {"CLIPC_URL_TIMEOUT", 10, &o->url_timeout_s},
    };
    const struct {
        const char *name, *otherwise, **value;
    } strings[] = {
        {"CLIPC_HOST", "127.0.0.1", &o->host},
        {"CLIPC_CORS", NULL, &o->cors},
        {"CLIPC_LOG", "none", &o->log},
        {"CLIPC_DEFAULT", NULL, &o->default_model},
        {"CLIPC_API_KEY_FILE", NULL, &o->api_key_file},
        {"CLIPC_KERNELS", NULL, &o->kernels},
        {"CLIPC_MODEL", NULL, &o->model_path},
    };

    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int code = number_from_environment(numbers[i].name, numbers[i].otherwise, numbers[i].value);
        if (code != CLI_GO_ON) {
            return code;
        }
    }
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const char *text = getenv(strings[i].name);
        *strings[i].value = text == NULL || text[0] == '\0' ? strings[i].otherwise : text;
    }
    return CLI_GO_ON;
}

/* What the numbers may be; a server with none of something would answer nothing. */
static int check(const struct cli *cli, const struct serve_options *o)
{
    static const char *const logs[] = {"none", "text", "json"};
    bool known = false;

    for (size_t i = 0; i < 3; i++) {
        known |= strcmp(o->log, logs[i]) == 0;
    }
    if (!known) {
        return cli_usage(cli, "--log is none, text or json, not '%s'", o->log);
    }
    if (o->port > 65535 || o->queue < 1 || o->max_body_mb < 1 || o->max_body_mb > 2047 ||
        o->max_megapixels < 1 || o->max_items < 1 || o->deadline_s < 1 || o->url_timeout_s < 1 ||
        o->url_timeout_s > 30) {
        return cli_usage(cli, "a port is at most 65535, and --queue, --max-body (1 to 2047), "
                              "--max-pixels, --max-items, --deadline and --url-timeout (1 to 30) "
                              "at least 1");
    }
    return CLI_GO_ON;
}

int cmd_serve(int argc, char **argv)
{
    struct cli cli;
    struct serve_options o;
    const struct cli_option options[] = {
        {"m", CLI_ITEM, NULL, "NAME=FILE", "a model and its name; may be given several times"},
        {"default", CLI_STRING, &o.default_model, "NAME",
         "the model of requests that name none (default: the first)"},
        {"host", CLI_STRING, &o.host, "ADDRESS", "where to listen (default 127.0.0.1)"},
        {"port", CLI_INT, &o.port, "N", "default 9001; 0: any that is free"},
        {"threads", CLI_INT, &o.threads, "N", "threads that compute (default: one for each CPU)"},
        {"batch", CLI_INT, &o.batch, "N", "images or texts computed at once (default 8)"},
        {"batch-wait-ms", CLI_INT, &o.batch_wait_ms, "N",
         "how long a batch that is not full waits for pictures being decoded\n(default 2; a lone "
         "request never waits)"},
        {"queue", CLI_INT, &o.queue, "N", "requests that may wait (default 256); more are 503"},
        {"max-body", CLI_INT, &o.max_body_mb, "MB", "largest body (default 20)"},
        {"max-pixels", CLI_INT, &o.max_megapixels, "MP",
         "largest picture in millions of pixels (default 32)"},
        {"max-items", CLI_INT, &o.max_items, "N",
         "images of one request, prompts of one comparison (default 8)"},
        {"cache", CLI_INT, &o.cache, "N", "texts whose vectors are remembered (default 1000)"},
        {"deadline", CLI_INT, &o.deadline_s, "SECONDS",
         "a client that has not sent its whole request by then is cut (default 30)"},
        {"cors", CLI_STRING, &o.cors, "ORIGINS",
         "pages of these origins may ask: a list with commas, or *"},
        {"allow-file", CLI_STRING, &o.allow_file, "FOLDER",
         "{\"type\": \"file\"} reads pictures of this folder, nothing outside it"},
        {"allow-url", CLI_FLAG, &o.allow_url, NULL,
         "{\"type\": \"url\"} fetches pictures by https from public addresses"},
        {"allow-url-http", CLI_FLAG, &o.allow_url_http, NULL, "by plain http too"},
        {"allow-url-to", CLI_STRING, &o.url_to, "NETS",
         "from these networks too, at any port: 10.0.0.0/8,fd00::/8"},
        {"url-hosts", CLI_STRING, &o.url_hosts, "NAMES", "from these hosts only"},
        {"url-deny", CLI_STRING, &o.url_deny, "NAMES", "never from these hosts"},
        {"url-ca", CLI_STRING, &o.url_ca, "FILE",
         "certificates (PEM) that https trusts instead of the system's"},
        {"url-redirects", CLI_INT, &o.url_redirects, "N", "redirects followed (default 3)"},
        {"url-timeout", CLI_INT, &o.url_timeout_s, "SECONDS",
         "for all URLs of a request together (default 10, at most 30)"},
        {"api-key-file", CLI_STRING, &o.api_key_file, "FILE",
         "only clients with one of these keys (a line each) may ask; read again on SIGHUP"},
        {"no-auth", CLI_FLAG, &o.no_auth, NULL, "listen where others can reach it, without keys"},
        {"log", CLI_STRING, &o.log, "none|text|json", "a line on stderr for each request"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    int code = defaults(&o);

    if (code == CLI_GO_ON) {
        code = cli_parse(&cli, &verb, options, argc, argv);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    const char **models = calloc(cli.n_items + 1, sizeof *models);
    code = models == NULL ? cli_error("out of memory") : check(&cli, &o);
    for (size_t i = 0; i < cli.n_items && code == CLI_GO_ON; i++) {
        if (cli.items[i].option == NULL) {
            code = cli_usage(&cli, "'%s': models are named with -m NAME=FILE", cli.items[i].value);
        } else {
            models[o.n_models++] = cli.items[i].value;
        }
    }
    o.models = models;
    if (code == CLI_GO_ON) {
        code = serve_run(&o);
    }
    free(models);
    cli_free(&cli);
    return code;
}
#else
int cmd_serve(int argc, char **argv)
{
    (void)argc;
    return cli_error("%s: this build has no HTTP server: install libmicrohttpd-dev and "
                     "libjansson-dev, and build again",
                     argv[0]);
}
#endif
