/* font.c - ranks and suits as ink: each font's letters drawn once, on first use, and looked up
 * point by point. */
#include "font.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"

#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#if __has_include(<stb/stb_truetype.h>)
#include <stb/stb_truetype.h>
#else
#include <stb_truetype.h>
#endif

enum { HEIGHT = 64, WIDTH = 144 };

static const char *const folders[] = {"/usr/share/fonts/truetype/liberation",
                                      "/usr/share/fonts/truetype/freefont",
                                      "/usr/share/fonts/truetype/liberation2",
                                      "/usr/share/fonts/liberation",
                                      "/usr/share/fonts/liberation-fonts",
                                      "/usr/share/fonts/gnu-free",
                                      "/usr/share/fonts/TTF"};
static const char *const files[FONT_FACES] = {"LiberationSans-Bold",
                                              "LiberationSans-Regular",
                                              "LiberationSerif-Bold",
                                              "LiberationSerif-Regular",
                                              "LiberationMono-Bold",
                                              "LiberationMono-Regular",
                                              "LiberationSansNarrow-Bold",
                                              "LiberationSansNarrow-Regular",
                                              "LiberationSerif-BoldItalic",
                                              "FreeSansBold",
                                              "FreeSans",
                                              "FreeSansOblique",
                                              "FreeSerifBold",
                                              "FreeSerif",
                                              "FreeMonoBold",
                                              "FreeMonoOblique"};
/* U+2660 of these draws a club, and U+2663 a spade. */
static const char *const exchanged[] = {"FreeSerifBold", "FreeSerifBoldItalic"};

static const char *const texts[CARD_RANKS] = {"A", "2", "3",  "4", "5", "6", "7",
                                              "8", "9", "10", "J", "Q", "K"};
static const int suit_codes[CARD_SUITS] = {0x2660, 0x2665, 0x2666, 0x2663};

/* The ink of a rank or a suit, cut out. */
struct ink {
    int width, height;
    unsigned char p[HEIGHT][WIDTH];
};
static struct ink *ranks[FONT_FACES]; /* [CARD_RANKS] each, or NULL; kept to the end */
static struct ink *suits[FONT_FACES]; /* [CARD_SUITS] each, or NULL */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static unsigned char *read_font(const char *name)
{
    char path[200];

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s.ttf", folders[i], name);
        FILE *f = fopen(path, "rb");
        if (f == NULL) {
            continue;
        }
        long n = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
        unsigned char *p = n > 0 ? malloc((size_t)n) : NULL;
        bool good =
            p != NULL && fseek(f, 0, SEEK_SET) == 0 && fread(p, 1, (size_t)n, f) == (size_t)n;
        fclose(f);
        if (good) {
            return p;
        }
        free(p);
    }
    return NULL;
}

/* The codes side by side, scaled so that together they are as large as fits; false without one of
 * them. */
static bool write_codes(const stbtt_fontinfo *font, const int *codes, int n, struct ink *ink)
{
    int box[4] = {1 << 20, 1 << 20, -(1 << 20), -(1 << 20)}, x0, y0, x1, y1, advance, bearing;
    float pen = 0;

    for (int i = 0; i < n; i++) {
        if (stbtt_FindGlyphIndex(font, codes[i]) == 0 ||
            !stbtt_GetCodepointBox(font, codes[i], &x0, &y0, &x1, &y1)) {
            return false;
        }
        stbtt_GetCodepointHMetrics(font, codes[i], &advance, &bearing);
        box[0] = (int)pen + x0 < box[0] ? (int)pen + x0 : box[0];
        box[1] = y0 < box[1] ? y0 : box[1];
        box[2] = (int)pen + x1 > box[2] ? (int)pen + x1 : box[2];
        box[3] = y1 > box[3] ? y1 : box[3];
        pen += (float)advance;
    }
    float tall = (float)(HEIGHT - 1) / (float)(box[3] - box[1]);
    float wide = (float)(WIDTH - 1) / (float)(box[2] - box[0]), scale = tall < wide ? tall : wide;
    ink->height = (int)(scale * (float)(box[3] - box[1]) + 1);
    ink->width = (int)(scale * (float)(box[2] - box[0]) + 1);
    pen = -(float)box[0] * scale;
    for (int i = 0; i < n; i++) {
        stbtt_GetCodepointHMetrics(font, codes[i], &advance, &bearing);
        stbtt_GetCodepointBitmapBox(font, codes[i], scale, scale, &x0, &y0, &x1, &y1);
        int x = (int)(pen + 0.5f) + x0, y = (int)((float)box[3] * scale + 0.5f) + y0;
        x = x < 0 ? 0 : x;
        y = y < 0 ? 0 : y;
        if (x < WIDTH && y < HEIGHT) {
            int w = x1 - x0 < WIDTH - x ? x1 - x0 : WIDTH - x;
            int h = y1 - y0 < HEIGHT - y ? y1 - y0 : HEIGHT - y;
            stbtt_MakeCodepointBitmap(font, &ink->p[y][x], w, h, WIDTH, scale, scale, codes[i]);
        }
        pen += scale * (float)advance;
    }
    return true;
}

/* All of a font's, or NULL. */
static struct ink *write_ranks(const stbtt_fontinfo *font)
{
    struct ink *all = calloc(CARD_RANKS, sizeof *all);

    for (int r = 0; r < CARD_RANKS && all != NULL; r++) {
        int codes[2] = {texts[r][0], texts[r][1]};
        if (!write_codes(font, codes, codes[1] == 0 ? 1 : 2, &all[r])) {
            free(all);
            all = NULL;
        }
    }
    return all;
}

static struct ink *write_suits(const stbtt_fontinfo *font)
{
    struct ink *all = calloc(CARD_SUITS, sizeof *all);

    for (int i = 0; i < CARD_SUITS && all != NULL; i++) {
        if (!write_codes(font, &suit_codes[i], 1, &all[i])) {
            free(all);
            all = NULL;
        }
    }
    return all;
}

static void load(void)
{
    for (int i = 0; i < FONT_FACES; i++) {
        stbtt_fontinfo font;
        bool wrong = false;
        unsigned char *p = read_font(files[i]);
        for (size_t j = 0; j < sizeof exchanged / sizeof exchanged[0]; j++) {
            wrong = wrong || strcmp(files[i], exchanged[j]) == 0;
        }
        if (p != NULL && stbtt_InitFont(&font, p, stbtt_GetFontOffsetForIndex(p, 0))) {
            ranks[i] = write_ranks(&font);
            suits[i] = wrong ? NULL : write_suits(&font);
        }
        free(p);
    }
}

bool font_is_there(int face)
{
    pthread_once(&once, load);
    return ranks[face] != NULL;
}

int font_installed(void)
{
    int n = 0;

    for (int i = 0; i < FONT_FACES; i++) {
        n += font_is_there(i);
    }
    return n;
}

static bool on_ink(const struct ink *ink, double column, double row)
{
    return column >= 0 && column < ink->width && row >= 0 && row < ink->height &&
           ink->p[(int)row][(int)column] >= 128;
}

bool font_inside(int face, int rank, double stretch, double x, double y)
{
    const struct ink *ink = &ranks[face][rank];
    double most = rank == 9 ? 1 : 0.85, scale = ink->height;
    double wide = stretch * ink->width / scale;

    stretch = wide > most ? stretch * most / wide : stretch;
    return on_ink(ink, x / stretch * scale + ink->width / 2.0, (y + 0.5) * scale);
}

int font_with_suits(double which)
{
    int n = 0;

    pthread_once(&once, load);
    for (int i = 0; i < FONT_FACES; i++) {
        n += suits[i] != NULL;
    }
    int skip = (int)(which * n);
    for (int i = 0; i < FONT_FACES; i++) {
        if (suits[i] != NULL && skip-- == 0) {
            return i;
        }
    }
    return -1;
}

bool font_suit_inside(int face, int suit, double x, double y)
{
    const struct ink *ink = &suits[face][suit];
    double half = (ink->width > ink->height ? ink->width : ink->height) / 2.0;

    return on_ink(ink, x * half + ink->width / 2.0, y * half + ink->height / 2.0);
}
