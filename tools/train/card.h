/* card.h - playing cards of the drawn world: 52 faces in several layouts, lying somewhere in a
 * picture.
 *
 * A card's own coordinates: u to the right from -0.5 to 0.5, v down from -0.7 to 0.7. */
#ifndef CLIPC_TRAIN_CARD_H
#define CLIPC_TRAIN_CARD_H

#include <stdbool.h>
#include <stdint.h>

enum { CARD_RANKS = 13, CARD_SUITS = 4 };
extern const char *const card_ranks[CARD_RANKS]; /* "ace", "two", ... "king" */
extern const char *const card_suits[CARD_SUITS]; /* "spades", "hearts", "diamonds", "clubs" */

enum card_layout {
    CARD_PIPS,    /* as many suits as the rank says; a framed letter for jack, queen and king */
    CARD_BIG,     /* an index in two corners and one large suit */
    CARD_CORNERS, /* large indices in two corners, nothing else */
    CARD_LAYOUTS
};

/* How ranks are written: the pen, and the letters' shape. */
struct rank_style {
    double pen;    /* width of the stroke, of a letter's height */
    double aspect; /* a letter's width over its height */
    double slant;  /* how far the top leans to the right, of its height */
};

struct card {
    int rank, suit;
    enum card_layout layout;
    struct rank_style style;
    double paper[3], ink[3];
    double x, y, height;      /* centre and height in units of the picture's side */
    double angle, turn[2];    /* its turn; cosine and sine of it */
    double tilt[2];           /* perspective along u and v */
    double cover[3], skin[3]; /* a thing that lies on it: centre (u, v) and radius; its colour */
};

/* A card of the given face (negative: any) as `state` decides. */
void card_make(struct card *card, uint64_t *state, int rank, int suit);

/* For the beginning of training: hard 1 changes nothing, 0 makes it upright, central and bare. */
void card_ease(struct card *card, double hard);

/* What the card puts over rgb, the picture's colour at (x, y) of the unit square: itself, its
 * shadow, or nothing. */
void card_sample(const struct card *card, double x, double y, double rgb[3]);

/* Is (x, y), from the centre of a letter of height 1, y down, on a stroke of the rank?  rank.c */
bool rank_inside(int rank, const struct rank_style *style, double x, double y);

#endif
