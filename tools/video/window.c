/* window.c - the frames with their answers drawn on them, in a window of the program ffplay.  A
 * film is shown at its own speed, and a window that is paused holds it up; live frames are shown as
 * they come.  To close the window is to end the watch. */
#include <stdbool.h>
#include <stdlib.h>

#include "../../src/base/base.h"
#include "form.h"
#include "painter.h"
#include "process.h"

struct window {
    struct form form;
    struct painter *painter;
};

static void frame(struct form *form, const struct shown *shown)
{
    painter_frame(((struct window *)form)->painter, shown);
}

static int end(struct form *form)
{
    uint64_t n;
    int status = painter_end(((struct window *)form)->painter, &n);

    free(form);
    return status;
}

static void abandon(struct form *form)
{
    end(form);
}

/* Is there such a program? */
static int look_for_ffplay(void)
{
    static const char *const argv[] = {"ffplay", "-version", NULL};
    struct process process;
    int status = process_start(&process, argv, 0);

    if (status == CLIPC_ERROR_UNSUPPORTED) {
        return base_fail(status, "--show: there is no program ffplay, which opens the window "
                                 "(apt-get install ffmpeg)");
    }
    if (status == CLIPC_OK) {
        process_end(&process, 30, NULL);
    }
    return status;
}

int window_new(const struct labels *prompts, size_t n_sources, bool live, void (*closed)(void *arg),
               void *arg, struct form **out)
{
    static const struct form_class class = {frame, end, abandon};
    static const char *const argv[] = {"ffplay",
                                       "-hide_banner",
                                       "-loglevel",
                                       "error",
                                       "-probesize",
                                       "32",
                                       "-analyzeduration",
                                       "0",
                                       "-fflags",
                                       "nobuffer",
                                       "-sync",
                                       "video",
                                       "-autoexit",
                                       "-window_title",
                                       "clipc watch",
                                       "-f",
                                       "matroska",
                                       "-i",
                                       "pipe:0",
                                       NULL};
    struct painter_options options = {.name = "--show",
                                      .prompts = prompts,
                                      .n_sources = n_sources,
                                      .size = {640, 480, 1920, 1080},
                                      .outlet = {.argv = argv, .file = -1, .hasty = true},
                                      .at_once = live,
                                      .closed = closed,
                                      .arg = arg};
    struct window *w = calloc(1, sizeof *w);
    int status = w == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : look_for_ffplay();

    if (status == CLIPC_OK) {
        status = painter_new(&options, &w->painter);
    }
    if (status != CLIPC_OK) {
        free(w);
        return status;
    }
    w->form.class = &class;
    *out = &w->form;
    return CLIPC_OK;
}
