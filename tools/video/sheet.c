/* sheet.c - pictures made small, and put side by side. */
#include "sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "canvas.h"
#include "lettering.h"

#define GROUND 24 /* of 255, gray */

struct small {
    uint32_t width, height;
    uint8_t *rgb; /* [height, width, 3], room for a whole place */
};

struct sheet {
    size_t n, n_slots, columns;
    uint32_t width, height; /* of a place; 0: not known yet */
    struct small *slots;    /* [n_slots] */
    struct kernels kernels;
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
    kernels_find(NULL, &s->kernels);
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
    return canvas_scale(&s->kernels, image, small->rgb, 3 * (size_t)small->width, small->width,
                        small->height);
}

/* ---- The sheet ------------------------------------------------------------------------------- */

static size_t place_x(const struct sheet *s, size_t k)
{
    return SHEET_GAP + k % s->columns * (s->width + SHEET_GAP);
}

/* line: below each place. */
static size_t place_y(const struct sheet *s, size_t k, size_t line)
{
    return SHEET_GAP + k / s->columns * (s->height + line + SHEET_GAP);
}

/* As much of a text, UTF-8, as a place is wide. */
static size_t fitting(const struct sheet *s, struct lettering *l,
                      const struct lettering_style *style, const char *text)
{
    size_t n = strlen(text);

    while (n > 0 && lettering_width(l, style, text, n, NULL) > s->width - 4.0) {
        for (n--; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--) {
        }
    }
    return n;
}

static int write_labels(const struct sheet *s, struct lettering *l, const char *const *labels,
                        size_t n, const struct clipc_image *image)
{
    const struct lettering_style style = {.size = 16, .colour = 0xd8d8d8, .opacity = 1};
    size_t *lengths = malloc(n * sizeof *lengths);

    if (lengths == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    lettering_size(l, image->width, image->height);
    for (size_t k = 0; k < n; k++) {
        lengths[k] = fitting(s, l, &style, labels[k]);
    }
    for (size_t k = 0; k < n; k++) {
        double y = (double)(place_y(s, k, SHEET_LINE) + s->height) + SHEET_LINE / 2.0;
        lettering_text(l, (double)place_x(s, k) + 2, y, &style, labels[k], lengths[k]);
    }
    free(lengths);
    return lettering_draw(l, image->data, image->stride);
}

int sheet_make(const struct sheet *s, const size_t *slots, const char *const *labels, size_t n,
               struct clipc_image *image)
{
    struct lettering *lettering;
    size_t line = lettering_new(&lettering) == CLIPC_OK ? SHEET_LINE : 0;
    size_t width = place_x(s, (n < s->columns ? n : s->columns) - 1) + s->width + SHEET_GAP;
    size_t height = place_y(s, n - 1, line) + s->height + line + SHEET_GAP;
    uint8_t *rgb = malloc(height * width * 3);
    int status = CLIPC_OK;

    if (rgb == NULL) {
        lettering_free(lettering);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a sheet of %zu pictures", n);
    }
    *image = (struct clipc_image){.data = rgb,
                                  .width = (uint32_t)width,
                                  .height = (uint32_t)height,
                                  .stride = width * 3,
                                  .format = CLIPC_RGB};
    memset(rgb, GROUND, height * width * 3);
    for (size_t k = 0; k < n; k++) {
        const struct small *small = &s->slots[slots[k]];
        size_t x = place_x(s, k) + (s->width - small->width) / 2;
        size_t y = place_y(s, k, line) + (s->height - small->height) / 2;
        for (size_t i = 0; i < small->height; i++) {
            memcpy(rgb + ((y + i) * width + x) * 3, small->rgb + i * small->width * 3,
                   (size_t)small->width * 3);
        }
    }
    if (line > 0) {
        status = write_labels(s, lettering, labels, n, image);
    }
    lettering_free(lettering);
    if (status != CLIPC_OK) {
        free(rgb);
    }
    return status;
}
