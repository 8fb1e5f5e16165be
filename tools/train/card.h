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

/* How ranks are written: by a font or with a pen, and the letters' shape. */
struct rank_style {
    int font;      /* of font.h; -1: the pen */
    double pen;    /* width of the stroke, of a letter's height */
    double aspect; /* a letter's width over its height */
    double slant;  /* how far the top leans to the right, of its height */
};

struct card {
    int rank, suit;
    enum card_layout layout;
    struct rank_style style;
    int suit_font;        /* that draws the suits; -1: our own */
    double index, radius; /* an index's height, the large suit's radius, in the card's width */
    double edge;          /* width of a dark line along the edges; 0: none */
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

/* What is to be seen of the card at a point of the unit square. */
enum card_mark {
    CARD_NOTHING,
    CARD_SHADOW,
    CARD_COVER, /* what lies on it */
    CARD_PAPER,
    CARD_EDGE,
    CARD_FRAME, /* of jack, queen and king */
    CARD_RANK,
    CARD_SUIT
};
enum card_mark card_mark(const struct card *card, double x, double y);

/* Is (x, y), from the centre of a letter of height 1, y down, on a stroke of the rank?  rank.c */
bool rank_inside(int rank, const struct rank_style *style, double x, double y);

#endif
