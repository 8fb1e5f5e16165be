/* sheet.h - a contact sheet: small pictures side by side, row by row, on dark ground, a line of
 * text below each. */
#ifndef CLIPC_SHEET_H
#define CLIPC_SHEET_H

#include "../../src/clipc.h"

/* Pixels: the sheet is not wider than this, its pictures stand so far apart, and so high is the
 * line of text below each. */
enum { SHEET_WIDTH = 1920, SHEET_GAP = 8, SHEET_LINE = 22 };

struct sheet;

/* For up to n pictures, chosen at the end among those in `slots` slots.  0, or CLIPC_ERROR_MEMORY;
 * sheet_free in any case. */
int sheet_new(size_t n, size_t slots, struct sheet **sheet);
void sheet_free(struct sheet *sheet);

/* The slot has this picture from now on, made as small as its place in the sheet (canvas.h).
 * Places have the shape of the first picture of all, and so many stand in a row that n of them come
 * near to 16:9; a picture that is smaller than its place, or of another shape, stands in its
 * middle.  0, or CLIPC_ERROR_MEMORY. */
int sheet_keep(struct sheet *sheet, size_t slot, const struct clipc_image *image);

/* The sheet of these slots, [n], n > 0, in their order, each with its label below where text can be
 * drawn (lettering.h).  *image is RGB, its data for free().  0, or CLIPC_ERROR_MEMORY. */
int sheet_make(const struct sheet *sheet, const size_t *slots, const char *const *labels, size_t n,
               struct clipc_image *image);

#endif
