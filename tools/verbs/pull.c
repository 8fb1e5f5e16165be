/* pull.c - the verb `pull`: its options, and the list of models.  The work is in tools/pull, which
 * a build without libcurl or a JSON reader does not have. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"
#include "../cli/pulled.h"
#include "../pull/pull.h"
#include "config.h"
#include "verbs.h"

static const struct cli_verb verb = {
    "pull", "NAME [options]",
    "Download a model from a hub, convert it, and keep the weight file in the cache, where -m "
    "NAME\n"
    "finds it; its path is printed.  NAME is a short one (--list), or OWNER/NAME of the hub; with\n"
    "@REVISION behind it, of that one.\n\n"
    "Only what `clipc convert` reads is fetched, of tensors safetensors before pickles; sizes and\n"
    "SHA-256 are checked where the hub gives them.  What an interruption or an error leaves is "
    "gone\n"
    "on with by the next call.  A token, for models that want one, is taken from $HF_TOKEN and "
    "sent\n"
    "to the hub alone.  Proxies are those of the environment ($https_proxy); certificates are the\n"
    "system's, or those of $SSL_CERT_FILE.\n\n"
    "The cache is $XDG_CACHE_HOME/clipc, else ~/.cache/clipc.\n\n"
    "  clipc pull vit-b-32\n"
    "  clipc classify photo.jpg \"a photo of a cat\" \"a photo of a dog\" -m vit-b-32",
    0};

/* ---- --list ---------------------------------------------------------------------------------- */

static void print_size(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0) {
        printf("%.1f MB", (double)st.st_size / 1e6);
    }
    putchar('\n');
}

static void print_known(void)
{
    char path[PATH_MAX];

    printf("%-22s %-46s %s\n", "name", "repository", "in the cache");
    for (const struct pulled_known *k = pulled_known; k->name != NULL; k++) {
        struct pulled_name name;
        printf("%-22s %-46s ", k->name, k->repository);
        print_size(pulled_parse(k->name, &name) && pulled_path(&name, ".clipc", path) ? path : "");
    }
}

static bool is_known(const char *repository)
{
    const struct pulled_known *k = pulled_known;

    while (k->name != NULL && strcmp(k->repository, repository) != 0) {
        k++;
    }
    return k->name != NULL;
}

/* OWNER/NAME.clipc for an entry of the cache's folder OWNER. */
static void print_other(const char *cache, const char *owner, const char *entry)
{
    size_t n = strlen(entry), end = strlen(".clipc");
    char name[600], path[PATH_MAX];

    if (n <= end || strcmp(entry + n - end, ".clipc") != 0) {
        return;
    }
    snprintf(name, sizeof name, "%s/%.*s", owner, (int)(n - end), entry);
    if (!is_known(name) &&
        snprintf(path, sizeof path, "%s/%s/%s", cache, owner, entry) < PATH_MAX) {
        printf("%-22s ", "");
        say_padded(stdout, name, strlen(name), 46);
        putchar(' ');
        print_size(path);
    }
}

static int list(void)
{
    char cache[PATH_MAX], folder[PATH_MAX];
    DIR *dir = pulled_cache(cache) ? opendir(cache) : NULL;

    print_known();
    for (struct dirent *owner; dir != NULL && (owner = readdir(dir)) != NULL;) {
        DIR *inside = owner->d_name[0] != '.' && snprintf(folder, sizeof folder, "%s/%s", cache,
                                                          owner->d_name) < PATH_MAX
                          ? opendir(folder)
                          : NULL;
        for (struct dirent *e; inside != NULL && (e = readdir(inside)) != NULL;) {
            print_other(cache, owner->d_name, e->d_name);
        }
        if (inside != NULL) {
            closedir(inside);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return CLI_DONE;
}

/* ---- One model ------------------------------------------------------------------------------- */

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A line end in a token would be a header of its own. */
static bool is_token(const char *token)
{
    for (const char *p = token; p != NULL && *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~') {
            return false;
        }
    }
    return true;
}

static int pull(const struct pull_request *request)
{
#if HAVE_CURL && HAVE_JANSSON
    char path[PATH_MAX];

    signal(SIGPIPE, SIG_IGN); /* a libcurl before 7.87 writes TLS to connections that are gone */
    if (pull_run(request, path) != CLIPC_OK) {
        return cli_error("pull: %s", clipc_errmsg());
    }
    say(stdout, path);
    putchar('\n');
    return CLI_DONE;
#else
    (void)request;
    return cli_error("pull: this build has no %s; install %s and build again",
                     HAVE_CURL ? "JSON reader" : "libcurl",
                     HAVE_CURL ? "libjansson-dev" : "libcurl4-openssl-dev");
#endif
}

/* The name and the revision of the command line into the request. */
static int take_name(const struct cli *cli, const char *revision, struct pull_request *r)
{
    const char *text = cli->items[0].value, *near = pulled_nearest(text);

    if (!pulled_parse(text, &r->model)) {
        return cli_usage(cli, "'%s' is neither a name of `clipc pull --list` nor OWNER/NAME%s%s%s",
                         text, near != NULL ? " (did you mean " : "", near != NULL ? near : "",
                         near != NULL ? "?)" : "");
    }
    if (revision != NULL && (!pulled_is_revision(revision) || r->model.revision[0] != '\0')) {
        return cli_usage(cli, "--revision wants a branch, a tag or a commit%s, not '%s'",
                         r->model.revision[0] != '\0' ? ", once" : "", revision);
    }
    if (revision != NULL) {
        strcpy(r->model.revision, revision);
    }
    return CLI_GO_ON;
}

int cmd_pull(int argc, char **argv)
{
    struct pull_request r = {.endpoint = variable("HF_ENDPOINT"),
                             .token = variable("HF_TOKEN"),
                             .ca_file = variable("SSL_CERT_FILE"),
                             .seconds = 60};
    const char *revision = NULL;
    bool show = false;
    const struct cli_option options[] = {
        {"list", CLI_FLAG, &show, NULL, "the short names, and what is in the cache"},
        {"revision", CLI_STRING, &revision, "NAME",
         "a branch, a tag or a commit; the model is then -m NAME@REVISION"},
        {"endpoint", CLI_STRING, &r.endpoint, "URL",
         "a mirror of the hub (else $HF_ENDPOINT, else the public one)"},
        {"timeout", CLI_INT, &r.seconds, "SECONDS",
         "give up who sends less than a kilobyte a second for so long (default 60)"},
        {"keep", CLI_FLAG, &r.keep, NULL, "keep the checkpoint's files too"},
        {"anew", CLI_FLAG, &r.anew, NULL, "also when the model is in the cache"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if (show && cli.n_items == 0) {
        code = list();
    } else if (show || cli.n_items != 1) {
        code = cli_usage(&cli, "wants one NAME, or --list");
    } else if (r.seconds == 0) {
        code = cli_usage(&cli, "--timeout wants a second or more");
    } else if (!is_token(r.token)) {
        code = cli_usage(&cli, "$HF_TOKEN has a character that no token has");
    } else if ((code = take_name(&cli, revision, &r)) == CLI_GO_ON) {
        code = pull(&r);
    }
    cli_free(&cli);
    return code;
}
