/* overlay.h - the best prompts on a picture: name, percent and a bar each, on a dark panel that
 * makes them readable on anything. */
#ifndef CLIPC_OVERLAY_H
#define CLIPC_OVERLAY_H

#include <stdint.h>

#include "lettering.h"
#include "scores.h"

enum { OVERLAY_ROWS = 4 };

/* What one frame's overlay says. */
struct overlay_row {
    size_t prompt;
    double share; /* 0 .. 1, of the bar */
    char value[16];
};
struct overlay_rows {
    struct overlay_row rows[OVERLAY_ROWS]; /* [n], best first */
    size_t n;
};
void overlay_choose(struct overlay_rows *rows, const struct scores *scores);

struct overlay;

/* For pictures of this size; prompts and lettering stay.  Says on stderr of which prompts no font
 * has the letters.  0, or CLIPC_ERROR_MEMORY. */
int overlay_new(struct lettering *lettering, const struct labels *prompts, uint32_t width,
                uint32_t height, struct overlay **overlay);
void overlay_free(struct overlay *overlay);

/* rgb: the picture, rows `stride` bytes apart.  title: NULL, or what stands in its upper left
 * corner.  0, or CLIPC_ERROR_MEMORY. */
int overlay_draw(struct overlay *overlay, const struct overlay_rows *rows, const char *title,
                 uint8_t *rgb, size_t stride);

#endif
