/* bar.c - bars that grow by an eighth of a character. */
#include "bar.h"

#include <math.h>

void bar_put(FILE *f, double share, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int n = (int)(fmin(fmax(share, 0), 1) * width * 8 + 0.5);

    for (int i = 0; i < n / 8; i++) {
        fputs("█", f);
    }
    fputs(eighths[n % 8], f);
}
