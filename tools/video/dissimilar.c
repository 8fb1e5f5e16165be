/* dissimilar.c - candidates with all their distances, and a choice among them. */
#include "dissimilar.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/clipc.h"

struct dissimilar {
    size_t n, dim, room, used;
    float *vectors;   /* [room, dim], of length 1 */
    double *distance; /* [room, room] of those that are used */
    double *radius;   /* [room] */
    uint64_t *age;    /* [room], when it came */
    double *fresh;    /* [room], the distances of the vector that is looked at */
    float *vector;    /* [dim], that one */
    uint64_t seen;
};

int dissimilar_new(size_t n, size_t dim, struct dissimilar **out)
{
    struct dissimilar *s = calloc(1, sizeof *s);
    size_t room = DISSIMILAR_ROOM(n);

    *out = s;
    if (s == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->n = n;
    s->dim = dim;
    s->room = room;
    s->vectors = calloc(room + 1, dim * sizeof *s->vectors);
    s->distance = calloc(room + 3, room * sizeof *s->distance);
    s->age = calloc(room, sizeof *s->age);
    if (s->vectors == NULL || s->distance == NULL || s->age == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for %zu candidates", room);
    }
    s->vector = s->vectors + room * dim;
    s->radius = s->distance + room * room;
    s->fresh = s->radius + room;
    return CLIPC_OK;
}

void dissimilar_free(struct dissimilar *s)
{
    if (s != NULL) {
        free(s->vectors);
        free(s->distance);
        free(s->age);
        free(s);
    }
}

/* Of two vectors of length 1; exact for near ones, unlike the cosine. */
static double apart(const float *a, const float *b, size_t dim)
{
    double sum = 0;

    for (size_t i = 0; i < dim; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sqrt(sum);
}

static void put(struct dissimilar *s, size_t slot)
{
    memcpy(s->vectors + slot * s->dim, s->vector, s->dim * sizeof *s->vector);
    for (size_t i = 0; i < s->used; i++) {
        s->distance[slot * s->room + i] = s->distance[i * s->room + slot] = s->fresh[i];
    }
    s->distance[slot * s->room + slot] = 0;
    s->radius[slot] = 0;
    s->age[slot] = s->seen;
}

/* The two nearest candidates: the one that stays, and the one that is let go: it stands for what is
 * near, or it came later. */
static double nearest_two(const struct dissimilar *s, size_t *stays, size_t *goes)
{
    double least = INFINITY;
    size_t a = 0, b = 0;

    for (size_t i = 1; i < s->used; i++) {
        for (size_t k = 0; k < i; k++) {
            if (s->distance[i * s->room + k] < least) {
                least = s->distance[i * s->room + k];
                a = i;
                b = k;
            }
        }
    }
    bool first = s->radius[a] != s->radius[b] ? s->radius[a] > s->radius[b] : s->age[a] < s->age[b];
    *stays = first ? a : b;
    *goes = first ? b : a;
    return least;
}

long dissimilar_offer(struct dissimilar *s, const float *vector)
{
    size_t nearest = 0, stays = 0, slot = s->used;

    memcpy(s->vector, vector, s->dim * sizeof *vector);
    clipc_normalize(s->vector, 1, s->dim);
    s->seen++;
    for (size_t i = 0; i < s->used; i++) {
        s->fresh[i] = apart(s->vector, s->vectors + i * s->dim, s->dim);
        nearest = s->fresh[i] < s->fresh[nearest] ? i : nearest;
    }
    double least = s->used > 0 ? s->fresh[nearest] : INFINITY;
    if (!(least > 0) || (s->used == s->room && least <= nearest_two(s, &stays, &slot))) {
        s->radius[nearest] = fmax(s->radius[nearest], least);
        return -1;
    }
    if (s->used < s->room) {
        s->used++;
    } else {
        double to = s->distance[stays * s->room + slot];
        s->radius[stays] = fmax(s->radius[stays], to + s->radius[slot]);
    }
    put(s, slot);
    return (long)slot;
}

/* The slot that is farthest from the chosen ones; `away`: how far each is. */
static size_t farthest(const struct dissimilar *s, const double *away)
{
    size_t best = 0;

    for (size_t i = 1; i < s->used; i++) {
        best = away[i] > away[best] ? i : best;
    }
    return best;
}

/* One of the two that are farthest apart, the one that came first. */
static size_t first_choice(const struct dissimilar *s)
{
    double most = -1;
    size_t first = 0;

    for (size_t i = 0; i < s->used; i++) {
        for (size_t k = 0; k < i; k++) {
            if (s->distance[i * s->room + k] > most) {
                most = s->distance[i * s->room + k];
                first = s->age[i] < s->age[k] ? i : k;
            }
        }
    }
    return first;
}

size_t dissimilar_choose(struct dissimilar *s, struct dissimilar_choice *choices, double *cover)
{
    size_t n = s->n < s->used ? s->n : s->used;
    double *away = s->fresh, farthest_away = 0;

    for (size_t i = 0; i < s->used; i++) {
        away[i] = INFINITY;
    }
    for (size_t k = 0; k < n; k++) {
        size_t slot = k == 0 ? first_choice(s) : farthest(s, away);
        choices[k].slot = slot;
        for (size_t i = 0; i < s->used; i++) {
            away[i] = fmin(away[i], s->distance[slot * s->room + i]);
        }
    }
    for (size_t k = 0; k < n; k++) {
        double least = INFINITY;
        for (size_t j = 0; j < n; j++) {
            double d = s->distance[choices[k].slot * s->room + choices[j].slot];
            least = j != k ? fmin(least, d) : least;
        }
        choices[k].nearest = isfinite(least) ? 1 - least * least / 2 : NAN;
    }
    for (size_t i = 0; i < s->used; i++) {
        farthest_away = fmax(farthest_away, away[i] + s->radius[i]);
    }
    farthest_away = fmin(farthest_away, 2);
    *cover = 1 - farthest_away * farthest_away / 2;
    return n;
}
