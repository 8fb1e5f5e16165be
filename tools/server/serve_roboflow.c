/* serve_roboflow.c - Roboflow Inference 1.5's environment variables as options of `clipc serve`:
 * https://inference.roboflow.com/server_configuration/environmental_variables/.  Those of models,
 * caches, workers and telemetry that mean nothing here are left alone. */
#include "serve_roboflow.h"

#include <stdlib.h>
#include <string.h>

#include "../cli/value.h"

static const struct cli_alias aliases[] = {{"PORT", "port"},
                                           {"HOST", "host"},
                                           {"CLIP_VERSION_ID", "default"},
                                           {"CLIP_MAX_BATCH_SIZE", "max-items"},
                                           {"ALLOW_ORIGINS", "cors"},
                                           {"ALLOW_URL_INPUT", "allow-url"},
                                           {"ALLOW_NON_HTTPS_URL_INPUT", "allow-url-http"},
                                           {"ALLOW_URL_INPUT_WITHOUT_FQDN", "allow-url-ip"},
                                           {"WHITELISTED_DESTINATIONS_FOR_URL_INPUT", "url-hosts"},
                                           {"BLACKLISTED_DESTINATIONS_FOR_URL_INPUT", "url-deny"},
                                           {"MAX_IMAGE_URL_REDIRECTS", "url-redirects"},
                                           {"SSL_CERTFILE", "tls-cert"},
                                           {"SSL_KEYFILE", "tls-key"},
                                           {NULL, NULL}};

/* A switch of the environment; `otherwise` when it is not set. */
static int read_switch(const struct cli *cli, const char *name, bool otherwise, bool *on)
{
    const char *word = getenv(name);

    *on = otherwise;
    return word == NULL || word[0] == '\0' || value_is_switch(word, on)
               ? CLI_GO_ON
               : cli_usage(cli, "$%s is true or false, not '%s'", name, word);
}

/* Switches that can only stand one way here, and why. */
static int refuse_others(const struct cli *cli)
{
    static const struct {
        const char *name;
        bool wanted;
        const char *why;
    } fixed[] = {
        {"ALLOW_NUMPY_INPUT", false, "pickles run the client's code: they are refused"},
        {"ALLOW_LOADING_IMAGES_FROM_LOCAL_FILESYSTEM", false,
         "say which folder with --allow-file instead"},
        {"ALLOW_API_KEY_FROM_HEADERS", true, "keys may always come in a header"},
        {"CORE_MODELS_ENABLED", true, "CLIP is all that there is"},
        {"CORE_MODEL_CLIP_ENABLED", true, "CLIP is all that there is"},
    };
    static const char *const missing[] = {"SSL_KEYFILE_PASSWORD", "SSL_CA_CERTS"};
    int code = CLI_GO_ON;

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0] && code == CLI_GO_ON; i++) {
        bool on;
        code = read_switch(cli, fixed[i].name, fixed[i].wanted, &on);
        if (code == CLI_GO_ON && on != fixed[i].wanted) {
            code = cli_usage(cli, "$%s cannot be %s here: %s", fixed[i].name, on ? "true" : "false",
                             fixed[i].why);
        }
    }
    for (size_t i = 0; i < 2 && code == CLI_GO_ON; i++) {
        const char *value = getenv(missing[i]);
        if (value != NULL && value[0] != '\0') {
            code = cli_usage(cli, "$%s: there is no such setting here", missing[i]);
        }
    }
    return code;
}

/* Switches that are several options, or part of one. */
static int take_switches(const struct cli *cli, struct serve_options *o)
{
    bool log, tls, anywhere;
    int code = read_switch(cli, "API_LOGGING_ENABLED", false, &log);

    if (code == CLI_GO_ON) {
        code = read_switch(cli, "ENABLE_HTTPS", false, &tls);
    }
    if (code == CLI_GO_ON) {
        code = read_switch(cli, "ALLOW_URL_TO_NON_GLOBAL_ADDRESSES", false, &anywhere);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    o->log = log ? "json" : o->log;
    o->url_to = anywhere ? "0.0.0.0/0,::/0" : NULL;
    o->tls_cert = tls ? o->tls_cert : NULL;
    o->tls_key = tls ? o->tls_key : NULL;
    return tls && (o->tls_cert == NULL || o->tls_key == NULL)
               ? cli_usage(cli, "$ENABLE_HTTPS wants $SSL_CERTFILE and $SSL_KEYFILE")
               : CLI_GO_ON;
}

int serve_roboflow(struct cli *cli, const struct cli_verb *verb, const struct cli_option *options,
                   struct serve_options *o)
{
    char why[SERVE_WHY];
    int code = cli_aliases(cli, verb, options, aliases);

    if (code == CLI_GO_ON) {
        code = refuse_others(cli);
    }
    if (code == CLI_GO_ON) {
        code = take_switches(cli, o);
    }
    const char *wrong = code == CLI_GO_ON ? serve_check(o, why) : NULL;
    for (size_t i = 0; wrong != NULL && aliases[i].variable != NULL; i++) {
        if (strcmp(aliases[i].option, wrong) == 0) {
            return cli_usage(cli, "$%s %s", aliases[i].variable, why);
        }
    }
    return code;
}
