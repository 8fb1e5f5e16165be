/* srt.c - subtitles: the prompts with the most percent while they have them.  A player shows them
 * over the film; `ffmpeg -i film.mp4 -vf subtitles=film.srt out.mp4` draws them into it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "form_file.h"

enum { MOST_LINES = 3, TEXT_BYTES = 1024 };

struct srt {
    struct form_file file;
    unsigned n;         /* cues so far */
    bool pending;       /* `text` is shown since `start` */
    double start, last; /* last: the time of the newest frame */
    double gap;         /* between the last two frames */
    char text[TEXT_BYTES];
};

static void put_time(FILE *f, double seconds)
{
    long long ms = llround(fmax(seconds, 0) * 1e3);

    fprintf(f, "%02lld:%02lld:%02lld,%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
            ms % 1000);
}

static void put_cue(struct srt *s, double until)
{
    FILE *f = s->file.f;

    fprintf(f, "%u\r\n", ++s->n);
    put_time(f, s->start);
    fputs(" --> ", f);
    put_time(f, until);
    fprintf(f, "\r\n%s\r\n", s->text);
}

/* "63 %  a red cross" for the best few, best first; of a model without a range their cosines. */
static void write_text(char *text, const struct scores *scores)
{
    size_t used = 0, shown[MOST_LINES];
    FILE *f = fmemopen(text, TEXT_BYTES - 1, "w");

    memset(text, 0, TEXT_BYTES);
    for (; f != NULL && used < MOST_LINES && used < scores->n; used++) {
        size_t best = scores->n;
        for (size_t i = 0; i < scores->n; i++) {
            bool taken = false;
            for (size_t k = 0; k < used; k++) {
                taken |= shown[k] == i;
            }
            if (!taken && (best == scores->n || scores->cosines[i] > scores->cosines[best])) {
                best = i;
            }
        }
        const struct label *name = &scores->prompts->names[best];
        shown[used] = best;
        if (isnan(scores->percents[best])) {
            fprintf(f, "%.3f  ", scores->cosines[best]);
        } else {
            fprintf(f, "%.0f %%  ", scores->percents[best]);
        }
        say_text(f, name->text, name->length < 200 ? name->length : 200);
        fputs("\r\n", f);
    }
    if (f != NULL) {
        fclose(f);
    }
}

static void frame(struct form *form, const struct shown *shown)
{
    struct srt *s = (struct srt *)form;
    char text[TEXT_BYTES];
    double time = shown->answer->time;

    write_text(text, shown->scores);
    if (s->pending) {
        s->gap = time - s->last;
    }
    if (s->pending && strcmp(text, s->text) != 0) {
        put_cue(s, time);
        s->pending = false;
    }
    if (!s->pending) {
        memcpy(s->text, text, sizeof text);
        s->start = time;
        s->pending = true;
    }
    s->last = time;
}

static int end(struct form *form)
{
    struct srt *s = (struct srt *)form;

    if (s->pending) {
        put_cue(s, s->last + (s->gap > 0 ? s->gap : 0.04)); /* as long as one frame */
    }
    int status = form_file_end(&s->file);
    free(s);
    return status;
}

static void abandon(struct form *form)
{
    struct srt *s = (struct srt *)form;

    form_file_abandon(&s->file);
    free(s);
}

int srt_new(const char *path, struct form **out)
{
    static const struct form_class class = {frame, end, abandon};
    struct srt *s = calloc(1, sizeof *s);
    int status =
        s == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : form_file_open(&s->file, path);

    if (status != CLIPC_OK) {
        free(s);
        return status;
    }
    s->file.form.class = &class;
    *out = &s->file.form;
    return CLIPC_OK;
}
