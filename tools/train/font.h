/* font.h - ranks and suits as fonts write them: outlines of Liberation and FreeFont, where they are
 * installed, drawn by stb_truetype. */
#ifndef CLIPC_TRAIN_FONT_H
#define CLIPC_TRAIN_FONT_H

#include <stdbool.h>

enum { FONT_FACES = 16 };

/* How many of the faces are installed. */
int font_installed(void);

/* Is the face there? */
bool font_is_there(int face);

/* Is (x, y), from the centre of a rank whose height is 1, y down, on its ink?  stretch: of its
 * width, less where the rank would become too wide for an index.  The face must be there. */
bool font_inside(int face, int rank, double stretch, double x, double y);

/* One of the installed faces that draw the four suits, for `which` in [0, 1); -1: there is none. */
int font_with_suits(double which);

/* Is (x, y) inside the suit, from -1 to 1 over the longer of its width and height, y down?  The
 * face must be one with suits. */
bool font_suit_inside(int face, int suit, double x, double y);

#endif
