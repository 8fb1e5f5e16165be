/* draw.h - the drawn world: scenes, their pictures, and what can truly be said of them.
 *
 * A scene is a background, and on it a coloured shape (shapes.c), a playing card (card.h) or
 * nothing.
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
    double angle, turn[2]; /* turn: its cosine and sine */
};

struct draw_scene {
    uint64_t seed;
    int background;    /* family */
    double back[2][3]; /* its two colours */
    double scale, angle, noise, blur, light;
    double turn[2]; /* cosine and sine of the angle */
    struct draw_item items[DRAW_MAX_ITEMS];
    int n;
    bool has_card; /* then n is 0; neither: an empty background */
    struct card card;
};

/* A caption says some of: a shape's colour and kind, or a card's rank, suit and whether it is red;
 * -1: it does not say. */
struct draw_caption {
    int colour, shape;
    bool card;  /* it speaks of a card */
    bool empty; /* it says that there is nothing */
    int rank, suit, red;
    char text[DRAW_CAPTION];
};

/* The scene of `seed`; colour or shape >= 0 fix those of its item. */
void draw_scene(struct draw_scene *scene, uint64_t seed, int colour, int shape);

/* A card instead of a shape; rank or suit >= 0 fix those of its face. */
void draw_card_scene(struct draw_scene *scene, uint64_t seed, int rank, int suit);

/* A background alone. */
void draw_empty_scene(struct draw_scene *scene, uint64_t seed);

/* For the beginning of training: hard 1 changes nothing, 0 makes the item or card large, upright,
 * central and sharp, on a flat background. */
void draw_ease(struct draw_scene *scene, double hard);

/* Render: rgb [size, size, 3] bytes, sub * sub samples a pixel. */
void draw_render(const struct draw_scene *scene, int size, int sub, uint8_t *rgb);

/* Index of the item to be seen at (x, y) of the unit square, or -1. */
int draw_item_at(const struct draw_scene *scene, double x, double y);

/* What the heads of training are to say, in four groups: rank, suit, colour, shape; -1: nothing. */
enum { DRAW_GROUPS = 4 };
extern const int draw_groups[DRAW_GROUPS];
void draw_labels(const struct draw_scene *scene, signed char labels[DRAW_GROUPS]);
/* The same of each of grid * grid patches: [grid * grid, DRAW_GROUPS], where enough of a letter, a
 * suit or a shape is to be seen. */
void draw_patch_labels(const struct draw_scene *scene, int grid, signed char *labels);

/* What the scene shows, in the shortest words that say all of it: "a red circle", "the ace of
 * spades". */
void draw_name(const struct draw_scene *scene, char name[DRAW_CAPTION]);

/* One of the captions that are true of the scene. */
void draw_caption(const struct draw_scene *scene, uint64_t *state, struct draw_caption *caption);

/* One that says all that there is to say. */
void draw_full_caption(const struct draw_scene *scene, uint64_t *state,
                       struct draw_caption *caption);

/* Does it leave out some of what a full caption says? */
bool draw_is_vague(const struct draw_caption *caption);

/* Is the caption true of the scene? */
bool draw_is_true(const struct draw_caption *caption, const struct draw_scene *scene);

/* Is a point (in units of the shape's radius, upright) inside the shape? */
bool draw_shape_inside(int shape, double x, double y);

/* The background's colour at (x, y) of the unit square. */
void draw_background(const struct draw_scene *scene, double x, double y, double rgb[3]);

/* Bytes [size, size, 3] to normalised planes [3, size, size], mean and deviation 0.5. */
void draw_pixels(const uint8_t *rgb, int size, float *pixels);

#endif
