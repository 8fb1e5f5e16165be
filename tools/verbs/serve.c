/* serve.c - `clipc serve`: the options of the HTTP server (tools/server/ is the server). */
#include <stdlib.h>
#include <string.h>

#include "../cli/cli.h"
#include "config.h"
#include "verbs.h"

#if HAVE_MHD && HAVE_JANSSON
#include "../server/serve.h"
#include "../server/serve_roboflow.h"

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
    "Each option may be an environment variable: CLIPC_SERVE_PORT=80 for --port 80,\n"
    "CLIPC_SERVE_ALLOW_URL=true for --allow-url, CLIPC_SERVE_MODEL=NAME=FILE,NAME=FILE for -m.",
    0};

static const char prefix[] = "CLIPC_SERVE_";

static void defaults(struct serve_options *o)
{
    *o = (struct serve_options){.host = "127.0.0.1",
                                .log = "none",
                                .port = 9001,
                                .batch = 8,
                                .batch_wait_ms = 2,
                                .queue = 256,
                                .max_body_mb = 20,
                                .max_megapixels = 32,
                                .max_items = 8,
                                .cache = 1000,
                                .deadline_s = 30,
                                .max_wait_s = 30,
                                .url_redirects = 3,
                                .url_timeout_s = 10};
}

/* --batch-wait-ms, or the variable of that option. */
static void name_option(const char *option, bool variable, char *out, size_t room)
{
    int n = snprintf(out, room, "%s%s", variable ? "$" : "--", variable ? prefix : "");

    snprintf(out + n, room - (size_t)n, "%s", option);
    for (char *p = out + n; variable && *p != '\0'; p++) {
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    }
}

/* What came last is wrong, if anything is: it was right before. */
static int check(const struct cli *cli, const struct serve_options *o, bool variable)
{
    char why[SERVE_WHY], said[64];
    const char *option = serve_check(o, why);

    if (option == NULL) {
        return CLI_GO_ON;
    }
    name_option(option, variable, said, sizeof said);
    return cli_usage(cli, "%s %s", said, why);
}

/* How the model of --default was named, when `said` has just been looked at. */
static void note_default(struct serve_options *o, const char **before, const char *said)
{
    if (o->default_model != *before) {
        o->default_said = said;
    }
    *before = o->default_model;
}

/* Defaults, Roboflow's variables, ours, the command line: each goes before those named earlier. */
static int settle(struct cli *cli, const struct cli_option *options, struct serve_options *o,
                  bool roboflow, int argc, char **argv)
{
    const char *model = NULL;

    defaults(o);
    int code = roboflow ? serve_roboflow(cli, &verb, options, o) : CLI_GO_ON;
    note_default(o, &model, "$CLIP_VERSION_ID");
    if (code == CLI_GO_ON) {
        code = cli_environment(cli, &verb, options, prefix);
        note_default(o, &model, "$CLIPC_SERVE_DEFAULT");
    }
    if (code == CLI_GO_ON) {
        code = check(cli, o, true);
    }
    if (code == CLI_GO_ON && (code = cli_parse(cli, &verb, options, argc, argv)) == CLI_GO_ON &&
        (code = check(cli, o, false)) != CLI_GO_ON) {
        cli_free(cli);
    }
    note_default(o, &model, "--default");
    return code;
}

/* The models of -m, or of "NAME=FILE,NAME=FILE", which `list` becomes the pieces of.  models: room
 * for as many as there are commas and items. */
static int take_models(const struct cli *cli, struct serve_options *o, char *list,
                       const char **models)
{
    for (size_t i = 0; i < cli->n_items; i++) {
        if (cli->items[i].option == NULL) {
            return cli_usage(cli, "'%s': models are named with -m NAME=FILE", cli->items[i].value);
        }
        models[o->n_models++] = cli->items[i].value;
    }
    for (char *p = list; p != NULL && cli->n_items == 0;) {
        char *comma = strchr(p, ',');
        models[o->n_models++] = p;
        if (comma != NULL) {
            *comma++ = '\0';
        }
        p = comma;
    }
    o->models = models;
    return CLI_GO_ON;
}

static int run(const struct cli *cli, struct serve_options *o)
{
    char *list = o->model_list == NULL ? NULL : strdup(o->model_list);
    size_t room = cli->n_items + 1;

    for (const char *p = list; p != NULL && *p != '\0'; p++) {
        room += *p == ',';
    }
    const char **models = calloc(room, sizeof *models);
    int code = models == NULL || (list == NULL && o->model_list != NULL)
                   ? cli_error("out of memory")
                   : take_models(cli, o, list, models);
    if (code == CLI_GO_ON) {
        o->model_path = cli->model_path;
        o->kernels = cli->session.kernels;
        code = serve_run(o);
    }
    free(models);
    free(list);
    return code;
}

int cmd_serve(int argc, char **argv)
{
    struct cli cli;
    struct serve_options o;
    const struct cli_option options[] = {
        {"m|model", CLI_ITEM, &o.model_list, "NAME=FILE",
         "a model and its name; may be given several times"},
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
        {"max-wait", CLI_INT, &o.max_wait_s, "SECONDS",
         "a request that has waited so long for its turn is 503 (default 30)"},
        {"cors", CLI_STRING, &o.cors, "ORIGINS",
         "pages of these origins may ask: a list with commas, or *"},
        {"allow-file", CLI_STRING, &o.allow_file, "FOLDER",
         "{\"type\": \"file\"} reads pictures of this folder, nothing outside it"},
        {"allow-url", CLI_FLAG, &o.allow_url, NULL,
         "{\"type\": \"url\"} fetches pictures by https from public addresses"},
        {"allow-url-http", CLI_FLAG, &o.allow_url_http, NULL, "by plain http too"},
        {"allow-url-ip", CLI_FLAG, &o.allow_url_ip, NULL, "from bare addresses too, if public"},
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
        {"tls-cert", CLI_STRING, &o.tls_cert, "FILE",
         "speak TLS with this certificate (PEM, its chain behind it)"},
        {"tls-key", CLI_STRING, &o.tls_key, "FILE", "and its key (PEM, not encrypted)"},
        {"log", CLI_STRING, &o.log, "none|text|json", "a line on stderr for each request"},
        {"roboflow-env", CLI_FLAG, &o.roboflow_env, NULL,
         "take Roboflow Inference's variables too: PORT, HOST, CLIP_VERSION_ID,\n"
         "CLIP_MAX_BATCH_SIZE, ALLOW_URL_INPUT, ALLOW_ORIGINS, SSL_CERTFILE ..."},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    int code = settle(&cli, options, &o, false, argc, argv);

    if (code == CLI_GO_ON && o.roboflow_env) {
        cli_free(&cli);
        code = settle(&cli, options, &o, true, argc, argv);
    }
    if (code == CLI_GO_ON) {
        code = run(&cli, &o);
        cli_free(&cli);
    }
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
