/* svg.c - each prompt's cosine over time as a picture: a panel for each source, a line for each
 * prompt (around it the least and the most where a point stands for many frames), on the right
 * which line is which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/utf8.h"
#include "form_file.h"
#include "series.h"

enum { WIDTH = 960, PANEL = 300, LEFT = 56, RIGHT = 310, TOP = 36, BOTTOM = 40, MOST_NAMED = 12 };

struct panel {
    struct series series;
    char *name;
    size_t name_length;
};

struct svg {
    struct form_file file;
    const struct labels *prompts;
    size_t n_panels;
    struct panel *panels; /* [n_panels] */
    double low, high;     /* the range worth showing; equal: none */
};

/* Okabe and Ito's, which people tell apart however they see colours. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#444444", "#b8a800"};
enum { COLOURS = sizeof colours / sizeof colours[0] };

static void put_text(FILE *f, const char *text, size_t n, size_t most)
{
    for (size_t i = 0, shown = 0; i < n; shown++) {
        unsigned char bytes[4];
        uint32_t c;
        i += utf8_read(text + i, n - i, &c, NULL);
        if (shown == most) {
            fputs("…", f);
            return;
        }
        if (c == '<' || c == '>' || c == '&') {
            fputs(c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;", f);
        } else {
            c = c < 0x20 || c == 0x7f || c == 0xfffe || c == 0xffff ? '?' : c;
            fwrite(bytes, 1, utf8_write(c, bytes), f);
        }
    }
}

/* A step of 1, 2 or 5 times a power of ten that cuts `span` into about `n`. */
static double nice_step(double span, int n)
{
    double rough = fmax(span, 1e-9) / n, power = pow(10, floor(log10(rough)));
    double times = rough / power;

    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

/* A panel's axes: data to places. */
struct axes {
    double top; /* of the panel */
    double time, seconds, least, most;
};

static double place_x(const struct axes *a, double time)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (time - a->time) / a->seconds;
}

static double place_y(const struct axes *a, double cosine)
{
    return a->top + TOP + (PANEL - TOP - BOTTOM) * (a->most - cosine) / (a->most - a->least);
}

static struct axes find_axes(const struct svg *s, size_t panel)
{
    const struct series *series = &s->panels[panel].series;
    struct axes a = {.top = (double)(panel * PANEL), .least = INFINITY, .most = -INFINITY};

    for (size_t k = 0; k < series->n; k++) {
        for (size_t i = 0; i < series->n_values; i++) {
            struct series_value v = series_get(series, k, i);
            a.least = fmin(a.least, (double)v.least);
            a.most = fmax(a.most, (double)v.most);
        }
    }
    if (s->low < s->high) {
        a.least = fmin(a.least, s->low);
        a.most = fmax(a.most, s->high);
    }
    if (!(a.least < a.most)) {
        a.least = series->n == 0 ? 0 : a.least - 0.01;
        a.most = series->n == 0 ? 1 : a.most + 0.01;
    }
    double step = nice_step(a.most - a.least, 5);
    a.least = floor(a.least / step) * step;
    a.most = ceil(a.most / step) * step;
    a.time = series->n > 0 ? series->times[0] : 0;
    a.seconds = series->n > 0 && series->last > a.time ? series->last - a.time : 1;
    return a;
}

static void put_time(FILE *f, double seconds, double step)
{
    int minutes = (int)(seconds / 60);

    if (step < 1) {
        fprintf(f, "%.*f s", step < 0.1 ? 2 : 1, seconds);
    } else if (minutes < 1 && step < 60) {
        fprintf(f, "%.0f s", seconds);
    } else if (minutes < 60) {
        fprintf(f, "%d:%02.0f", minutes, seconds - 60 * minutes);
    } else {
        fprintf(f, "%d:%02d:%02.0f", minutes / 60, minutes % 60, seconds - 60 * minutes);
    }
}

static void put_grid(FILE *f, const struct axes *a, const struct svg *s)
{
    double step = nice_step(a->most - a->least, 5), bottom = place_y(a, a->least);

    if (s->low < s->high) {
        fprintf(f, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"#f3f6fa\"/>\n",
                LEFT, place_y(a, s->high), WIDTH - LEFT - RIGHT,
                place_y(a, s->low) - place_y(a, s->high));
        fprintf(f, "<text x=\"%d\" y=\"%.1f\" class=\"small\">100 %%</text>\n", WIDTH - RIGHT + 6,
                place_y(a, s->high) + 4);
        fprintf(f, "<text x=\"%d\" y=\"%.1f\" class=\"small\">0 %%</text>\n", WIDTH - RIGHT + 6,
                place_y(a, s->low) + 4);
    }
    for (double y = a->least; y < a->most + step / 2; y += step) {
        fprintf(f, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n", LEFT, place_y(a, y),
                WIDTH - RIGHT);
        fprintf(f, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" class=\"small\">%.*f</text>\n",
                LEFT - 8, place_y(a, y) + 4, step < 0.1 ? 2 : 1, fabs(y) < 1e-9 ? 0 : y);
    }
    step = nice_step(a->seconds, 7);
    for (double x = ceil(a->time / step) * step; x <= a->time + a->seconds * 1.0001; x += step) {
        fprintf(f, "<path d=\"M%.1f %.1fv5\" stroke=\"#888\"/>\n", place_x(a, x), bottom);
        fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" class=\"small\">",
                place_x(a, x), bottom + 19);
        put_time(f, x, step);
        fputs("</text>\n", f);
    }
    fprintf(f, "<path d=\"M%d %.1fH%d\" stroke=\"#888\"/>\n", LEFT, bottom, WIDTH - RIGHT);
}

static void put_line(FILE *f, const struct axes *a, const struct series *s, size_t i)
{
    const char *colour = colours[i % COLOURS];

    if (s->per > 1) { /* there and back: the most, then the least */
        fprintf(f, "<path fill=\"%s\" fill-opacity=\"0.15\" d=\"", colour);
        for (size_t k = 0; k < 2 * s->n; k++) {
            size_t point = k < s->n ? k : 2 * s->n - 1 - k;
            struct series_value v = series_get(s, point, i);
            fprintf(f, "%s%.1f %.1f", k == 0 ? "M" : "L", place_x(a, s->times[point]),
                    place_y(a, (double)(k < s->n ? v.most : v.least)));
        }
        fputs("Z\"/>\n", f);
    }
    fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", colour,
            i / COLOURS % 2 ? " stroke-dasharray=\"6 3\"" : "");
    for (size_t k = 0; k < s->n; k++) {
        fprintf(f, "%s%.1f %.1f", k == 0 ? "M" : "L", place_x(a, s->times[k]),
                place_y(a, (double)series_get(s, k, i).sum));
    }
    if (s->n == 1) {
        fputs("h3", f); /* a line of one point would not be seen */
    }
    fputs("\"/>\n", f);
}

static void put_names(FILE *f, const struct svg *s, double top)
{
    size_t n = s->prompts->n;

    for (size_t i = 0; i < n && i < MOST_NAMED; i++) {
        double y = top + TOP + 10 + 19 * (double)i;
        if (i + 1 == MOST_NAMED && n > MOST_NAMED) {
            fprintf(f, "<text x=\"%d\" y=\"%.1f\">and %zu more</text>\n", WIDTH - RIGHT + 80, y,
                    n - i);
            break;
        }
        fprintf(f, "<path d=\"M%d %.1fh18\" stroke=\"%s\" stroke-width=\"3\"%s/>\n",
                WIDTH - RIGHT + 54, y - 4, colours[i % COLOURS],
                i / COLOURS % 2 ? " stroke-dasharray=\"6 3\"" : "");
        fprintf(f, "<text x=\"%d\" y=\"%.1f\">", WIDTH - RIGHT + 80, y);
        put_text(f, s->prompts->names[i].text, s->prompts->names[i].length, 32);
        fputs("</text>\n", f);
    }
}

static void put_all(const struct svg *s)
{
    FILE *f = s->file.f;

    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
            "viewBox=\"0 0 %d %zu\">\n"
            "<style>text{font:13px sans-serif;fill:#222}.small{font-size:11px;fill:#666}"
            ".name{font-weight:bold}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, s->n_panels * PANEL, WIDTH, s->n_panels * PANEL);
    for (size_t i = 0; i < s->n_panels; i++) {
        struct panel *p = &s->panels[i];
        struct axes a = find_axes(s, i);
        fprintf(f, "<text x=\"%d\" y=\"%.1f\" class=\"name\">", LEFT, a.top + 22);
        put_text(f, p->name != NULL ? p->name : "no frames", p->name != NULL ? p->name_length : 9,
                 80);
        fputs("</text>\n", f);
        put_grid(f, &a, s);
        for (size_t k = s->prompts->n; p->series.n > 0 && k-- > 0;) { /* the first on top */
            put_line(f, &a, &p->series, k);
        }
        put_names(f, s, a.top);
    }
    fputs("</svg>\n", f);
}

static void frame(struct form *form, const struct shown *shown)
{
    struct svg *s = (struct svg *)form;
    struct panel *p = &s->panels[shown->answer->source];

    if (p->name == NULL && (p->name = malloc(shown->name_length + 1)) != NULL) {
        memcpy(p->name, shown->name, shown->name_length);
        p->name_length = shown->name_length;
    }
    s->low = shown->scores->low;
    s->high = shown->scores->high;
    series_add(&p->series, shown->answer->time, shown->scores->cosines);
}

static void free_svg(struct svg *s)
{
    for (size_t i = 0; s->panels != NULL && i < s->n_panels; i++) {
        series_free(&s->panels[i].series);
        free(s->panels[i].name);
    }
    free(s->panels);
    free(s);
}

static int end(struct form *form)
{
    struct svg *s = (struct svg *)form;

    put_all(s);
    int status = form_file_end(&s->file);
    free_svg(s);
    return status;
}

static void abandon(struct form *form)
{
    struct svg *s = (struct svg *)form;

    form_file_abandon(&s->file);
    free_svg(s);
}

int svg_new(const char *path, const struct labels *prompts, size_t n_sources, struct form **out)
{
    static const struct form_class class = {frame, end, abandon};
    struct svg *s = calloc(1, sizeof *s);
    int status = CLIPC_OK;

    if (s == NULL || (s->panels = calloc(n_sources, sizeof *s->panels)) == NULL) {
        free(s);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->prompts = prompts;
    s->n_panels = n_sources;
    for (size_t i = 0; i < n_sources && status == CLIPC_OK; i++) {
        status = series_new(&s->panels[i].series, prompts->n);
    }
    if (status == CLIPC_OK) {
        status = form_file_open(&s->file, path);
    }
    if (status != CLIPC_OK) {
        free_svg(s);
        return status;
    }
    s->file.form.class = &class;
    *out = &s->file.form;
    return CLIPC_OK;
}
