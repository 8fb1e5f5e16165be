/* open.c - models and sessions as the options of a verb ask for them. */
#include "open.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "probe.h"
#include "pulled.h"

/* Nothing is called `path`: what `clipc pull` has to do with it. */
static int not_there(const char *path, const char *reason)
{
    const char *near = pulled_nearest(path), *dot = strrchr(path, '.');
    struct pulled_name name;

    if (dot != NULL && strcmp(dot, ".clipc") == 0) {
        return cli_error("%s", reason);
    }
    if (pulled_parse(path, &name)) {
        return cli_error("%s (`clipc pull %s` downloads %s)", reason, path, name.repository);
    }
    return near != NULL
               ? cli_error("%s (`clipc pull %s` downloads a model of that name)", reason, near)
               : cli_error("%s (`clipc pull NAME` downloads a model, `clipc pull --list` "
                           "lists names)",
                           reason);
}

int cli_not_opened(const char *path)
{
    char reason[512];
    struct probe p;
    struct stat st;

    snprintf(reason, sizeof reason, "%s", clipc_errmsg());
    if (stat(path, &st) != 0) {
        return errno == ENOENT ? not_there(path, reason) : cli_error("%s", reason);
    }
    if (S_ISDIR(st.st_mode)) {
        return cli_error("%s (`clipc convert` makes a weight file of a checkpoint's folder)",
                         reason);
    }
    if (probe_file(path, &p) != CLIPC_OK || p.what == NULL || p.kind == PROBE_CLIPC) {
        return cli_error("%s", reason);
    }
    return cli_error("%s: not a clipc weight file but %s; %s", path, p.what,
                     p.kind != PROBE_OTHER ? "`clipc convert` makes one of it"
                                           : "clipc convert --help says what becomes one");
}

clipc_model *cli_open_model(const struct cli *cli)
{
    clipc_model *model = NULL;
    size_t size;
    const void *demo = demo_model(&size);

    if (cli->model_path != NULL) {
        if (clipc_open(cli->model_path, &model) != CLIPC_OK) {
            cli_not_opened(cli->model_path);
        }
    } else if (size == 0) {
        cli_error("this build has no embedded model; name one with -m FILE or $CLIPC_MODEL");
    } else if (clipc_open_memory(demo, size, &model) != CLIPC_OK) {
        cli_error("the embedded model: %s", clipc_errmsg());
    }
    return model;
}

clipc_session *cli_open_session(const struct cli *cli, const clipc_model *model)
{
    clipc_session *session = NULL;
    struct clipc_session_info info = {.size = sizeof info};

    if (clipc_session_new(model, &cli->session, &session) != CLIPC_OK) {
        cli_error("%s", clipc_errmsg());
        return NULL;
    }
    clipc_session_info(session, &info);
    if (cli->session.precision == CLIPC_PRECISION_FAST && info.precision != CLIPC_PRECISION_FAST) {
        cli_note("--precision fast: kernel set %s has no 16-bit products on this CPU, so it "
                 "computes exactly",
                 info.kernels);
    }
    return session;
}
