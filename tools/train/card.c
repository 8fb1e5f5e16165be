/* card.c - playing cards: what they look like, drawn at random, and which mark of the face is at
 * a point. Everything is a formula of (u, v), so a card can be seen at any size and angle. */
#include "card.h"

#include <math.h>
#include <string.h>

#include "dice.h"
#include "font.h"

const char *const card_ranks[CARD_RANKS] = {"ace",  "two",   "three", "four", "five",
                                            "six",  "seven", "eight", "nine", "ten",
                                            "jack", "queen", "king"};
const char *const card_suits[CARD_SUITS] = {"spades", "hearts", "diamonds", "clubs"};

enum { SPADES, HEARTS, DIAMONDS, CLUBS };

static void make_colours(struct card *c, uint64_t *state)
{
    bool red = c->suit == HEARTS || c->suit == DIAMONDS;
    double white = dice_between(state, 0.88, 1), warm = dice_between(state, 0, 0.06);

    for (int i = 0; i < 3; i++) {
        c->paper[i] = white - warm * i;
        c->ink[i] = red ? (i == 0 ? dice_between(state, 0.7, 0.9) : dice_between(state, 0, 0.16))
                        : dice_between(state, 0, 0.14);
        c->skin[i] = dice_between(state, 0.1, 0.9);
    }
}

static void set_turn(struct card *c)
{
    c->turn[0] = cos(c->angle);
    c->turn[1] = sin(c->angle);
}

void card_ease(struct card *c, double hard)
{
    c->angle *= hard;
    set_turn(c);
    c->height += (1 - hard) * (0.95 - c->height);
    c->x = 0.5 + hard * (c->x - 0.5);
    c->y = 0.5 + hard * (c->y - 0.5);
    c->tilt[0] *= hard;
    c->tilt[1] *= hard;
    c->cover[2] *= hard;
}

/* Half of the ranks are written by a font, and two suits of five; with strokes where there are no
 * fonts. */
static void make_style(struct card *c, uint64_t *state)
{
    static const double index[CARD_LAYOUTS][2] = {{0.13, 0.17}, {0.14, 0.25}, {0.22, 0.33}};
    bool font = dice_uniform(state) < 0.5, suit_font = dice_uniform(state) < 0.4;
    int rank_face = dice_pick(state, FONT_FACES);

    c->style = (struct rank_style){.font = font && font_is_there(rank_face) ? rank_face : -1,
                                   .pen = dice_between(state, 0.1, 0.25),
                                   .aspect = dice_between(state, 0.5, 0.8),
                                   .slant = dice_between(state, -0.08, 0.16)};
    double which = dice_uniform(state);
    c->suit_font = suit_font ? font_with_suits(which) : -1;
    c->index = dice_between(state, index[c->layout][0], index[c->layout][1]);
    c->radius = dice_between(state, 0.2, 0.3);
    c->edge = dice_uniform(state) < 0.3 ? dice_between(state, 0.004, 0.014) : 0;
}

void card_make(struct card *c, uint64_t *state, int rank, int suit)
{
    double side = dice_uniform(state) < 0.5 ? -1 : 1;

    memset(c, 0, sizeof *c);
    c->rank = dice_pick(state, CARD_RANKS);
    c->suit = dice_pick(state, CARD_SUITS);
    c->rank = rank >= 0 ? rank : c->rank;
    c->suit = suit >= 0 ? suit : c->suit;
    c->layout = (enum card_layout)dice_pick(state, CARD_LAYOUTS);
    make_style(c, state);
    make_colours(c, state);
    c->height = dice_between(state, 0.66, 0.95);
    c->angle = dice_between(state, -0.5, 0.5);
    c->x = 0.5 + dice_between(state, -0.08, 0.08);
    c->y = 0.5 + dice_between(state, -0.5, 0.5) * (0.97 - c->height);
    set_turn(c);
    c->tilt[0] = dice_between(state, -0.18, 0.18);
    c->tilt[1] = dice_between(state, -0.18, 0.18);
    /* What lies on it never covers the two corners with an index. */
    c->cover[0] = side * dice_between(state, 0.42, 0.6);
    c->cover[1] = -side * dice_between(state, 0.3, 0.75);
    c->cover[2] = dice_uniform(state) < 0.25 ? dice_between(state, 0.12, 0.3) : 0;
}

/* ---- Suits: insides of curves of radius about 1, y down ------------------------------------- */

static bool disc(double x, double y, double cx, double cy, double r)
{
    return (x - cx) * (x - cx) + (y - cy) * (y - cy) <= r * r;
}

static bool heart(double x, double y)
{
    double u = 1.2 * x, v = -1.2 * y + 0.15, t = u * u + v * v - 1;

    return t * t * t - u * u * v * v * v <= 0;
}

/* The foot of spades and clubs: narrow above, wide below. */
static bool stem(double x, double y)
{
    return y > 0.2 && y < 1 && fabs(x) < 0.07 + 0.35 * (y - 0.2) * (y - 0.2);
}

static bool suit_inside(const struct card *c, double x, double y)
{
    if (x * x + y * y > 1.7) {
        return false;
    }
    if (c->suit_font >= 0) {
        return font_suit_inside(c->suit_font, c->suit, x, y);
    }
    switch (c->suit) {
    case SPADES:
        return heart(1.05 * x, -1.05 * (y + 0.12)) || stem(x, y);
    case HEARTS:
        return heart(x, y);
    case DIAMONDS:
        return fabs(x) / 0.75 + fabs(y) <= 1;
    default:
        return disc(x, y, 0, -0.5, 0.44) || disc(x, y, -0.48, 0.18, 0.44) ||
               disc(x, y, 0.48, 0.18, 0.44) || disc(x, y, 0, 0, 0.2) || stem(x, y);
    }
}

/* A suit of radius r at (u, v) of the card, upside down in the card's lower half. */
static bool pip(const struct card *c, double u, double v, double at_u, double at_v, double r)
{
    double x = (u - at_u) / r, y = (v - at_v) / r;

    return suit_inside(c, x, at_v > 0.01 ? -y : y);
}

/* ---- Faces --------------------------------------------------------------------------------- */

/* Pips of ace to ten: column (-1, 0, 1) and row (-1 .. 1), the usual places. */
static const struct {
    int n;
    double at[10][2];
} pips[10] = {
    {1, {{0, 0}}},
    {2, {{0, -1}, {0, 1}}},
    {3, {{0, -1}, {0, 0}, {0, 1}}},
    {4, {{-1, -1}, {1, -1}, {-1, 1}, {1, 1}}},
    {5, {{-1, -1}, {1, -1}, {0, 0}, {-1, 1}, {1, 1}}},
    {6, {{-1, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {1, 1}}},
    {7, {{-1, -1}, {1, -1}, {0, -.5}, {-1, 0}, {1, 0}, {-1, 1}, {1, 1}}},
    {8, {{-1, -1}, {1, -1}, {0, -.5}, {-1, 0}, {1, 0}, {0, .5}, {-1, 1}, {1, 1}}},
    {9, {{-1, -1}, {1, -1}, {-1, -.33}, {1, -.33}, {0, 0}, {-1, .33}, {1, .33}, {-1, 1}, {1, 1}}},
    {10,
     {{-1, -1},
      {1, -1},
      {0, -.67},
      {-1, -.33},
      {1, -.33},
      {-1, .33},
      {1, .33},
      {0, .67},
      {-1, 1},
      {1, 1}}},
};

static enum card_mark court(const struct card *c, double u, double v)
{
    bool frame = fabs(fabs(u) - 0.27) < 0.008 && fabs(v) < 0.528;

    frame |= fabs(fabs(v) - 0.52) < 0.008 && fabs(u) < 0.278;
    if (frame) {
        return CARD_FRAME;
    }
    if (rank_inside(c->rank, &c->style, u / 0.5, v / 0.5)) {
        return CARD_RANK;
    }
    return pip(c, u, v, -0.18, -0.42, 0.07) || pip(c, u, v, 0.18, 0.42, 0.07) ? CARD_SUIT
                                                                              : CARD_PAPER;
}

static enum card_mark middle(const struct card *c, double u, double v)
{
    if (c->layout == CARD_CORNERS) {
        return CARD_PAPER;
    }
    if (c->layout == CARD_BIG) {
        return pip(c, u, v, 0, 0, c->radius) ? CARD_SUIT : CARD_PAPER;
    }
    if (c->rank >= 10) {
        return court(c, u, v);
    }
    for (int i = 0; i < pips[c->rank].n; i++) {
        if (pip(c, u, v, 0.2 * pips[c->rank].at[i][0], 0.48 * pips[c->rank].at[i][1],
                c->rank == 0 ? 0.24 : 0.1)) {
            return CARD_SUIT;
        }
    }
    return CARD_PAPER;
}

/* The rank and below it the suit, in the upper left corner of a card that is turned upright. */
static enum card_mark corner(const struct card *c, double u, double v)
{
    double size = c->index, top = -0.66;
    double at = -0.48 + 0.42 * size + (c->rank == 9 ? 0.1 * size : 0);

    if (u > at + size || v > top + 2 * size) {
        return CARD_PAPER;
    }
    if (rank_inside(c->rank, &c->style, (u - at) / size, (v - top - size / 2) / size)) {
        return CARD_RANK;
    }
    return suit_inside(c, (u - at) / (0.36 * size), (v - top - 1.5 * size) / (0.36 * size))
               ? CARD_SUIT
               : CARD_PAPER;
}

/* On a card of 1 by 1.4 with round corners, and not within `edge` of its edges? */
static bool on_card(double edge, double u, double v)
{
    const double r = 0.06 - edge;
    double du = fabs(u) - 0.44, dv = fabs(v) - 0.64;

    return du <= r && dv <= r && (du <= 0 || dv <= 0 || du * du + dv * dv <= r * r);
}

enum card_mark card_mark(const struct card *c, double x, double y)
{
    double scale = c->height / 1.4, dx = (x - c->x) / scale, dy = (y - c->y) / scale;
    double u = dx * c->turn[0] + dy * c->turn[1], v = dy * c->turn[0] - dx * c->turn[1];
    double w = 1 + c->tilt[0] * u + c->tilt[1] * v;

    u /= w;
    v /= w;
    if (c->cover[2] > 0 && disc(u, v, c->cover[0], c->cover[1], c->cover[2])) {
        return CARD_COVER;
    }
    if (!on_card(0, u, v)) {
        return on_card(0, u - 0.03, v - 0.04) ? CARD_SHADOW : CARD_NOTHING;
    }
    if (!on_card(c->edge, u, v)) {
        return CARD_EDGE;
    }
    enum card_mark mark = middle(c, u, v);
    mark = mark == CARD_PAPER ? corner(c, u, v) : mark;
    return mark == CARD_PAPER ? corner(c, -u, -v) : mark;
}
