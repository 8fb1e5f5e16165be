/* draw.c - scenes from seeds, and their pictures: each pixel is the mean of points of the unit
 * square, with light, noise and blur as of a camera. */
#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"

const char *const draw_colours[DRAW_COLOURS] = {"red",    "green",  "blue", "yellow",
                                                "orange", "purple", "pink", "brown",
                                                "black",  "white",  "gray", "cyan"};

static const double rgb_of[DRAW_COLOURS][3] = {
    {0.86, 0.10, 0.12}, {0.12, 0.62, 0.20}, {0.13, 0.27, 0.85}, {0.97, 0.88, 0.15},
    {0.97, 0.53, 0.10}, {0.50, 0.15, 0.62}, {0.98, 0.60, 0.76}, {0.45, 0.27, 0.12},
    {0.05, 0.05, 0.06}, {0.97, 0.97, 0.97}, {0.52, 0.52, 0.53}, {0.15, 0.82, 0.87}};

static double distance(const double a[3], const double b[3])
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

/* A background colour that the item's, unless it is NULL, stands out from. */
static void pick_back(uint64_t *state, const double item[3], double rgb[3])
{
    do {
        double gray = dice_uniform(state), strength = dice_between(state, 0, 0.9);
        for (int c = 0; c < 3; c++) {
            rgb[c] = gray + strength * (dice_uniform(state) - gray);
        }
    } while (item != NULL && distance(item, rgb) < 0.38);
}

/* Background, light and faults of the camera; the background keeps away from the colour `front`,
 * unless that is NULL. */
static void make_surroundings(struct draw_scene *s, uint64_t *state, const double front[3])
{
    s->background = dice_pick(state, 8);
    s->scale = dice_between(state, 0.6, 1.8);
    s->angle = dice_between(state, 0, 3.14159);
    s->noise = dice_uniform(state) < 0.5 ? 0 : dice_between(state, 0, 0.06);
    s->blur = dice_uniform(state) < 0.6 ? 0 : dice_between(state, 0.2, 1);
    s->light = dice_between(state, 0.85, 1.1);
    pick_back(state, front, s->back[0]);
    pick_back(state, front, s->back[1]);
}

static void turn(double angle, double cosine_sine[2])
{
    cosine_sine[0] = cos(angle);
    cosine_sine[1] = sin(angle);
}

static void set_turns(struct draw_scene *s)
{
    turn(s->angle, s->turn);
    for (int i = 0; i < s->n; i++) {
        turn(s->items[i].angle, s->items[i].turn);
    }
}

void draw_scene(struct draw_scene *s, uint64_t seed, int colour, int shape)
{
    uint64_t state = seed * 0x2545f4914f6cdd1du + 77;
    struct draw_item *item = &s->items[0];

    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->n = 1;
    item->colour = dice_pick(&state, DRAW_COLOURS);
    item->shape = dice_pick(&state, DRAW_SHAPES);
    item->colour = colour >= 0 ? colour : item->colour;
    item->shape = shape >= 0 ? shape : item->shape;
    for (int c = 0; c < 3; c++) {
        double v = rgb_of[item->colour][c] + dice_between(&state, -0.06, 0.06);
        item->rgb[c] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
    item->radius = dice_between(&state, 0.15, 0.42);
    item->x = dice_between(&state, item->radius, 1 - item->radius);
    item->y = dice_between(&state, item->radius, 1 - item->radius);
    item->angle = dice_between(&state, -0.45, 0.45);
    make_surroundings(s, &state, item->rgb);
    set_turns(s);
}

void draw_card_scene(struct draw_scene *s, uint64_t seed, int rank, int suit)
{
    uint64_t state = seed * 0x2545f4914f6cdd1du + 78;

    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->has_card = true;
    card_make(&s->card, &state, rank, suit);
    make_surroundings(s, &state, s->card.paper);
    set_turns(s);
}

void draw_empty_scene(struct draw_scene *s, uint64_t seed)
{
    uint64_t state = seed * 0x2545f4914f6cdd1du + 79;

    memset(s, 0, sizeof *s);
    s->seed = seed;
    make_surroundings(s, &state, NULL);
    set_turns(s);
}

void draw_ease(struct draw_scene *s, double hard)
{
    uint64_t state = s->seed ^ 0x7f4a7c15;

    for (int i = 0; i < s->n; i++) {
        struct draw_item *item = &s->items[i];
        item->radius += (1 - hard) * (0.4 - item->radius);
        item->angle *= hard;
        item->x = fmin(fmax(0.5 + hard * (item->x - 0.5), item->radius), 1 - item->radius);
        item->y = fmin(fmax(0.5 + hard * (item->y - 0.5), item->radius), 1 - item->radius);
    }
    if (s->has_card) {
        card_ease(&s->card, hard);
    }
    s->noise *= hard;
    s->blur *= hard;
    s->background = dice_uniform(&state) < hard ? s->background : 0;
    set_turns(s);
}

int draw_item_at(const struct draw_scene *s, double x, double y)
{
    for (int i = s->n - 1; i >= 0; i--) {
        const struct draw_item *item = &s->items[i];
        double dx = (x - item->x) / item->radius, dy = (y - item->y) / item->radius;
        double u = dx * item->turn[0] + dy * item->turn[1];
        double v = dy * item->turn[0] - dx * item->turn[1];
        if (dx * dx + dy * dy < 1.5 && draw_shape_inside(item->shape, u, v)) {
            return i;
        }
    }
    return -1;
}

/* Colour of the scene at a point of the unit square.  The background comes last: most of the time
 * goes into it, and half of the points of a card do without. */
static void sample(const struct draw_scene *s, double x, double y, double rgb[3])
{
    static const double edge[3] = {0.2, 0.2, 0.2};
    enum card_mark mark = s->has_card ? card_mark(&s->card, x, y) : CARD_NOTHING;
    int item = draw_item_at(s, x, y);
    const double *colour = item >= 0            ? s->items[item].rgb
                           : mark == CARD_COVER ? s->card.skin
                           : mark == CARD_PAPER ? s->card.paper
                           : mark == CARD_EDGE  ? edge
                           : mark >= CARD_FRAME ? s->card.ink
                                                : NULL;

    if (colour != NULL) {
        memcpy(rgb, colour, 3 * sizeof *rgb);
        return;
    }
    draw_background(s, x, y, rgb);
    for (int c = 0; c < 3 && mark == CARD_SHADOW; c++) {
        rgb[c] *= 0.6;
    }
}

void draw_render(const struct draw_scene *s, int size, int sub, uint8_t *out)
{
    uint64_t state = s->seed ^ 0x9d2c5680;
    double reach = 0.5 + s->blur; /* half the side of what a pixel averages, in pixels */

    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            double sum[3] = {0, 0, 0};
            for (int j = 0; j < sub * sub; j++) {
                double rgb[3];
                double px = x + 0.5 + reach * ((j % sub * 2 + 1.0) / sub - 1);
                double py = y + 0.5 + reach * ((j / sub * 2 + 1.0) / sub - 1);
                sample(s, px / size, py / size, rgb);
                for (int c = 0; c < 3; c++) {
                    sum[c] += rgb[c] / (sub * sub);
                }
            }
            for (int c = 0; c < 3; c++) {
                double v = sum[c] * s->light + s->noise * (2 * dice_uniform(&state) - 1);
                *out++ = (uint8_t)(v < 0 ? 0 : v > 1 ? 255 : v * 255 + 0.5);
            }
        }
    }
}

void draw_pixels(const uint8_t *rgb, int size, float *pixels)
{
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < size * size; i++) {
            *pixels++ = ((float)rgb[3 * i + c] / 255.0f - 0.5f) / 0.5f;
        }
    }
}
