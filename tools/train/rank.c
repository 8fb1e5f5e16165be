/* rank.c - A, 2 to 10, J, Q, K as strokes: points from -1 to 1 in both directions, y down. */
#include <math.h>
#include <stddef.h>

#include "card.h"
#include "font.h"

#define PEN_UP 9 /* as x: the next point begins a new stroke */

static const double ace[] = {-1, 1, 0, -1, 1, 1, PEN_UP, 0, -.58, .22, .58, .22};
static const double two[] = {-.9, -.5, -.6, -.9, 0, -1, .6, -.9, .9, -.5, .7, 0, -1, 1, 1, 1};
static const double three[] = {-.9,  -.7, -.4, -1, .3,  -1, .85, -.7, .85, -.3, .2,
                               -.05, .9,  .3,  .9, .65, .3, 1,   -.4, 1,   -1,  .7};
static const double four[] = {.5, 1, .5, -1, -1, .4, 1, .4};
static const double five[] = {.85, -1, -.75, -1,  -.85, -.1, 0,   -.25, .7, 0,
                              .95, .4, .7,   .85, 0,    1,   -.6, .95,  -1, .7};
static const double six[] = {.8, -.8, .2, -1,  -.5, -.75, -.9, 0,  -.9,  .5,  -.5, .95, .1,
                             1,  .7,  .8, .95, .4,  .7,   0,   .1, -.15, -.5, 0,   -.9, .4};
static const double seven[] = {-1, -1, 1, -1, -.2, 1};
static const double eight[] = {0, -1, .66,    -.8, .72, -.4,  0,    -.06, -.72, -.4, -.66, -.8,
                               0, -1, PEN_UP, 0,   0,   -.06, .84,  .3,   .9,   .66, .5,   .96,
                               0, 1,  -.5,    .96, -.9, .66,  -.84, .3,   0,    -.06};
static const double nine[] = {-.8, .8,  -.2, 1,    .5,  .75, .9, 0,   .9,  -.5, .5, -.95, -.1,
                              -1,  -.7, -.8, -.95, -.4, -.7, 0,  -.1, .15, .5,  0,  .9,   -.4};
static const double ten[] = {-1.7, -.6,  -1.4, -1, -1.4, 1,   PEN_UP, 0,   .6, -1,  1.05, -.8, 1.3,
                             0,    1.05, .8,   .6, 1,    .15, .8,     -.1, 0,  .15, -.8,  .6,  -1};
static const double jack[] = {-.1, -1, 1,  -1,  PEN_UP, 0,   .6, -1,   .6,
                              .5,  .3, .9, -.2, 1,      -.7, .8, -.85, .4};
static const double queen[] = {0,    -1, .7,  -.75, .95, 0,  .7,     .75, 0,  1,  -.7, .75,
                               -.95, 0,  -.7, -.75, 0,   -1, PEN_UP, 0,   .2, .4, 1,   1.1};
static const double king[] = {-.85, -1, -.85,   1, PEN_UP, 0,   .9,  -1,
                              -.85, .2, PEN_UP, 0, -.3,    -.2, .95, 1};

static const struct {
    const double *points; /* x, y pairs */
    size_t n;
} strokes[CARD_RANKS] = {
#define STROKES(name)                                                                              \
    {                                                                                              \
        name, sizeof name / sizeof *name                                                           \
    }
    STROKES(ace),  STROKES(two),   STROKES(three), STROKES(four), STROKES(five),
    STROKES(six),  STROKES(seven), STROKES(eight), STROKES(nine), STROKES(ten),
    STROKES(jack), STROKES(queen), STROKES(king)};

/* Square of the distance from (x, y) to the segment a b. */
static double distance2(double x, double y, double ax, double ay, double bx, double by)
{
    double dx = bx - ax, dy = by - ay, l = dx * dx + dy * dy;
    double t = l > 0 ? ((x - ax) * dx + (y - ay) * dy) / l : 0;

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    x -= ax + t * dx;
    y -= ay + t * dy;
    return x * x + y * y;
}

bool rank_inside(int rank, const struct rank_style *style, double x, double y)
{
    const double *p = strokes[rank].points;
    double half = (1 - style->pen) / 2, wide = half * style->aspect, limit = style->pen / 2;
    bool pen_down = false;

    x += style->slant * y;
    if (style->font >= 0) {
        return font_inside(style->font, rank, style->aspect / 0.65, x, y);
    }
    if (fabs(y) > 0.5 + limit || fabs(x) > 1.8 * wide + limit) {
        return false;
    }
    for (size_t i = 0; i < strokes[rank].n; i += 2) {
        if (p[i] == PEN_UP) {
            pen_down = false;
            continue;
        }
        if (pen_down && distance2(x, y, p[i - 2] * wide, p[i - 1] * half, p[i] * wide,
                                  p[i + 1] * half) <= limit * limit) {
            return true;
        }
        pen_down = true;
    }
    return false;
}
