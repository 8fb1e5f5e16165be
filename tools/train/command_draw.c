#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "draw.h"

static void make_scene(const struct arguments *a, uint64_t seed, struct draw_scene *s)
{
    if (a->card || a->rank >= 0 || a->suit >= 0) {
        draw_card_scene(s, seed, (int)a->rank, (int)a->suit);
    } else {
        draw_scene(s, seed, (int)a->colour, (int)a->shape);
    }
    if (a->easy) {
        draw_ease(s, 0);
    }
}

static int write_ppm(const char *path, const uint8_t *rgb, long width, long height)
{
    size_t n = (size_t)(width * height * 3);
    FILE *f = fopen(path, "wb");
    int good = f != NULL && fprintf(f, "P6\n%ld %ld\n255\n", width, height) > 0 &&
               fwrite(rgb, 1, n, f) == n;

    good = f != NULL && fclose(f) == 0 && good;
    if (!good) {
        perror(path);
    }
    return good ? 0 : 1;
}

/* The picture of one scene into its place on the sheet. */
static void paste(uint8_t *sheet, size_t sheet_bytes, const uint8_t *rgb, size_t row_bytes,
                  size_t size)
{
    for (size_t y = 0; y < size; y++) {
        memcpy(sheet + y * sheet_bytes, rgb + y * row_bytes, row_bytes);
    }
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

int command_draw(const struct arguments *a)
{
    long columns = a->count < 9 ? a->count : 9, rows = (a->count + columns - 1) / columns;
    size_t size = (size_t)a->size, row_bytes = size * 3, sheet_bytes = row_bytes * (size_t)columns;
    uint8_t *rgb = calloc(row_bytes, size), *sheet = calloc(sheet_bytes * (size_t)rows, size);
    struct draw_scene *scenes = calloc((size_t)a->count, sizeof *scenes);
    struct draw_caption *captions = calloc((size_t)a->count, sizeof *captions);
    int code = 1;

    if (rgb == NULL || sheet == NULL || scenes == NULL || captions == NULL) {
        fputs("clipc-train: out of memory\n", stderr);
    } else {
        for (long i = 0; i < a->count; i++) {
            make_scene(a, (uint64_t)(a->seed + i), &scenes[i]);
            draw_render(&scenes[i], (int)a->size, rgb);
            paste(sheet + (size_t)(i / columns) * size * sheet_bytes +
                      (size_t)(i % columns) * row_bytes,
                  sheet_bytes, rgb, row_bytes, size);
            say(&scenes[i], a->captions, &captions[i]);
        }
        if (a->captions > 0) {
            print_truth(scenes, captions, a->count);
        }
        code = write_ppm(a->out, sheet, columns * a->size, rows * a->size);
    }
    free(rgb);
    free(sheet);
    free(scenes);
    free(captions);
    return code;
}
