/* command_draw.c - `clipc-train draw`: pictures of the drawn world as files, with what can be
 * said of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "draw.h"
#include "picture.h"

/* What the scenes are to show; -1: as the seed decides. */
struct wish {
    bool card, empty;
    int colour, shape, rank, suit;
};

/* Index of the name in the list into *i; -1 without a name.  0, or 2 after saying what there is. */
static int find(const char *what, const char *name, const char *const *list, int n, int *i)
{
    *i = -1;
    for (int k = 0; name != NULL && k < n; k++) {
        *i = strcmp(list[k], name) == 0 ? k : *i;
    }
    if (name == NULL || *i >= 0) {
        return 0;
    }
    fprintf(stderr, "clipc-train: --%s '%s'? There are:", what, name);
    for (int k = 0; k < n; k++) {
        fprintf(stderr, " %s", list[k]);
    }
    fputc('\n', stderr);
    return 2;
}

static int read_wish(const struct arguments *a, struct wish *w)
{
    int code = find("colour", a->colour, draw_colours, DRAW_COLOURS, &w->colour) |
               find("shape", a->shape, draw_shapes, DRAW_SHAPES, &w->shape) |
               find("rank", a->rank, card_ranks, CARD_RANKS, &w->rank) |
               find("suit", a->suit, card_suits, CARD_SUITS, &w->suit);
    bool shape = w->colour >= 0 || w->shape >= 0;

    w->card = a->card || w->rank >= 0 || w->suit >= 0;
    w->empty = a->empty;
    if (code == 0 && w->card + w->empty + shape > 1) {
        fputs("clipc-train: a scene shows a card (--card, --rank, --suit), a shape (--colour, "
              "--shape) or nothing (--empty)\n",
              stderr);
        code = 2;
    }
    return code;
}

static void make_scene(const struct wish *w, uint64_t seed, struct draw_scene *s)
{
    if (w->card) {
        draw_card_scene(s, seed, w->rank, w->suit);
    } else if (w->empty) {
        draw_empty_scene(s, seed);
    } else {
        draw_scene(s, seed, w->colour, w->shape);
    }
}

/* The picture of one scene into its place on the sheet. */
static void paste(uint8_t *sheet, size_t sheet_bytes, const uint8_t *rgb, size_t row_bytes,
                  size_t size)
{
    for (size_t y = 0; y < size; y++) {
        memcpy(sheet + y * sheet_bytes, rgb + y * row_bytes, row_bytes);
    }
}

/* FOLDER/ace-of-spades-17.jpg, of the name without its article and of the seed. */
static int write_one(const char *folder, const struct draw_scene *s, const uint8_t *rgb, int size,
                     int quality)
{
    char name[DRAW_CAPTION], path[4400];

    draw_name(s, name);
    const char *space = strchr(name, ' '), *words = space == NULL ? name : space + 1;
    for (char *p = name; *p != '\0'; p++) {
        *p = *p == ' ' ? '-' : *p;
    }
    snprintf(path, sizeof path, "%s/%s-%llu.jpg", folder, words, (unsigned long long)s->seed);
    return picture_write(path, rgb, size, size, quality);
}

/* The scene's name and `n` captions, between tabs; the first of them is kept. */
static void say(const struct draw_scene *s, long n, struct draw_caption *first)
{
    char name[DRAW_CAPTION];
    uint64_t state = s->seed ^ 0xabcdef;

    draw_name(s, name);
    fputs(name, stdout);
    for (long i = 0; i < n; i++) {
        struct draw_caption caption;
        draw_caption(s, &state, &caption);
        printf("\t%s", caption.text);
        if (i == 0) {
            *first = caption;
        }
    }
    putchar('\n');
}

/* Row i, column j: is the first caption of scene j true of scene i? */
static void print_truth(const struct draw_scene *scenes, const struct draw_caption *captions,
                        long n)
{
    for (long i = 0; i < n; i++) {
        for (long j = 0; j < n; j++) {
            putchar(draw_is_true(&captions[j], &scenes[i]) ? '1' : '0');
        }
        putchar('\n');
    }
}

/* Room for what is drawn and said. */
struct album {
    uint8_t *rgb, *sheet; /* one picture; all of them, unless each has a file */
    struct draw_scene *scenes;
    struct draw_caption *captions;
};

static int draw_all(const struct arguments *a, const struct wish *w, struct album *album)
{
    long columns = a->count < 9 ? a->count : 9, rows = (a->count + columns - 1) / columns;
    size_t size = (size_t)a->size, row_bytes = size * 3, sheet_bytes = row_bytes * (size_t)columns;

    for (long i = 0; i < a->count; i++) {
        struct draw_scene *s = &album->scenes[i];
        make_scene(w, (uint64_t)(a->seed + i), s);
        if (a->easy) {
            draw_ease(s, 0);
        }
        draw_render(s, (int)a->size, 3, album->rgb);
        if (!a->each) {
            paste(album->sheet + (size_t)(i / columns) * size * sheet_bytes +
                      (size_t)(i % columns) * row_bytes,
                  sheet_bytes, album->rgb, row_bytes, size);
        } else if (write_one(a->out, s, album->rgb, (int)a->size, (int)a->quality) != 0) {
            return 1;
        }
        say(s, a->captions, &album->captions[i]);
    }
    if (a->captions > 0) {
        print_truth(album->scenes, album->captions, a->count);
    }
    return !a->each && picture_write(a->out, album->sheet, (int)(columns * a->size),
                                     (int)(rows * a->size), (int)a->quality) != 0;
}

int command_draw(const struct arguments *a)
{
    size_t n = (size_t)a->count, bytes = (size_t)(a->size * a->size * 3), places = (n + 8) / 9 * 9;
    struct wish wish;
    int code = read_wish(a, &wish);

    if (code != 0) {
        return code;
    }
    struct album album = {.rgb = calloc(bytes, 1),
                          .sheet = calloc(a->each ? 1 : places, bytes),
                          .scenes = calloc(n, sizeof *album.scenes),
                          .captions = calloc(n, sizeof *album.captions)};
    if (album.rgb == NULL || album.sheet == NULL || album.scenes == NULL ||
        album.captions == NULL) {
        fputs("clipc-train: out of memory\n", stderr);
        code = 1;
    } else if (a->each && mkdir(a->out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "clipc-train: %s: %s\n", a->out, strerror(errno));
        code = 1;
    } else {
        code = draw_all(a, &wish, &album);
    }
    free(album.rgb);
    free(album.sheet);
    free(album.scenes);
    free(album.captions);
    return code;
}
