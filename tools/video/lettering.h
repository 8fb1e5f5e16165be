/* lettering.h - text in any script, and boxes, drawn upon pictures.  By libass (lettering_ass.c:
 * shaping, fonts of the system, one for each script); a build without it (lettering_none.c) says so
 * when it is asked for.
 *
 *     lettering_text(l, 10, 20, &style, "hello", 5);
 *     lettering_draw(l, rgb, stride);       draws all since the last time, in that order
 */
#ifndef CLIPC_LETTERING_H
#define CLIPC_LETTERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lettering;
struct lettering_style {
    double size;     /* of a line, in pixels */
    uint32_t colour; /* 0xRRGGBB */
    double opacity;  /* 0 .. 1 */
    bool bold;
    bool to_left; /* the text ends at its x instead of beginning there */
};

/* 0, or a negative clipc_status: CLIPC_ERROR_UNSUPPORTED where there is no libass, or no font. */
int lettering_new(struct lettering **lettering);
void lettering_free(struct lettering *lettering);

/* Of the pictures from now on. */
void lettering_size(struct lettering *lettering, uint32_t width, uint32_t height);

/* Pixels that the text, UTF-8, takes in one line; wider than a picture is as wide as it.
 * *missing (or NULL) becomes true where no font has some letter of it.  What was not drawn yet is
 * forgotten. */
double lettering_width(struct lettering *lettering, const struct lettering_style *style,
                       const char *text, size_t n, bool *missing);

/* y: of the middle of its line.  What steers a terminal is shown as '?' (tools/cli/say.h). */
void lettering_text(struct lettering *lettering, double x, double y,
                    const struct lettering_style *style, const char *text, size_t n);

/* With round corners; of the style, colour and opacity count. */
void lettering_box(struct lettering *lettering, double x, double y, double width, double height,
                   double radius, const struct lettering_style *style);

/* rgb: [height, width, 3], rows `stride` bytes apart.  0, or CLIPC_ERROR_MEMORY. */
int lettering_draw(struct lettering *lettering, uint8_t *rgb, size_t stride);

#endif
