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

int command_draw(const struct arguments *a)
{
    long columns = a->count < 9 ? a->count : 9, rows = (a->count + columns - 1) / columns;
    size_t row_bytes = (size_t)(a->size * 3), sheet_bytes = row_bytes * (size_t)columns;
    uint8_t *rgb = calloc(row_bytes, (size_t)a->size);
    uint8_t *sheet = calloc(sheet_bytes * (size_t)rows, (size_t)a->size);
    int code = 1;

    if (rgb == NULL || sheet == NULL) {
        fputs("clipc-train: out of memory\n", stderr);
    } else {
        for (long i = 0; i < a->count; i++) {
            struct draw_scene s;
            char name[DRAW_CAPTION];
            make_scene(a, (uint64_t)(a->seed + i), &s);
            draw_render(&s, (int)a->size, rgb);
            for (long y = 0; y < a->size; y++) {
                memcpy(sheet + (size_t)(i / columns * a->size + y) * sheet_bytes +
                           (size_t)(i % columns) * row_bytes,
                       rgb + (size_t)y * row_bytes, row_bytes);
            }
            draw_name(&s, name);
            puts(name);
        }
        code = write_ppm(a->out, sheet, columns * a->size, rows * a->size);
    }
    free(rgb);
    free(sheet);
    return code;
}
