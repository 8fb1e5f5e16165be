/* film.c - the frames with their answers drawn on them, as a film that the program ffmpeg encodes.
 * It writes under the temporary name of an output; the film gets its own when it is whole, be it
 * that the user ended the watch: then it holds what came until then.  Each frame keeps its time. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "../cli/target.h"
#include "feed.h"
#include "form.h"
#include "painter.h"
#include "process.h"

/* The formats of these endings, as ffmpeg calls them. */
static const struct {
    const char *ending, *format;
} formats[] = {{".mp4", "mp4"}, {".m4v", "mp4"}, {".mov", "mov"}, {".mkv", "matroska"}};

/* Best first; each with how good: at these values nobody sees the difference. */
static const struct {
    const char *name, *option, *value, *more, *more_value;
} encoders[] = {{"libx264", "-crf", "20", "-preset", "veryfast"},
                {"mpeg4", "-q:v", "3", "-vtag", "mp4v"}};
enum { ENCODERS = sizeof encoders / sizeof encoders[0] };

struct film {
    struct form form;
    struct output output;
    struct painter *painter;
    const char *path;
    char target[PATH_MAX + 32]; /* "file:" and the temporary name */
    const char *argv[64];
};

static void frame(struct form *form, const struct shown *shown)
{
    painter_frame(((struct film *)form)->painter, shown);
}

static int end(struct form *form)
{
    struct film *f = (struct film *)form;
    uint64_t n;
    int status = painter_end(f->painter, &n);

    if (status == CLIPC_OK && n == 0) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "%s: not written: there was no frame", f->path);
    }
    if (status == CLIPC_OK) {
        status = output_finish(&f->output);
    } else {
        output_abort(&f->output);
    }
    free(f);
    return status;
}

static void abandon(struct form *form)
{
    struct film *f = (struct film *)form;
    uint64_t n;

    painter_end(f->painter, &n);
    output_abort(&f->output);
    free(f);
}

/* Its place in `encoders`; ENCODERS when ffmpeg has none of them; or a negative clipc_status. */
static int find_encoder(double patience)
{
    static const char *const argv[] = {"ffmpeg", "-hide_banner", "-loglevel",
                                       "quiet",  "-encoders",    NULL};
    struct process process;
    struct feed list;
    char line[512], name[64];
    int best = ENCODERS, status = process_start(&process, argv, PROCESS_OUT);

    if (status == CLIPC_ERROR_UNSUPPORTED) {
        return base_fail(status, "-o: there is no program ffmpeg, which encodes films "
                                 "(apt-get install ffmpeg)");
    }
    if (status == CLIPC_OK) {
        status = feed_begin(&list, "ffmpeg -encoders", process.out, -1, patience);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    list.keep = true;
    while (feed_line(&list, line, sizeof line) == 1) { /* " V....D libx264   ..." */
        for (int i = 0; i < best && sscanf(line, " V%*s %63s", name) == 1; i++) {
            best = strcmp(name, encoders[i].name) == 0 ? i : best;
        }
    }
    feed_close(&list);
    process_end(&process, patience, NULL);
    return best;
}

/* The shell's words, one after another, then encoder and target. */
static void command(struct film *f, int encoder, const char *format)
{
    const char *const words[] = {
        "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-xerror", "-y",
        /* What comes: at once, with its times. */
        "-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0", "-copyts", "-f",
        "matroska", "-i", "pipe:0", "-map", "0:v", "-vsync", "passthrough",
        /* What becomes of it: a fine clock, and colours as players take them for granted. */
        "-enc_time_base", "1:60000", "-vf",
        "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,"
        "format=yuv420p",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range",
        "tv", "-c:v", encoders[encoder].name, encoders[encoder].option, encoders[encoder].value,
        encoders[encoder].more, encoders[encoder].more_value, "-movflags", "+faststart", "-f",
        format, f->target};
    size_t n = sizeof words / sizeof words[0];

    memcpy(f->argv, words, sizeof words);
    f->argv[n] = NULL;
}

static const char *format_of(const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        size_t n = strlen(formats[i].ending);
        if (length > n && strcasecmp(path + length - n, formats[i].ending) == 0) {
            return formats[i].format;
        }
    }
    return NULL;
}

bool film_is_name(const char *path)
{
    return format_of(path) != NULL;
}

static int open_film(struct film *f, const struct labels *prompts, double patience)
{
    int encoder = find_encoder(patience), status;

    if (encoder < 0 || encoder == ENCODERS) {
        return encoder < 0 ? encoder
                           : base_fail(CLIPC_ERROR_UNSUPPORTED,
                                       "-o: this ffmpeg has neither libx264 nor mpeg4");
    }
    status = target_open(&f->output, f->path);
    if (status != CLIPC_OK) {
        return status;
    }
    snprintf(f->target, sizeof f->target, "file:%s", f->output.temporary);
    command(f, encoder, format_of(f->path));
    struct painter_options options = {
        .name = f->path,
        .prompts = prompts,
        .n_sources = 1,
        .size = {160, 120, 4096, 4096},
        .outlet = {.argv = f->argv, .patience = patience, .file = f->output.fd}};
    status = painter_new(&options, &f->painter);
    if (status != CLIPC_OK) {
        output_abort(&f->output);
    }
    return status;
}

int film_new(const char *path, const struct labels *prompts, double patience, struct form **out)
{
    static const struct form_class class = {frame, end, abandon};
    struct film *f = calloc(1, sizeof *f);

    if (f == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    f->form.class = &class;
    f->path = path;
    int status = open_film(f, prompts, patience);
    if (status != CLIPC_OK) {
        free(f);
        return status;
    }
    *out = &f->form;
    return CLIPC_OK;
}
