/* view.c - for each source a line of figures and a bar for each prompt, drawn again where it stood,
 * no oftener than people can see. */
#include "view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/bar.h"
#include "../cli/say.h"

#define SECONDS_BETWEEN 0.1
enum { BAR = 30, WIDEST = 40 };

struct panel {
    char name[256];
    bool seen, live;
    uint64_t frames, number, dropped;
    double began, time, latency; /* latency: of late */
    double *cosines, *percents;  /* [n_prompts] */
    size_t best;
};

struct view {
    const struct labels *prompts;
    size_t n, widest;
    struct panel *panels; /* [n] */
    double drawn;         /* when; 0: never */
    size_t lines;         /* that stand above the cursor and are ours */
    bool changed;
};

int view_new(const struct labels *prompts, size_t n, struct view **out)
{
    struct view *v = calloc(1, sizeof *v);

    *out = v;
    if (v == NULL || (v->panels = calloc(n, sizeof *v->panels)) == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    v->prompts = prompts;
    v->n = n;
    for (size_t i = 0; i < prompts->n; i++) {
        size_t columns = say_columns(prompts->names[i].text, prompts->names[i].length);
        v->widest = columns > v->widest && columns <= WIDEST ? columns : v->widest;
    }
    for (size_t i = 0; i < n; i++) {
        v->panels[i].cosines = calloc(2 * prompts->n, sizeof(double));
        if (v->panels[i].cosines == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
        }
        v->panels[i].percents = v->panels[i].cosines + prompts->n;
    }
    return CLIPC_OK;
}

/* Lines that the terminal has room for; a guess where it does not say. */
static size_t terminal_lines(void)
{
    struct winsize size = {0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 24;
}

static void end_line(struct view *v)
{
    fputs("\033[K\n", stdout);
    v->lines++;
}

static void draw_head(struct view *v, const struct panel *p)
{
    double seconds = base_seconds() - p->began;
    int minutes = (int)(p->time / 60);

    fputs("\033[1m", stdout);
    say(stdout, p->name);
    printf("\033[0m  %d:%05.2f  frame %llu", minutes, p->time - 60 * minutes,
           (unsigned long long)p->number);
    if (p->frames > 1 && seconds > 0) {
        printf("  %.1f/s", (double)(p->frames - 1) / seconds);
    }
    if (p->live) {
        printf("  %.0f ms  %llu dropped", 1e3 * p->latency, (unsigned long long)p->dropped);
    }
    end_line(v);
}

static void draw_bar(struct view *v, const struct panel *p, size_t i)
{
    const struct label *name = &v->prompts->names[i];
    bool known = !isnan(p->percents[i]);

    fputs(i == p->best ? "  \033[1m" : "  ", stdout);
    say_padded(stdout, name->text, name->length, v->widest);
    fputs(i == p->best ? "\033[0m" : "", stdout);
    if (known) {
        printf(" %5.1f %%  ", p->percents[i]);
    } else {
        printf(" %7.4f  ", p->cosines[i]);
    }
    bar_put(stdout, known ? p->percents[i] / 100 : p->cosines[i], BAR);
    end_line(v);
}

static void draw(struct view *v)
{
    size_t room = terminal_lines() - 1, each = room / v->n, n = v->prompts->n;

    if (v->lines > 0) {
        printf("\033[%zuA", v->lines);
    }
    v->lines = 0;
    for (size_t s = 0; s < v->n && v->lines < room; s++) {
        const struct panel *p = &v->panels[s];
        size_t bars = each > 1 ? each - 1 : 0;
        if (!p->seen) {
            continue;
        }
        draw_head(v, p);
        for (size_t i = 0; i < n && i < bars; i++) {
            if (n > bars && i + 1 == bars) {
                printf("  and %zu more", n - i);
                end_line(v);
                break;
            }
            draw_bar(v, p, i);
        }
    }
    fputs("\033[J", stdout);
    fflush(stdout);
    v->drawn = base_seconds();
    v->changed = false;
}

void view_frame(struct view *v, const struct shown *s)
{
    struct panel *p = &v->panels[s->answer->source];
    size_t n = v->prompts->n * sizeof(double);

    if (!p->seen) {
        p->began = base_seconds();
        p->latency = s->answer->latency;
        snprintf(p->name, sizeof p->name, "%.*s", (int)s->name_length, s->name);
    }
    p->seen = true;
    p->live = s->live;
    p->frames++;
    p->number = s->answer->number;
    p->time = s->answer->time;
    p->dropped = s->answer->dropped;
    p->latency += (s->answer->latency - p->latency) / 8;
    p->best = s->scores->best;
    memcpy(p->cosines, s->scores->cosines, n);
    memcpy(p->percents, s->scores->percents, n);
    v->changed = true;
    if (base_seconds() - v->drawn >= SECONDS_BETWEEN) {
        draw(v);
    }
}

void view_pause(struct view *v)
{
    if (v->changed) {
        draw(v);
    }
    v->lines = 0;
}

void view_free(struct view *v)
{
    if (v == NULL) {
        return;
    }
    for (size_t i = 0; v->panels != NULL && i < v->n; i++) {
        free(v->panels[i].cosines);
    }
    free(v->panels);
    free(v);
}
