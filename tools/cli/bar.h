/* bar.h - a share as a bar of characters. */
#ifndef CLIPC_BAR_H
#define CLIPC_BAR_H

#include <stdio.h>

/* A bar of `width` cells in eighths, of which `share`, from 0 to 1, fills its part. */
void bar_put(FILE *f, double share, int width);

#endif
