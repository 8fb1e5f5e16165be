/* lettering_ass.c - lettering.h by libass: what is to be drawn is written as lines of subtitles
 * (Advanced SubStation Alpha), each with its own place, size and colour. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../lazy/ass.h"
#include "../cli/say.h"
#include "lettering.h"

struct lettering {
    ASS_Library *library;
    ASS_Renderer *renderer;
    ASS_Track *track;
    uint32_t width, height;
    int style;            /* of all lines */
    bool missing, failed; /* failed: no memory for a line */
};

/* libass says what it thinks on stderr; of that only one thing is ours to know. */
static void hear(int level, const char *format, va_list args, void *data)
{
    struct lettering *l = data;

    (void)level;
    (void)args;
    l->missing |= strstr(format, "failed to find any fallback") != NULL;
}

static int begin(struct lettering *l)
{
    int status = lazy_ass();

    if (status != CLIPC_OK) {
        return status;
    }
    l->library = libass.library_init();
    if (l->library == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    libass.set_message_cb(l->library, hear, l);
    l->renderer = libass.renderer_init(l->library);
    l->track = libass.new_track(l->library);
    l->style = l->track != NULL ? libass.alloc_style(l->track) : -1;
    if (l->renderer == NULL || l->style < 0) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    libass.set_fonts(l->renderer, NULL, "sans-serif", ASS_FONTPROVIDER_AUTODETECT, NULL, 1);
    libass.set_cache_limits(l->renderer, 4096, 16); /* glyphs, MB */
    l->track->track_type = TRACK_TYPE_ASS;
    l->track->WrapStyle = 2; /* no line is broken */
    l->track->ScaledBorderAndShadow = 1;
    ASS_Style *s = &l->track->styles[l->style];
    s->Name = strdup("Default");
    s->FontName = strdup("sans-serif");
    s->FontSize = 20;
    s->ScaleX = s->ScaleY = 1;
    s->BorderStyle = 1;
    s->Encoding = -1; /* which way a line runs, its first letter says */
    return s->Name != NULL && s->FontName != NULL ? CLIPC_OK
                                                  : base_fail(CLIPC_ERROR_MEMORY, "out of memory");
}

int lettering_new(struct lettering **out)
{
    static const struct lettering_style any = {.size = 20, .opacity = 1};
    struct lettering *l = calloc(1, sizeof *l);
    int status = l != NULL ? begin(l) : base_fail(CLIPC_ERROR_MEMORY, "out of memory");

    *out = NULL;
    if (status == CLIPC_OK) {
        lettering_size(l, 64, 64);
        if (lettering_width(l, &any, "8", 1, NULL) <= 0) {
            status = base_fail(CLIPC_ERROR_UNSUPPORTED, "there is no font to draw text with "
                                                        "(apt-get install fonts-dejavu-core)");
        }
    }
    if (status != CLIPC_OK) {
        lettering_free(l);
        return status;
    }
    *out = l;
    return CLIPC_OK;
}

void lettering_free(struct lettering *l)
{
    if (l == NULL) {
        return;
    }
    if (l->track != NULL) {
        libass.free_track(l->track);
    }
    if (l->renderer != NULL) {
        libass.renderer_done(l->renderer);
    }
    if (l->library != NULL) {
        libass.library_done(l->library);
    }
    free(l);
}

void lettering_size(struct lettering *l, uint32_t width, uint32_t height)
{
    l->width = width;
    l->height = height;
    l->track->PlayResX = (int)width;
    l->track->PlayResY = (int)height;
    libass.set_storage_size(l->renderer, (int)width, (int)height);
    libass.set_frame_size(l->renderer, (int)width, (int)height);
}

/* One more line: libass frees its text. */
static void add(struct lettering *l, char *text)
{
    int event = text != NULL ? libass.alloc_event(l->track) : -1;

    if (event < 0) {
        free(text);
        l->failed = true;
        return;
    }
    l->track->events[event].Text = text;
    l->track->events[event].Style = l->style;
    l->track->events[event].Duration = 1000;
    l->track->events[event].ReadOrder = l->track->events[event].Layer = event;
}

/* Colour and opacity, of the inside; the outline is the shade of it. */
static void put_colour(FILE *f, const struct lettering_style *style)
{
    uint32_t c = style->colour;

    fprintf(f, "\\1c&H%02X%02X%02X&\\1a&H%02X&", c & 255, c >> 8 & 255, c >> 16 & 255,
            (unsigned)lround(255 * (1 - style->opacity)));
}

/* Braces and backslashes are commands in a line of ASS. */
static void put_escaped(FILE *f, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '{' || text[i] == '}') {
            putc('\\', f);
        }
        putc(text[i], f);
        if (text[i] == '\\') {
            fputs("\xe2\x81\xa0", f); /* a word joiner, which nobody sees: "\n" is two letters */
        }
    }
}

static char *line_of(double x, double y, const struct lettering_style *style, const char *text,
                     size_t n, bool outlined)
{
    char *line = NULL, *shown = NULL;
    size_t length, n_shown;
    FILE *f = open_memstream(&shown, &n_shown);

    if (f != NULL) {
        say_text(f, text, n);
        fclose(f);
    }
    f = shown != NULL ? open_memstream(&line, &length) : NULL;
    if (f != NULL) {
        fprintf(f, "{\\an%d\\pos(%.2f,%.2f)\\fs%.2f\\b%d\\shad0\\bord%.2f\\3c&H000000&\\3a&H50&",
                style->to_left ? 6 : 4, x, y, style->size, style->bold,
                outlined ? fmax(1, style->size * 0.05) : 0);
        put_colour(f, style);
        putc('}', f);
        put_escaped(f, shown, n_shown);
        fclose(f);
    }
    free(shown);
    return line;
}

void lettering_text(struct lettering *l, double x, double y, const struct lettering_style *style,
                    const char *text, size_t n)
{
    add(l, line_of(x, y, style, text, n, true));
}

double lettering_width(struct lettering *l, const struct lettering_style *style, const char *text,
                       size_t n, bool *missing)
{
    int right = 0;

    l->missing = false;
    libass.flush_events(l->track);
    add(l, line_of(0, l->height / 2.0, style, text, n, false));
    for (const ASS_Image *i = libass.render_frame(l->renderer, l->track, 0, NULL); i != NULL;
         i = i->next) {
        right = i->dst_x + i->w > right ? i->dst_x + i->w : right;
    }
    libass.flush_events(l->track);
    if (missing != NULL) {
        *missing = l->missing;
    }
    return right;
}

/* A path in eighths of a pixel, its corners a quarter of a circle by a cubic curve. */
void lettering_box(struct lettering *l, double x, double y, double width, double height,
                   double radius, const struct lettering_style *style)
{
    char *line = NULL;
    size_t length;
    FILE *f = open_memstream(&line, &length);
    double r = fmin(radius, fmin(width, height) / 2), c = 0.448 * r, x2 = x + width,
           y2 = y + height;

    if (f != NULL) {
        fputs("{\\an7\\pos(0,0)\\bord0\\shad0", f);
        put_colour(f, style);
        const double points[][2] = {
            {x + r, y},   {x2 - r, y},  {x2 - c, y},  {x2, y + c}, {x2, y + r}, {x2, y2 - r},
            {x2, y2 - c}, {x2 - c, y2}, {x2 - r, y2}, {x + r, y2}, {x + c, y2}, {x, y2 - c},
            {x, y2 - r},  {x, y + r},   {x, y + c},   {x + c, y},  {x + r, y}};
        fputs("\\p4}m", f);
        for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
            fputs(i == 0 ? "" : i % 4 == 1 ? " l" : i % 4 == 2 ? " b" : "", f);
            fprintf(f, " %ld %ld", lround(8 * points[i][0]), lround(8 * points[i][1]));
        }
        fclose(f);
    }
    add(l, line);
}

/* One glyph, or one shape: how much of each pixel it covers, and its colour. */
static void blend(const ASS_Image *image, uint8_t *rgb, size_t stride)
{
    unsigned opacity = 255 - (image->color & 255);
    const unsigned colour[3] = {image->color >> 24, image->color >> 16 & 255,
                                image->color >> 8 & 255};

    for (int y = 0; y < image->h; y++) {
        const unsigned char *cover = image->bitmap + (ptrdiff_t)y * image->stride;
        uint8_t *to = rgb + (size_t)(image->dst_y + y) * stride + 3 * (size_t)image->dst_x;
        for (int x = 0; x < image->w; x++, to += 3) {
            unsigned a = cover[x] * opacity;
            for (int i = 0; a != 0 && i < 3; i++) {
                to[i] = (uint8_t)((colour[i] * a + to[i] * (65025 - a) + 32512) / 65025);
            }
        }
    }
}

int lettering_draw(struct lettering *l, uint8_t *rgb, size_t stride)
{
    for (const ASS_Image *i = libass.render_frame(l->renderer, l->track, 0, NULL); i != NULL;
         i = i->next) {
        blend(i, rgb, stride);
    }
    libass.flush_events(l->track);
    bool failed = l->failed;
    l->failed = false;
    return failed ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : CLIPC_OK;
}
