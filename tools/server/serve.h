/* serve.h - the server as one call, for the verb. */
#ifndef CLIPC_SERVE_H
#define CLIPC_SERVE_H

#include <stdbool.h>
#include <stddef.h>

/* What the command line says; strings outlive the call. */
struct serve_options {
    const char *const *models; /* [n_models] "NAME=FILE" or "FILE" */
    size_t n_models;
    const char *model_path; /* $CLIPC_MODEL when `models` is empty; NULL: the embedded one */
    const char *default_model, *host, *cors, *log, *kernels, *api_key_file;
    const char *allow_file;                    /* a folder */
    const char *url_to, *url_hosts, *url_deny; /* lists with commas */
    const char *url_ca, *tls_cert, *tls_key;
    const char *default_said; /* how default_model was named: "--default" */
    const char *model_list; /* of the environment, "NAME=FILE,NAME=FILE"; for the verb */
    int port, threads, batch, batch_wait_ms, queue, max_body_mb, max_megapixels, max_items, cache,
        deadline_s, max_wait_s, url_redirects, url_timeout_s;
    bool allow_url, allow_url_http, allow_url_ip, no_auth, roboflow_env;
};

/* The first option with a value that cannot be, by its name ("port"), and what is wrong with it: a
 * sentence that goes on behind the name.  NULL: none.  Options are looked at one by one. */
enum { SERVE_WHY = 300 };
const char *serve_check(const struct serve_options *options, char *why);

/* Serves until SIGTERM or SIGINT; SIGHUP reads the keys again and lets the models be mapped anew.
 * The exit code. */
int serve_run(const struct serve_options *options);

#endif
