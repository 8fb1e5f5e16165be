/* overlay.c - where everything stands, in parts of the size of the letters, which is a part of the
 * picture's. */
#include "overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/utf8.h"
#include "../cli/say.h"

/* Of more prompts than this the panel is as wide as it may be, whatever they say. */
enum { MOST_MEASURED = 64, MOST_BYTES = 1024 };

/* One a prompt, as in the picture of --svg, but light: they stand on a dark panel. */
static const uint32_t colours[] = {0x4db8ff, 0xff8c42, 0x3ddc97, 0xf49ac2,
                                   0xffd23f, 0xa5d8ff, 0xc9c9c9, 0xd6e04b};
enum { COLOURS = sizeof colours / sizeof colours[0] };

struct name {
    char *text; /* [n], as much of the prompt as there is room for; NULL: not looked at yet */
    size_t n;
};

struct overlay {
    struct lettering *lettering;
    const struct labels *prompts;
    uint32_t height;
    double size, margin, pad, row, gap, bar; /* gap: between name and value */
    double width, value, name;               /* of the panel and of what stands in a row */
    size_t rows;                             /* that there is room for */
    struct name *names;                      /* [prompts->n] */
};

void overlay_choose(struct overlay_rows *to, const struct scores *s)
{
    bool known = !isnan(s->percents[0]);

    to->n = 0;
    for (size_t i = 0; i < s->n; i++) {
        size_t at = to->n;
        while (at > 0 && s->cosines[to->rows[at - 1].prompt] < s->cosines[i]) {
            at--;
        }
        if (at == OVERLAY_ROWS) {
            continue;
        }
        to->n += to->n < OVERLAY_ROWS;
        memmove(&to->rows[at + 1], &to->rows[at], (to->n - at - 1) * sizeof to->rows[0]);
        to->rows[at].prompt = i;
    }
    for (size_t i = 0; i < to->n; i++) {
        struct overlay_row *row = &to->rows[i];
        double cosine = s->cosines[row->prompt], percent = s->percents[row->prompt];
        row->share = fmin(1, fmax(0, known ? percent / 100 : cosine));
        snprintf(row->value, sizeof row->value, known ? "%.0f %%" : "%.3f",
                 known ? percent : cosine);
    }
}

/* ---- Names ----------------------------------------------------------------------------------- */

static struct lettering_style name_style(const struct overlay *o, bool best)
{
    return (struct lettering_style){
        .size = o->size, .colour = best ? 0xffffff : 0xd8dde3, .opacity = 1, .bold = best};
}

/* Where the text is cut that its first bytes up to there, at most n, are whole letters. */
static size_t whole_letters(const char *text, size_t length, size_t n)
{
    size_t cut = 0;

    for (size_t i = 0; i < length && i <= n;) {
        uint32_t c;
        size_t used = utf8_read(text + i, length - i, &c, NULL);
        cut = say_columns(text + i, used) > 0 ? i : cut; /* no mark without its letter */
        i += used;
        cut = i == length && i <= n ? i : cut;
    }
    return cut;
}

/* As much of the prompt as fits, "..." behind it where that is not all. */
static int measure_name(struct overlay *o, size_t prompt)
{
    const struct label *label = &o->prompts->names[prompt];
    struct lettering_style style = name_style(o, true);
    size_t length = label->length < MOST_BYTES ? label->length : MOST_BYTES;
    size_t fits = 0, over = length + 1;
    bool missing;
    char *text = malloc(length + 4);

    if (text == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    memcpy(text, label->text, length);
    double width = lettering_width(o->lettering, &style, text, length, &missing);
    if (missing) {
        cli_note("no font here has all letters of '%.*s' (apt-get install fonts-noto, "
                 "fonts-noto-cjk)",
                 (int)length, label->text);
    }
    bool whole = length == label->length && width <= o->name;
    while (!whole && fits + 1 < over) {
        size_t middle = (fits + over) / 2, cut = whole_letters(label->text, length, middle);
        memcpy(text + cut, "\xe2\x80\xa6", 3);
        bool good = lettering_width(o->lettering, &style, text, cut + 3, NULL) <= o->name;
        memcpy(text, label->text, length);
        *(good ? &fits : &over) = middle;
    }
    o->names[prompt].text = text;
    o->names[prompt].n = length;
    if (!whole) {
        size_t cut = whole_letters(label->text, length, fits);
        memcpy(text + cut, "\xe2\x80\xa6", 3);
        o->names[prompt].n = cut + 3;
    }
    return CLIPC_OK;
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* The widest of the first prompts, or more than there is room for. */
static double widest_name(struct overlay *o)
{
    struct lettering_style style = name_style(o, true);
    double widest = 0;

    for (size_t i = 0; i < o->prompts->n && i < MOST_MEASURED; i++) {
        const struct label *name = &o->prompts->names[i];
        size_t n = name->length < MOST_BYTES ? name->length : MOST_BYTES;
        widest = fmax(widest, lettering_width(o->lettering, &style, name->text, n, NULL));
    }
    return o->prompts->n > MOST_MEASURED ? INFINITY : widest;
}

static void place(struct overlay *o, double width, double height)
{
    struct lettering_style style = {.opacity = 1, .bold = true};

    o->size = style.size = fmax(12, 0.042 * fmin(height, 0.75 * width));
    bool small = width < 25 * o->size;
    o->margin = round((small ? 0.35 : 0.6) * o->size);
    o->pad = round((small ? 0.45 : 0.55) * o->size);
    o->gap = 0.7 * o->size;
    o->bar = fmax(2, round(0.13 * o->size));
    o->row = round(1.62 * o->size);
    o->value = fmax(lettering_width(o->lettering, &style, "100 %", 5, NULL),
                    lettering_width(o->lettering, &style, "-0.000", 6, NULL));
    double most = width - 2 * o->margin - 2 * o->pad - o->gap - o->value;
    most = width > 40 * o->size ? fmin(most, 0.6 * width) : most;
    o->name = fmin(most, fmax(widest_name(o), 6 * o->size));
    o->width = o->name + o->gap + o->value + 2 * o->pad;
    double rows = floor(((small ? 0.6 : 0.5) * height - o->margin - 2 * o->pad) / o->row);
    o->rows = (size_t)fmin(fmin(OVERLAY_ROWS, (double)o->prompts->n), fmax(1, rows));
}

int overlay_new(struct lettering *lettering, const struct labels *prompts, uint32_t width,
                uint32_t height, struct overlay **out)
{
    struct overlay *o = calloc(1, sizeof *o);

    *out = NULL;
    if (o == NULL || (o->names = calloc(prompts->n, sizeof *o->names)) == NULL) {
        free(o);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    o->lettering = lettering;
    o->prompts = prompts;
    o->height = height;
    lettering_size(lettering, width, height);
    place(o, width, height);
    *out = o;
    return CLIPC_OK;
}

void overlay_free(struct overlay *o)
{
    if (o != NULL) {
        for (size_t i = 0; i < o->prompts->n; i++) {
            free(o->names[i].text);
        }
        free(o->names);
        free(o);
    }
}

/* ---- Drawing --------------------------------------------------------------------------------- */

static void draw_row(struct overlay *o, const struct overlay_row *row, double y, bool best)
{
    struct lettering_style style = name_style(o, best);
    double left = o->margin + o->pad, long_bar = o->width - 2 * o->pad;
    const struct name *name = &o->names[row->prompt];
    double under = y + o->row - 1.7 * o->bar;

    lettering_text(o->lettering, left, y + 0.62 * o->size, &style, name->text, name->n);
    style.to_left = true;
    lettering_text(o->lettering, left + long_bar, y + 0.62 * o->size, &style, row->value,
                   strlen(row->value));
    struct lettering_style track = {.colour = 0xffffff, .opacity = 0.18};
    lettering_box(o->lettering, left, under, long_bar, o->bar, o->bar, &track);
    struct lettering_style bar = {.colour = colours[row->prompt % COLOURS], .opacity = 1};
    if (row->share > 0) {
        double length = fmax(o->bar, long_bar * row->share);
        lettering_box(o->lettering, left, under, length, o->bar, o->bar, &bar);
    }
}

static void draw_title(struct overlay *o, const char *title)
{
    struct lettering_style panel = {.colour = 0x0b0e13, .opacity = 0.68};
    struct lettering_style style = name_style(o, true);
    double width = lettering_width(o->lettering, &style, title, strlen(title), NULL);

    lettering_box(o->lettering, o->margin, o->margin, width + 2 * o->pad, 1.6 * o->size,
                  0.4 * o->size, &panel);
    lettering_text(o->lettering, o->margin + o->pad, o->margin + 0.8 * o->size, &style, title,
                   strlen(title));
}

/* Rows stand in the order of the prompts where there is room for all, and keep their places. */
static void sort(struct overlay_row *rows, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && rows[k].prompt < rows[k - 1].prompt; k--) {
            struct overlay_row swap = rows[k];
            rows[k] = rows[k - 1];
            rows[k - 1] = swap;
        }
    }
}

int overlay_draw(struct overlay *o, const struct overlay_rows *rows, const char *title,
                 uint8_t *rgb, size_t stride)
{
    struct lettering_style panel = {.colour = 0x0b0e13, .opacity = 0.68};
    struct overlay_rows own = *rows;
    size_t n = own.n < o->rows ? own.n : o->rows, best = own.rows[0].prompt;
    double height = (double)n * o->row + 1.6 * o->pad, top = o->height - o->margin - height;

    for (size_t i = 0; i < n; i++) {
        if (o->names[own.rows[i].prompt].text == NULL) {
            int status = measure_name(o, own.rows[i].prompt);
            if (status != CLIPC_OK) {
                return status;
            }
        }
    }
    if (n == o->prompts->n) {
        sort(own.rows, n);
    }
    if (title != NULL) {
        draw_title(o, title);
    }
    lettering_box(o->lettering, o->margin, top, o->width, height, 0.55 * o->size, &panel);
    for (size_t i = 0; i < n; i++) {
        draw_row(o, &own.rows[i], top + 0.8 * o->pad + (double)i * o->row,
                 own.rows[i].prompt == best);
    }
    return lettering_draw(o->lettering, rgb, stride);
}
