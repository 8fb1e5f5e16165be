/* draw.h - the drawn world: scenes, their pictures, and what can truly be said of them.
 *
 * A scene is a background, a list of items (shapes.c) and perhaps a playing card (card.h).
 * Everything follows from a seed. */
#ifndef CLIPC_DRAW_H
#define CLIPC_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card.h"

enum { DRAW_COLOURS = 12, DRAW_SHAPES = 9, DRAW_MAX_ITEMS = 4, DRAW_CAPTION = 96 };
extern const char *const draw_colours[DRAW_COLOURS]; /* "red", ... */
extern const char *const draw_shapes[DRAW_SHAPES];   /* "circle", ... */

struct draw_item {
    int colour, shape;     /* indices into the lists above */
    double rgb[3];         /* 0 .. 1, near the named colour */
    double x, y, radius;   /* in units of the picture's side */
    double angle, turn[2]; /* turn: its cosine and sine, set by draw_render */
};

struct draw_scene {
    uint64_t seed;
    int background;    /* family */
    double back[2][3]; /* its two colours */
    double scale, angle, noise, blur, light;
    double turn[2]; /* cosine and sine of the angle, set by draw_render */
    struct draw_item items[DRAW_MAX_ITEMS];
    int n;
    bool has_card; /* then n is 0 */
    struct card card;
};

/* A caption says some of: a shape's colour and kind, or a card's rank, suit and whether it is red;
 * -1: it does not say. */
struct draw_caption {
    int colour, shape;
    bool card; /* it speaks of a card */
    int rank, suit, red;
    char text[DRAW_CAPTION];
};

/* splitmix64 and uniform numbers in [0, 1). */
uint64_t draw_random(uint64_t *state);
double draw_uniform(uint64_t *state);

/* The scene of `seed`; colour or shape >= 0 fix those of its item. */
void draw_scene(struct draw_scene *scene, uint64_t seed, int colour, int shape);

/* A card instead of a shape; rank or suit >= 0 fix those of its face. */
void draw_card_scene(struct draw_scene *scene, uint64_t seed, int rank, int suit);

/* For the beginning of training: hard 1 changes nothing, 0 makes the item or card large, upright,
 * central and sharp, on a flat background. */
void draw_ease(struct draw_scene *scene, double hard);

/* Render: rgb [size, size, 3] bytes. */
void draw_render(const struct draw_scene *scene, int size, uint8_t *rgb);

/* What the scene shows, in the shortest words that say all of it: "a red circle", "the ace of
 * spades". */
void draw_name(const struct draw_scene *scene, char name[DRAW_CAPTION]);

/* One of the captions that are true of the scene. */
void draw_caption(const struct draw_scene *scene, uint64_t *state, struct draw_caption *caption);

/* Does it leave out some of what a full caption says? */
bool draw_is_vague(const struct draw_caption *caption);

/* Is the caption true of the scene? */
bool draw_is_true(const struct draw_caption *caption, const struct draw_scene *scene);

/* Is a point (in units of the shape's radius, upright) inside the shape? */
bool draw_shape_inside(int shape, double x, double y);

/* The background's colour at (x, y) of the unit square. */
void draw_background(const struct draw_scene *scene, double x, double y, double rgb[3]);

#endif
