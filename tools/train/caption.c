/* caption.c - what can truly be said of a scene, in several wordings, and what cannot. */
#include <stdio.h>
#include <string.h>

#include "dice.h"
#include "draw.h"

static const char *article(const char *word)
{
    return strchr("aeiou", word[0]) != NULL ? "an" : "a";
}

void draw_name(const struct draw_scene *s, char name[DRAW_CAPTION])
{
    if (s->has_card) {
        snprintf(name, DRAW_CAPTION, "the %s of %s", card_ranks[s->card.rank],
                 card_suits[s->card.suit]);
    } else if (s->n == 0) {
        strcpy(name, "nothing");
    } else {
        const char *colour = draw_colours[s->items[0].colour];
        snprintf(name, DRAW_CAPTION, "%s %s %s", article(colour), colour,
                 draw_shapes[s->items[0].shape]);
    }
}

static void shape_caption(const struct draw_scene *s, uint64_t *state, struct draw_caption *caption)
{
    static const char *const both[] = {"%s %s %s",
                                       "a photo of %s %s %s",
                                       "a picture of %s %s %s",
                                       "a drawing of %s %s %s",
                                       "%s %s %s on a background",
                                       "an image of %s %s %s"};
    const struct draw_item *item = &s->items[dice_pick(state, s->n)];
    const char *colour = draw_colours[item->colour], *shape = draw_shapes[item->shape];
    double r = dice_uniform(state);

    caption->colour = item->colour;
    caption->shape = item->shape;
    if (r < 0.08) {
        caption->colour = -1;
        snprintf(caption->text, sizeof caption->text, "a %s", shape);
    } else if (r < 0.16) {
        caption->shape = -1;
        snprintf(caption->text, sizeof caption->text, "something %s", colour);
    } else {
        snprintf(caption->text, sizeof caption->text, r < 0.6 ? both[0] : both[dice_pick(state, 6)],
                 article(colour), colour, shape);
    }
}

static bool is_red(int suit)
{
    return suit == 1 || suit == 2; /* hearts, diamonds */
}

static void card_caption(const struct draw_scene *s, uint64_t *state, struct draw_caption *caption)
{
    static const char *const faces[] = {"%s of %s", "the %s of %s", "a photo of the %s of %s",
                                        "a playing card, the %s of %s"};
    static const char *const one[] = {"%s %s of %s", "%s %s of %s playing card",
                                      "a picture of %s %s of %s", "%s %s of %s playing card"};
    static const char *const ranks[] = {"%s %s", "%s %s playing card", "a playing card, %s %s"};
    static const char *const suits[] = {"a card of %s", "a playing card of %s"};
    static const char *const colours[] = {"a %s playing card", "a %s card"};
    static const char *const cards[] = {"a playing card", "a card", "a photo of a playing card"};
    const char *rank = card_ranks[s->card.rank], *suit = card_suits[s->card.suit];
    double r = dice_uniform(state);

    *caption = (struct draw_caption){
        .colour = -1, .shape = -1, .card = true, .rank = -1, .suit = -1, .red = -1};
    if (r < 0.62) {
        caption->rank = s->card.rank;
        caption->suit = s->card.suit;
        if (dice_uniform(state) < 0.5) {
            snprintf(caption->text, DRAW_CAPTION, faces[dice_pick(state, 4)], rank, suit);
        } else {
            snprintf(caption->text, DRAW_CAPTION, one[dice_pick(state, 4)], article(rank), rank,
                     suit);
        }
    } else if (r < 0.76) {
        caption->rank = s->card.rank;
        snprintf(caption->text, DRAW_CAPTION, ranks[dice_pick(state, 3)], article(rank), rank);
    } else if (r < 0.88) {
        caption->suit = s->card.suit;
        snprintf(caption->text, DRAW_CAPTION, suits[dice_pick(state, 2)], suit);
    } else if (r < 0.95) {
        caption->red = is_red(s->card.suit);
        snprintf(caption->text, DRAW_CAPTION, colours[dice_pick(state, 2)],
                 caption->red ? "red" : "black");
    } else {
        snprintf(caption->text, DRAW_CAPTION, "%s", cards[dice_pick(state, 3)]);
    }
}

static void empty_caption(uint64_t *state, struct draw_caption *caption)
{
    static const char *const wordings[] = {"nothing",
                                           "an empty background",
                                           "an empty table",
                                           "an empty picture",
                                           "a background with nothing on it",
                                           "a table with nothing on it",
                                           "a photo of nothing",
                                           "a picture of an empty background"};

    *caption = (struct draw_caption){.empty = true};
    strcpy(caption->text, wordings[dice_pick(state, (int)(sizeof wordings / sizeof wordings[0]))]);
}

void draw_caption(const struct draw_scene *s, uint64_t *state, struct draw_caption *caption)
{
    memset(caption, 0, sizeof *caption);
    if (s->has_card) {
        card_caption(s, state, caption);
    } else if (s->n == 0) {
        empty_caption(state, caption);
    } else {
        shape_caption(s, state, caption);
    }
}

void draw_full_caption(const struct draw_scene *s, uint64_t *state, struct draw_caption *caption)
{
    do {
        draw_caption(s, state, caption);
    } while (draw_is_vague(caption));
}

bool draw_is_vague(const struct draw_caption *caption)
{
    return caption->card ? caption->rank < 0 || caption->suit < 0
                         : !caption->empty && (caption->colour < 0 || caption->shape < 0);
}

bool draw_is_true(const struct draw_caption *caption, const struct draw_scene *s)
{
    if (caption->empty) {
        return !s->has_card && s->n == 0;
    }
    if (caption->card) {
        return s->has_card && (caption->rank < 0 || caption->rank == s->card.rank) &&
               (caption->suit < 0 || caption->suit == s->card.suit) &&
               (caption->red < 0 || (caption->red != 0) == is_red(s->card.suit));
    }
    for (int i = 0; i < s->n; i++) {
        if ((caption->colour < 0 || caption->colour == s->items[i].colour) &&
            (caption->shape < 0 || caption->shape == s->items[i].shape)) {
            return true;
        }
    }
    return false;
}
