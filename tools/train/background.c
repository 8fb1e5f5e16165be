/* background.c - families of backgrounds, each a mix of the scene's two colours. */
#include <math.h>

#include "dice.h"
#include "draw.h"

/* A value in [0, 1) at a whole lattice point. */
static double lattice(uint64_t seed, int x, int y)
{
    uint64_t state = seed ^ (uint64_t)(uint32_t)x << 32 ^ (uint32_t)y;

    return dice_uniform(&state);
}

/* Smooth noise: lattice values, blended. */
static double smooth(uint64_t seed, double x, double y)
{
    double fx = floor(x), fy = floor(y), u = x - fx, v = y - fy;
    int ix = (int)fx, iy = (int)fy;

    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    double top = lattice(seed, ix, iy) * (1 - u) + lattice(seed, ix + 1, iy) * u;
    double low = lattice(seed, ix, iy + 1) * (1 - u) + lattice(seed, ix + 1, iy + 1) * u;
    return top * (1 - v) + low * v;
}

void draw_background(const struct draw_scene *s, double x, double y, double rgb[3])
{
    double u = x * s->turn[0] + y * s->turn[1], v = y * s->turn[0] - x * s->turn[1];
    double k = s->scale, mix = 0;

    switch (s->background) {
    case 0: /* flat */
        break;
    case 1: /* gradient */
        mix = 0.5 + u - 0.5 * (s->turn[0] + s->turn[1]);
        break;
    case 2: /* clouds */
        mix = 0.6 * smooth(s->seed, 3 * k * x, 3 * k * y) +
              0.4 * smooth(s->seed + 1, 9 * k * x, 9 * k * y);
        break;
    case 3: /* checker */
        mix = (((int)floor(5 * k * u) + (int)floor(5 * k * v)) & 1) ? 1 : 0;
        break;
    case 4: { /* wood */
        double grain = 8 * k * u + 1.5 * smooth(s->seed, 2 * u, 12 * v);
        mix = 0.5 + 0.5 * sin(2 * M_PI * grain);
        break;
    }
    case 5: /* stripes */
        mix = ((int)floor(7 * k * u) & 1) ? 1 : 0;
        break;
    case 6: /* grain */
        mix = lattice(s->seed, (int)(96 * x), (int)(96 * y));
        break;
    default: /* blobs */
        mix = smooth(s->seed, 2.5 * k * x, 2.5 * k * y) > 0.5 ? 1 : 0;
    }
    mix = mix < 0 ? 0 : mix > 1 ? 1 : mix;
    for (int c = 0; c < 3; c++) {
        rgb[c] = s->back[0][c] * (1 - mix) + s->back[1][c] * mix;
    }
}
