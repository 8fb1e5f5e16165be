/* mixture.c - which scenes a batch shows, in which order and how hard, and the captions beside
 * their own. */
#include "mixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"

/* Scenes of training have seeds from here on; those below are for evaluation, pictures and
 * tests. */
#define FIRST_SEED 1000000u

enum { FACES = CARD_RANKS * CARD_SUITS, PAIRS = DRAW_COLOURS * DRAW_SHAPES };

/* Ten cards, five shapes and an empty background in sixteen places. */
static const char places[] = "csccsccecsccsccs";

static bool is_kind(char kind, int at)
{
    return places[at % 16] == kind;
}

/* How often the kind came before place `at` of this step. */
static int turns_before(const struct train *t, char kind, int at)
{
    int each = 0, before = 0;

    for (int i = 0; i < t->o.batch; i++) {
        each += is_kind(kind, i);
        before += i < at && is_kind(kind, i);
    }
    return t->step * each + before;
}

/* Numbers below n come in rounds, each round in an order of its own. */
static int number_of_turn(int n, uint64_t seed, int turn)
{
    uint64_t state = seed * 77 + (uint64_t)(turn / n);
    int order[PAIRS];

    for (int i = 0; i < n; i++) {
        int j = (int)(dice_uniform(&state) * (i + 1));
        order[i] = order[j];
        order[j] = i;
    }
    return order[turn % n];
}

/* Scenes grow harder over the first steps: not all at once, some stay easy for longer. */
static double hardness(const struct train *t, uint64_t *state)
{
    double ramp = (double)t->step / TRAIN_RAMP, u = dice_uniform(state);

    return ramp < 1 ? ramp * sqrt(u) : 1;
}

void mixture_place(const struct train *t, int at, struct draw_scene *scene,
                   struct draw_caption *caption)
{
    uint64_t seed = FIRST_SEED + (uint64_t)t->step * (uint64_t)t->o.batch + (uint64_t)at;
    uint64_t state = seed ^ 0xabcdef;

    if (is_kind('c', at)) {
        int face = number_of_turn(FACES, t->o.seed, turns_before(t, 'c', at));
        draw_card_scene(scene, seed, face / CARD_SUITS, face % CARD_SUITS);
    } else if (is_kind('s', at)) {
        int pair = number_of_turn(PAIRS, t->o.seed, turns_before(t, 's', at));
        draw_scene(scene, seed, pair / DRAW_SHAPES, pair % DRAW_SHAPES);
    } else {
        draw_empty_scene(scene, seed);
    }
    draw_ease(scene, hardness(t, &state));
    draw_caption(scene, &state, caption);
}

void mixture_captions(const struct train *t, struct draw_caption *captions)
{
    uint64_t state = t->o.seed * 0x9e3779b97f4a7c15u + (uint64_t)t->step;

    for (int i = 0; i < MIXTURE_MORE; i++) {
        struct draw_scene scene = {.has_card = i < FACES, .n = i >= FACES && i < FACES + PAIRS};
        if (scene.has_card) {
            scene.card.rank = i / CARD_SUITS;
            scene.card.suit = i % CARD_SUITS;
        } else {
            scene.items[0].colour = (i - FACES) / DRAW_SHAPES % DRAW_COLOURS;
            scene.items[0].shape = (i - FACES) % DRAW_SHAPES;
        }
        draw_full_caption(&scene, &state, &captions[i]);
    }
}
