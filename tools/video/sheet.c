/* sheet.c - pictures made small, and put side by side. */
#include "sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/image/pixels.h"

#define GROUND 24 /* of 255, gray */

struct small {
    uint32_t width, height;
    uint8_t *rgb; /* [height, width, 3], room for a whole place */
};

struct sheet {
    size_t n, n_slots, columns;
    uint32_t width, height; /* of a place; 0: not known yet */
    struct small *slots;    /* [n_slots] */
};

int sheet_new(size_t n, size_t slots, struct sheet **out)
{
    struct sheet *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL || (s->slots = calloc(slots, sizeof *s->slots)) == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->n = n;
    s->n_slots = slots;
    return CLIPC_OK;
}

void sheet_free(struct sheet *s)
{
    for (size_t i = 0; s != NULL && s->slots != NULL && i < s->n_slots; i++) {
        free(s->slots[i].rgb);
    }
    if (s != NULL) {
        free(s->slots);
        free(s);
    }
}

/* ---- Smaller --------------------------------------------------------------------------------- */

/* How much of the source's pixel `i` lies under pixel `o` of an axis scaled by `step`. */
static float covered(uint32_t i, uint32_t o, double step)
{
    return (float)(fmin(i + 1, (o + 1) * step) - fmax(i, o * step));
}

/* A row [from_n, 3] to sums [to_n, 3]. */
static void shrink_row(const uint8_t *from, uint32_t from_n, float *to, uint32_t to_n)
{
    double step = (double)from_n / to_n;

    for (uint32_t o = 0; o < to_n; o++, to += 3) {
        uint32_t last = (uint32_t)fmin(ceil((o + 1) * step), from_n);
        to[0] = to[1] = to[2] = 0;
        for (uint32_t i = (uint32_t)(o * step); i < last; i++) {
            float share = covered(i, o, step);
            for (int c = 0; c < 3; c++) {
                to[c] += share * (float)from[3 * (size_t)i + (size_t)c];
            }
        }
    }
}

/* image to [to->height, to->width, 3]; neither is larger than the image's. */
static int shrink(const struct clipc_image *image, struct small *to)
{
    double step = (double)image->height / to->height;
    size_t row = (size_t)to->width * 3;
    float scale = (float)((double)to->width / image->width / step);
    uint8_t *rgb = malloc((size_t)image->width * 3);
    float *part = malloc(2 * row * sizeof *part), *sum = part != NULL ? part + row : NULL;

    if (rgb == NULL || part == NULL) {
        free(rgb);
        free(part);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a small picture");
    }
    for (uint32_t o = 0, have = UINT32_MAX; o < to->height; o++) {
        uint32_t last = (uint32_t)fmin(ceil((o + 1) * step), image->height);
        memset(sum, 0, row * sizeof *sum);
        for (uint32_t i = (uint32_t)(o * step); i < last; i++) {
            if (i != have) { /* a row may lie under two */
                pixels_row_to_rgb((const uint8_t *)image->data + i * image->stride, image->width,
                                  image->format, rgb);
                shrink_row(rgb, image->width, part, to->width);
                have = i;
            }
            float share = covered(i, o, step) * scale;
            for (size_t k = 0; k < row; k++) {
                sum[k] += share * part[k];
            }
        }
        for (size_t k = 0; k < row; k++) {
            to->rgb[o * row + k] = (uint8_t)fminf(sum[k] + 0.5f, 255);
        }
    }
    free(rgb);
    free(part);
    return CLIPC_OK;
}

/* ---- The sheet ------------------------------------------------------------------------------- */

/* Places as the first picture is. */
static void choose_places(struct sheet *s, const struct clipc_image *image)
{
    double shape = (double)image->height / image->width;
    double columns = ceil(sqrt((double)s->n * shape * 16 / 9) - 1e-9);

    s->columns = (size_t)fmax(1, fmin(columns, (double)s->n));
    uint32_t most = (uint32_t)(SHEET_WIDTH - SHEET_GAP) / (uint32_t)s->columns - SHEET_GAP;
    s->width = image->width < most ? image->width : most;
    double height = fmin(s->width * shape + 0.5, 4 * SHEET_WIDTH);
    s->height = height < 1 ? 1 : (uint32_t)height;
}

int sheet_keep(struct sheet *s, size_t slot, const struct clipc_image *image)
{
    struct small *small = &s->slots[slot];

    if (s->width == 0) {
        choose_places(s, image);
    }
    double scale =
        fmin(1, fmin((double)s->width / image->width, (double)s->height / image->height));
    if (small->rgb == NULL && (small->rgb = malloc((size_t)s->width * s->height * 3)) == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a small picture");
    }
    small->width = (uint32_t)fmax(1, fmin(image->width * scale + 0.5, s->width));
    small->height = (uint32_t)fmax(1, fmin(image->height * scale + 0.5, s->height));
    return shrink(image, small);
}

int sheet_make(const struct sheet *s, const size_t *slots, size_t n, struct clipc_image *image)
{
    size_t columns = n < s->columns ? n : s->columns, rows = (n + columns - 1) / columns;
    size_t width = columns * (s->width + SHEET_GAP) + SHEET_GAP;
    size_t height = rows * (s->height + SHEET_GAP) + SHEET_GAP;
    uint8_t *rgb = malloc(height * width * 3);

    if (rgb == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a sheet of %zu pictures", n);
    }
    memset(rgb, GROUND, height * width * 3);
    for (size_t k = 0; k < n; k++) {
        const struct small *small = &s->slots[slots[k]];
        size_t x = SHEET_GAP + k % columns * (s->width + SHEET_GAP);
        size_t y = SHEET_GAP + k / columns * (s->height + SHEET_GAP);
        x += (s->width - small->width) / 2;
        y += (s->height - small->height) / 2;
        for (size_t i = 0; i < small->height; i++) {
            memcpy(rgb + ((y + i) * width + x) * 3, small->rgb + i * small->width * 3,
                   (size_t)small->width * 3);
        }
    }
    *image = (struct clipc_image){.data = rgb,
                                  .width = (uint32_t)width,
                                  .height = (uint32_t)height,
                                  .stride = width * 3,
                                  .format = CLIPC_RGB};
    return CLIPC_OK;
}
