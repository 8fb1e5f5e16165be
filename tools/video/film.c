/* film.c - the frames with their answers drawn on them, as a film that the program ffmpeg encodes.
 * It writes under the temporary name of an output; the film gets its own when it is whole, be it
 * that the user ended the watch: then it holds what came until then.  Each frame keeps its time. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "../cli/target.h"
#include "encoder.h"
#include "form.h"
#include "painter.h"

/* The formats of these endings, as ffmpeg calls them. */
static const struct {
    const char *ending, *format;
} formats[] = {{".mp4", "mp4"}, {".m4v", "mp4"}, {".mov", "mov"}, {".mkv", "matroska"}};

struct film {
    struct form form;
    struct output output;
    struct painter *painter;
    const char *path;
    struct encoder encoder;
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
    int codec = encoder_find("-o"), status;

    if (codec < 0) {
        return codec;
    }
    status = target_open(&f->output, f->path);
    if (status != CLIPC_OK) {
        return status;
    }
    encoder_command(&f->encoder, codec, false, format_of(f->path), f->output.temporary);
    struct painter_options options = {
        .name = f->path,
        .prompts = prompts,
        .n_sources = 1,
        .size = {160, 120, 4096, 4096},
        .outlet = {.argv = f->encoder.argv, .patience = patience, .file = f->output.fd}};
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
