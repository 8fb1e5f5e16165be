/* roofline_svg.c - the layers as points under their roofs, both axes logarithmic: how high a point
 * may be is the lower of what memory brings (the slope) and what its instruction does (the level).
 * A panel for each thread count; each point names its layer where there is room, and always in its
 * tooltip.  Williams, Waterman & Patterson 2009, figure 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { WIDTH = 1080, PANEL = 600, LEFT = 70, RIGHT = 190, TOP = 64, BOTTOM = 62 };
enum { GEMMS = 16, PANELS = 4, BOXES = 4096, TEXT_HEIGHT = 12 };

struct box {
    double x, y, w, h;
};

struct panel {
    FILE *f;
    const struct bench *bench;
    int threads;
    double top;               /* of the plot in the picture */
    double x0, x1, y0, y1;    /* ranges, as logarithms */
    double bandwidth;         /* GB/s */
    const char *gemms[GEMMS]; /* in the order of their colours */
    double peaks[GEMMS];
    size_t n_gemms;
    struct box boxes[BOXES]; /* what a label must not cover */
    size_t n_boxes;
};

static bool shows(const struct panel *p, const struct bench_row *r)
{
    return (int)r->threads == p->threads && r->gflops > 0 && r->bytes > 0;
}

static double intensity(const struct bench_row *r)
{
    return r->operations / r->bytes;
}

static double at_x(const struct panel *p, double log_x)
{
    return LEFT + (log_x - p->x0) / (p->x1 - p->x0) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct panel *p, double log_y)
{
    return p->top + (p->y1 - log_y) / (p->y1 - p->y0) * (PANEL - TOP - BOTTOM);
}

static void escaped(FILE *f, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<' || c == '>' || c == '&') {
            fprintf(f, "&#%d;", c);
        } else {
            putc(c < 0x20 || c >= 0x7f ? '?' : c, f);
        }
    }
}

/* ---- What a panel shows -------------------------------------------------------------------- */

static size_t colour_of(struct panel *p, const struct bench_row *r)
{
    for (size_t i = 0; i < p->n_gemms; i++) {
        if (strcmp(p->gemms[i], r->gemm) == 0) {
            p->peaks[i] = fmax(p->peaks[i], r->peak);
            return i;
        }
    }
    if (p->n_gemms == GEMMS) {
        return 7;
    }
    p->gemms[p->n_gemms] = r->gemm;
    p->peaks[p->n_gemms] = r->peak;
    return p->n_gemms++;
}

/* Ranges with some air, and the gemms in the order of the rows. */
static void survey(struct panel *p)
{
    double least = HUGE_VAL, most = 0, low = HUGE_VAL, high = 0;

    for (size_t i = 0; i < p->bench->n_layers; i++) {
        const struct bench_row *r = &p->bench->layers[i];
        if (shows(p, r)) {
            colour_of(p, r);
            least = fmin(least, intensity(r));
            most = fmax(most, intensity(r));
            low = fmin(low, r->gflops);
            high = fmax(high, fmax(r->gflops, r->peak));
            p->bandwidth = fmax(p->bandwidth, r->bandwidth);
        }
    }
    if (p->bandwidth > 0) { /* the slope belongs to the picture, wherever the points are */
        least = fmin(least, high / p->bandwidth / 2);
        most = fmax(most, high / p->bandwidth);
    }
    p->x0 = log10(least / 1.5);
    p->x1 = log10(most * 1.5);
    p->y0 = log10(low / 2);
    p->y1 = log10(high * 1.3);
}

/* ---- Axes and roofs ------------------------------------------------------------------------ */

static void put_axes(struct panel *p)
{
    static const int steps[] = {1, 2, 5};
    double bottom = p->top + PANEL - TOP - BOTTOM, right = WIDTH - RIGHT;

    for (int d = (int)floor(fmin(p->x0, p->y0)); d <= (int)ceil(fmax(p->x1, p->y1)); d++) {
        for (size_t s = 0; s < 3; s++) {
            double value = steps[s] * pow(10, d), at = log10(value);
            if (at >= p->x0 && at <= p->x1) {
                double x = at_x(p, at);
                fprintf(p->f,
                        "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                        "text-anchor=\"middle\">%g</text>\n",
                        x, p->top, bottom, x, bottom + 18, value);
            }
            if (at >= p->y0 && at <= p->y1) {
                double y = at_y(p, at);
                fprintf(p->f,
                        "<path class=\"grid\" d=\"M%d %.1fH%.1f\"/><text x=\"%d\" y=\"%.1f\" "
                        "text-anchor=\"end\">%g</text>\n",
                        LEFT, y, right, LEFT - 8, y + 4, value);
            }
        }
    }
    fprintf(
        p->f,
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">operations for each byte of weights "
        "and activations</text>\n"
        "<text transform=\"translate(20 %.1f) rotate(-90)\" text-anchor=\"middle\">GFLOP/s"
        "</text>\n",
        (LEFT + right) / 2, bottom + 42, (p->top + bottom) / 2);
}

static void take(struct panel *p, struct box b)
{
    if (p->n_boxes < BOXES) {
        p->boxes[p->n_boxes++] = b;
    }
}

static int by_peak(const void *a, const void *b)
{
    double x = **(const double *const *)a, y = **(const double *const *)b;

    return (x < y) - (x > y);
}

/* The slope once, a level for each gemm; their names on the right, pushed apart. */
static void put_roofs(struct panel *p)
{
    const double *order[GEMMS];
    double highest = 0, above = -HUGE_VAL, right = WIDTH - RIGHT;

    for (size_t i = 0; i < p->n_gemms; i++) {
        order[i] = &p->peaks[i];
        highest = fmax(highest, p->peaks[i]);
    }
    if (p->bandwidth > 0 && highest > 0) {
        double end = fmin(log10(highest / p->bandwidth), p->x1);
        double start = fmax(p->x0, p->y0 - log10(p->bandwidth));
        double slope = atan2(at_y(p, 0) - at_y(p, 1), at_x(p, 1) - at_x(p, 0));
        if (end > start) {
            double x = at_x(p, start), y = at_y(p, start + log10(p->bandwidth));
            fprintf(p->f, "<path class=\"roof slope\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x, y,
                    at_x(p, end), at_y(p, end + log10(p->bandwidth)));
            double mid = start + 0.12 * (end - start);
            fprintf(p->f,
                    "<text transform=\"translate(%.1f %.1f) rotate(%.1f)\" dy=\"-6\">memory: %.1f "
                    "GB/s</text>\n",
                    at_x(p, mid), at_y(p, mid + log10(p->bandwidth)), -slope * 180 / 3.14159265,
                    p->bandwidth);
        }
    }
    qsort(order, p->n_gemms, sizeof order[0], by_peak);
    for (size_t i = 0; i < p->n_gemms; i++) {
        size_t g = (size_t)(order[i] - p->peaks);
        double y = at_y(p, log10(p->peaks[g])), text = fmax(y + 4, above + 15);
        double start = p->bandwidth > 0 ? log10(p->peaks[g] / p->bandwidth) : p->x0;
        if (!(p->peaks[g] > 0)) {
            continue;
        }
        fprintf(p->f,
                "<path class=\"roof c%zu\" d=\"M%.1f %.1fH%.1f\"/><text class=\"c%zu\" x=\"%.1f\" "
                "y=\"%.1f\">",
                g % 8, at_x(p, fmin(fmax(start, p->x0), p->x1)), y, right, g % 8, right + 8, text);
        escaped(p->f, p->gemms[g]);
        fprintf(p->f, " %.0f</text>\n", p->peaks[g]);
        take(p, (struct box){LEFT, y - 1, right - LEFT, 2});
        above = text;
    }
}

/* ---- Points and their names ---------------------------------------------------------------- */

/* A shape for each type of weights; hollow: texts. */
static void put_mark(FILE *f, const char *dtype, size_t colour, bool hollow, double x, double y)
{
    fprintf(f, "<path class=\"mark c%zu%s\" d=\"", colour, hollow ? " hollow" : "");
    if (strcmp(dtype, "f32") == 0) {
        fprintf(f, "M%.1f %.1fl5 9h-10z", x, y - 5);
    } else if (strcmp(dtype, "bf16") == 0) {
        fprintf(f, "M%.1f %.1fl5 5l-5 5l-5 -5z", x, y - 5);
    } else if (strcmp(dtype, "q8") == 0) {
        fprintf(f, "M%.1f %.1fh8v8h-8z", x - 4, y - 4);
    } else {
        fprintf(f, "M%.1f %.1fa4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", x - 4.5, y);
    }
    fputs("\"/>", f);
}

static bool is_free(const struct panel *p, const struct box *b)
{
    if (b->x < LEFT + 2 || b->x + b->w > WIDTH - RIGHT - 2 || b->y < p->top + 2 ||
        b->y + b->h > p->top + PANEL - TOP - BOTTOM - 2) {
        return false;
    }
    for (size_t i = 0; i < p->n_boxes; i++) {
        const struct box *o = &p->boxes[i];
        if (b->x < o->x + o->w && o->x < b->x + b->w && b->y < o->y + o->h && o->y < b->y + b->h) {
            return false;
        }
    }
    return true;
}

static void name_of(const struct bench_row *r, char *to, size_t room)
{
    bool text = strncmp(r->input, "text of ", 8) == 0;

    if (text) {
        snprintf(to, room, "%s t%s x%.0f", r->name, r->input + 8, r->batch);
    } else {
        snprintf(to, room, "%s x%.0f", r->name, r->batch);
    }
}

/* The nearest free place around the point, with a line to it where that is not close. */
static void put_label(struct panel *p, const struct bench_row *r, size_t colour, double x, double y)
{
    char name[80];

    name_of(r, name, sizeof name);
    double w = 6.2 * (double)strlen(name) + 2;
    for (double distance = 9; distance < 40; distance += 9) {
        for (int i = 0; i < 16; i++) {
            double angle = i * 3.14159265 / 8, cx = cos(angle), cy = sin(angle);
            double ax = x + distance * cx, ay = y - distance * cy;
            struct box b = {cx > 0.1    ? ax
                            : cx < -0.1 ? ax - w
                                        : ax - w / 2,
                            ay - TEXT_HEIGHT / 2.0, w, TEXT_HEIGHT};
            if (!is_free(p, &b)) {
                continue;
            }
            take(p, b);
            if (distance > 9) {
                fprintf(p->f, "<path class=\"leader\" d=\"M%.1f %.1fL%.1f %.1f\"/>", x + 5 * cx,
                        y - 5 * cy, ax, ay);
            }
            fprintf(p->f, "<text class=\"small c%zu\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                    colour % 8, b.x + 1, b.y + TEXT_HEIGHT - 3, name);
            return;
        }
    }
}

static void put_points(struct panel *p)
{
    for (int labels = 0; labels < 2; labels++) { /* all marks lie there before the first name */
        for (size_t i = 0; i < p->bench->n_layers; i++) {
            const struct bench_row *r = &p->bench->layers[i];
            if (!shows(p, r)) {
                continue;
            }
            double x = at_x(p, log10(intensity(r))), y = at_y(p, log10(r->gflops));
            size_t colour = colour_of(p, r) % 8;
            if (labels) {
                put_label(p, r, colour, x, y);
                continue;
            }
            take(p, (struct box){x - 5, y - 5, 10, 10});
            fputs("<g>", p->f);
            put_mark(p->f, r->dtype, colour, r->input[0] == 't', x, y);
            fprintf(
                p->f,
                "<title>%s %s, %s x %.0f: %.0f x %.0f x %.0f in %s by %s: %.1f GFLOP/s, %.0f %% of "
                "the peak; %.1f GB/s, %.0f %% of memory</title></g>\n",
                r->model, r->name, r->input, r->batch, r->rows, r->in, r->out, r->dtype, r->gemm,
                r->gflops, 100 * r->share, r->gbs, 100 * r->memory_share);
        }
    }
}

static void put_legend(struct panel *p)
{
    static const char *const dtypes[] = {"f32", "f16", "bf16", "q8"};
    static const char *const words[] = {
        "f32",        "f16", "bf16", "q8", "filled: images", "hollow: texts", "x8: batch of 8",
        "t77: 77 ids"};
    double x = WIDTH - RIGHT + 16, y = p->top + PANEL - TOP - BOTTOM - 136;

    for (size_t i = 0; i < 8; i++, y += 18) {
        if (i < 6) {
            put_mark(p->f, i < 4 ? dtypes[i] : "f16", 8, i == 5, x, y);
        }
        fprintf(p->f, "<text class=\"small\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x + 12, y + 4,
                words[i]);
    }
}

/* ---- The picture --------------------------------------------------------------------------- */

static const char style[] =
    "<style>\n"
    "svg{background:#fff;color:#1b1b1b;font:13px system-ui,sans-serif}\n"
    "text{fill:currentColor}.small{font-size:10.5px}.title{font-size:16px;font-weight:600}\n"
    ".grid{stroke:currentColor;opacity:.13}.frame{fill:none;stroke:currentColor;opacity:.5}\n"
    ".roof{fill:none;stroke:currentColor;stroke-width:2}.slope{opacity:.65}\n"
    ".leader{fill:none;stroke:currentColor;opacity:.35;stroke-width:.8}\n"
    ".mark{fill:currentColor;stroke:currentColor;stroke-width:1.4}.hollow{fill:none}\n"
    ".c0{color:#0063a3}.c1{color:#c04a00}.c2{color:#00795a}.c3{color:#a8457f}\n"
    ".c4{color:#8a5d00}.c5{color:#1d7fb5}.c6{color:#5b5b5b}.c7{color:#7d6f00}\n"
    "@media(prefers-color-scheme:dark){svg{background:#14171a;color:#e8e8e8}\n"
    ".c0{color:#6cb8f0}.c1{color:#ff9a5c}.c2{color:#4fd1a5}.c3{color:#eda0cd}\n"
    ".c4{color:#f0bd4f}.c5{color:#8fd3f7}.c6{color:#bdbdbd}.c7{color:#e0d360}}\n"
    "</style>\n";

/* The shape's name, or that there are several. */
static const char *models_of(const struct bench *bench)
{
    for (size_t i = 1; i < bench->n_layers; i++) {
        if (strcmp(bench->layers[i].model, bench->layers[0].model) != 0) {
            return "several models";
        }
    }
    return bench->layers[0].model;
}

static size_t thread_counts(const struct bench *bench, int counts[PANELS])
{
    size_t n = 0;

    for (size_t i = 0; i < bench->n_layers; i++) {
        size_t j = 0;
        while (j < n && counts[j] != (int)bench->layers[i].threads) {
            j++;
        }
        if (j == n && n < PANELS) {
            counts[n++] = (int)bench->layers[i].threads;
        }
    }
    return n;
}

void roofline_svg(FILE *f, const struct bench *bench, const char *machine)
{
    int counts[PANELS];
    size_t n = thread_counts(bench, counts);

    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\">\n%s", WIDTH,
            PANEL * n, style);
    for (size_t i = 0; i < n; i++) {
        struct panel *p = calloc(1, sizeof *p);
        if (p == NULL) {
            break; /* a picture with fewer panels */
        }
        p->f = f;
        p->bench = bench;
        p->threads = counts[i];
        p->top = (double)(PANEL * i + TOP);
        survey(p);
        fprintf(f, "<text class=\"title\" x=\"%d\" y=\"%.1f\">Layers of %s on ", LEFT, p->top - 34,
                models_of(bench));
        escaped(f, machine);
        fprintf(f, ", %d thread%s</text>\n", p->threads, p->threads == 1 ? "" : "s");
        put_axes(p);
        fprintf(f, "<path class=\"frame\" d=\"M%d %.1fH%dV%.1fH%dz\"/>\n", LEFT, p->top,
                WIDTH - RIGHT, p->top + PANEL - TOP - BOTTOM, LEFT);
        put_roofs(p);
        put_points(p);
        put_legend(p);
        free(p);
    }
    fputs("</svg>\n", f);
}
