/* watch_files.c - which files are left, and whether their names and the sources fit them. */
#include "watch_files.h"

#include <stdlib.h>
#include <string.h>

#include "../video/form.h"
#include "../video/picture.h"
#include "../video/stored.h"

/* Frames on a contact sheet: more are no summary. */
enum { MOST_SUMMARY = 400 };

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);

    return n > m && strcmp(path + n - m, ending) == 0;
}

static int check_film(const struct cli *cli, const char *path, size_t n_sources)
{
    if (path != NULL && !film_is_name(path)) {
        return cli_usage(cli, "-o wants a name that ends in .mp4, .m4v, .mov or .mkv, not '%s'",
                         path);
    }
    return path != NULL && n_sources > 1
               ? cli_usage(cli, "-o takes one source: it makes a film of it (--show shows several)")
               : CLI_GO_ON;
}

static int check_embed(const struct cli *cli, const char *path)
{
    char *lines = path != NULL ? stored_lines(path) : NULL;

    if (path != NULL && lines == NULL) {
        return cli_usage(cli, "--embed: %s", clipc_errmsg());
    }
    free(lines);
    return CLI_GO_ON;
}

static int check_summary(const struct cli *cli, int n, const char *path)
{
    bool jpeg = strcmp(picture_ending, ".jpg") == 0;

    if (n > MOST_SUMMARY) {
        return cli_usage(cli, "--summary takes up to %d frames, not %d", MOST_SUMMARY, n);
    }
    if (path != NULL && n == 0) {
        return cli_usage(cli, "--summary-file goes with --summary N, how many frames");
    }
    if (path != NULL && !ends_in(path, ".png") &&
        !(jpeg && (ends_in(path, ".jpg") || ends_in(path, ".jpeg")))) {
        return cli_usage(cli, "--summary-file %s: the name must end in %s.png%s", path,
                         jpeg ? ".jpg or " : "", jpeg ? "" : ", since this build has no libjpeg");
    }
    return CLI_GO_ON;
}

int watch_files_take(const struct cli *cli, const struct watch_files *o, struct watch *w)
{
    int code = check_embed(cli, o->embed);

    w->csv = o->csv;
    w->srt = o->srt;
    w->svg = o->svg;
    w->film = o->film;
    w->show = o->show;
    w->embed = o->embed;
    w->summary = (size_t)o->summary;
    w->summary_file = o->summary_file;
    if (code == CLI_GO_ON && o->srt != NULL && w->n_sources > 1) {
        code = cli_usage(cli, "--srt takes one source: subtitles are of one film");
    }
    if (code == CLI_GO_ON) {
        code = check_film(cli, o->film, w->n_sources);
    }
    return code == CLI_GO_ON ? check_summary(cli, o->summary, o->summary_file) : code;
}
