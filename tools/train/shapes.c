/* shapes.c - the nine shapes, as the inside of a curve around the origin of radius about 1. */
#include <math.h>

#include "draw.h"

const char *const draw_shapes[DRAW_SHAPES] = {"circle",  "square", "triangle", "star",   "heart",
                                              "diamond", "ring",   "cross",    "hexagon"};

/* Inside a regular polygon of n corners, the first one up. */
static bool in_polygon(int n, double x, double y)
{
    double sector = 2 * M_PI / n, a = atan2(x, -y);

    a -= sector * floor(a / sector) + sector / 2;
    return sqrt(x * x + y * y) * cos(a) <= cos(sector / 2);
}

static bool in_star(double x, double y)
{
    double sector = 2 * M_PI / 5, a = atan2(x, -y), r = sqrt(x * x + y * y);

    a = fabs(a - sector * floor(a / sector + 0.5)); /* 0 at a tip, sector / 2 between two */
    /* The edge from the tip (radius 1) to the notch (radius 0.4) is a straight line. */
    double nx = 0.4 * sin(sector / 2), ny = 0.4 * cos(sector / 2);
    return r * (sin(a) * (1 - ny) + cos(a) * nx) <= nx;
}

static bool in_heart(double x, double y)
{
    double u = 1.2 * x, v = 1.2 * -y + 0.1, t = u * u + v * v - 1;

    return t * t * t - u * u * v * v * v <= 0;
}

bool draw_shape_inside(int shape, double x, double y)
{
    double r = sqrt(x * x + y * y), ax = fabs(x), ay = fabs(y);

    switch (shape) {
    case 0:
        return r <= 0.95;
    case 1:
        return ax <= 0.8 && ay <= 0.8;
    case 2:
        return in_polygon(3, x, y);
    case 3:
        return in_star(x, y);
    case 4:
        return in_heart(x, y);
    case 5: /* taller than wide, so that no turned square is one */
        return ax / 0.62 + ay <= 1;
    case 6:
        return r <= 0.95 && r >= 0.55;
    case 7:
        return (ax <= 0.28 && ay <= 0.95) || (ay <= 0.28 && ax <= 0.95);
    default:
        return in_polygon(6, x, y);
    }
}
