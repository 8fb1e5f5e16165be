/* moments.c - what stands out of a row of cosines, and from where to where. */
#include "moments.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../src/base/base.h"

/* Standard deviations that noise alone does not reach among ten thousand frames. */
#define SURE 4.0

struct search {
    const struct moments_options *options;
    const double *cosines, *times; /* [n] */
    size_t n;
    double *smoothed; /* [n] */
    double *sorted;   /* [n], the smoothed from the lowest on */
    size_t *order;    /* [n], frames, the highest smoothed cosine first */
    bool *taken;      /* [n], in a moment, or a slope */
    struct moment *moments;
    size_t n_moments, room;
    double ground, least; /* least: the lowest peak of a moment */
};

static int smooth(struct search *s)
{
    size_t half = (size_t)s->options->smooth / 2; /* on each side */
    double *sums = malloc((s->n + 1) * sizeof *sums);

    if (sums == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for %zu frames", s->n);
    }
    sums[0] = 0;
    for (size_t i = 0; i < s->n; i++) {
        sums[i + 1] = sums[i] + s->cosines[i];
    }
    for (size_t i = 0; i < s->n; i++) {
        size_t first = i > half ? i - half : 0, end = s->n - i > half ? i + half + 1 : s->n;
        s->smoothed[i] = (sums[end] - sums[first]) / (double)(end - first);
    }
    free(sums);
    return CLIPC_OK;
}

/* ---- The ground ------------------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of a sorted row; n > 0. */
static double median(const double *x, size_t n)
{
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

/* The median of the distances of a sorted row from `middle`, as the standard deviation that normal
 * noise of that kind has.  x becomes the distances, sorted. */
static double deviation(double *x, size_t n, double middle)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = fabs(x[i] - middle);
    }
    qsort(x, n, sizeof *x, by_value);
    return 1.4826 * median(x, n);
}

struct groups {
    double low, high, within; /* means of the two, and the standard deviation in them */
    double low_within;        /* of the lower one */
};

/* The split of a sorted row that leaves the least variance within both parts. */
static struct groups split(const double *x, size_t n)
{
    double sum = 0, squares = 0, left = 0, left_squares = 0, least = INFINITY;
    struct groups g = {0};

    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        squares += x[i] * x[i];
    }
    for (size_t i = 1; i < n; i++) {
        left += x[i - 1];
        left_squares += x[i - 1] * x[i - 1];
        double a = (double)i, b = (double)(n - i), right = sum - left;
        double in_left = fmax(left_squares - left * left / a, 0);
        double in_right = fmax(squares - left_squares - right * right / b, 0);
        if (in_left + in_right < least) {
            least = in_left + in_right;
            g = (struct groups){.low = left / a,
                                .high = right / b,
                                .within = sqrt(least / (double)n),
                                .low_within = sqrt(in_left / a)};
        }
    }
    return g;
}

static void find_ground(struct search *s)
{
    const struct moments_options *o = s->options;
    bool ranged = o->low < o->high;
    double tenth = ranged ? (o->high - o->low) / 10 : 0.02, noise;
    struct groups g = split(s->sorted, s->n);

    if (s->n > 1 && g.high - g.low >= fmax(SURE * g.within, tenth)) {
        s->ground = g.low;
        noise = g.low_within;
    } else {
        s->ground = median(s->sorted, s->n);
        noise = deviation(s->sorted, s->n, s->ground);
    }
    if (ranged && s->ground >= (o->low + o->high) / 2) {
        s->ground = o->low;
        noise = 0;
    }
    s->least = s->ground + fmax(SURE * noise, tenth);
    s->least = ranged ? fmax(s->least, o->low + tenth) : s->least;
}

/* ---- Moments --------------------------------------------------------------------------------- */

static int add(struct search *s, size_t first, size_t last)
{
    if (s->n_moments == s->room) {
        size_t room = 2 * s->room + 16;
        struct moment *moments = realloc(s->moments, room * sizeof *moments);
        if (moments == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "out of memory for %zu moments", room);
        }
        s->moments = moments;
        s->room = room;
    }
    s->moments[s->n_moments++] = (struct moment){.first = first, .last = last};
    return CLIPC_OK;
}

/* The frames around `peak` that keep half its rise become a moment. */
static int grow(struct search *s, size_t peak)
{
    double level = s->ground + (s->smoothed[peak] - s->ground) / 2;
    size_t first = peak, last = peak;

    while (first > 0 && !s->taken[first - 1] && s->smoothed[first - 1] >= level) {
        first--;
    }
    while (last + 1 < s->n && !s->taken[last + 1] && s->smoothed[last + 1] >= level) {
        last++;
    }
    for (size_t i = first; i <= last; i++) {
        s->taken[i] = true;
    }
    return add(s, first, last);
}

static int by_peaks(struct search *s)
{
    int status = CLIPC_OK;

    for (size_t k = 0; status == CLIPC_OK && k < s->n; k++) {
        size_t i = s->order[k];
        if (s->smoothed[i] < s->least) {
            break;
        }
        if (s->taken[i]) {
            continue;
        }
        if ((i > 0 && s->taken[i - 1]) || (i + 1 < s->n && s->taken[i + 1])) {
            s->taken[i] = true; /* a slope */
        } else {
            status = grow(s, i);
        }
    }
    return status;
}

static int by_threshold(struct search *s)
{
    int status = CLIPC_OK;

    for (size_t i = 0, end; status == CLIPC_OK && i < s->n; i = end) {
        for (end = i; end < s->n && s->smoothed[end] >= s->options->threshold; end++) {
        }
        if (end > i) {
            status = add(s, i, end - 1);
        } else {
            end = i + 1;
        }
    }
    return status;
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

/* In order of time, near ones joined, short ones dropped, the rest looked at. */
static void tidy(struct search *s)
{
    size_t n = 0, kept = 0;

    if (s->n_moments > 0) {
        qsort(s->moments, s->n_moments, sizeof *s->moments, by_time);
    }
    for (size_t i = 0; i < s->n_moments; i++) {
        struct moment *last = n > 0 ? &s->moments[n - 1] : NULL, m = s->moments[i];
        if (last != NULL && (m.first == last->last + 1 ||
                             s->times[m.first] - s->times[last->last] < s->options->gap)) {
            last->last = m.last;
        } else {
            s->moments[n++] = m;
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct moment m = s->moments[i];
        m.best = m.first;
        m.score = 0;
        for (size_t k = m.first; k <= m.last; k++) {
            m.best = s->cosines[k] > s->cosines[m.best] ? k : m.best;
            m.score += s->cosines[k] / (double)(m.last - m.first + 1);
        }
        if (s->times[m.last] - s->times[m.first] >= s->options->min_duration - 1e-6) {
            s->moments[kept++] = m;
        }
    }
    s->n_moments = kept;
}

/* ---- All of it ------------------------------------------------------------------------------- */

struct place {
    double value;
    size_t frame;
};

static int highest_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->value != y->value ? (x->value < y->value) - (x->value > y->value)
                                : (x->frame > y->frame) - (x->frame < y->frame);
}

/* s->sorted and s->order of the smoothed cosines. */
static int sort(struct search *s)
{
    struct place *places = malloc(s->n * sizeof *places);

    if (places == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for %zu frames", s->n);
    }
    for (size_t i = 0; i < s->n; i++) {
        places[i] = (struct place){s->smoothed[i], i};
    }
    qsort(places, s->n, sizeof *places, highest_first);
    for (size_t i = 0; i < s->n; i++) {
        s->order[i] = places[i].frame;
        s->sorted[s->n - 1 - i] = places[i].value;
    }
    free(places);
    return CLIPC_OK;
}

int moments_find(const struct moments_options *options, const double *cosines, const double *times,
                 size_t n, struct moment **moments, size_t *n_moments)
{
    struct search s = {.options = options, .cosines = cosines, .times = times, .n = n};
    int status = CLIPC_OK;

    *moments = NULL;
    *n_moments = 0;
    if (n == 0) {
        return CLIPC_OK;
    }
    s.smoothed = malloc(2 * n * sizeof *s.smoothed);
    s.order = malloc(n * sizeof *s.order);
    s.taken = calloc(n, sizeof *s.taken);
    if (s.smoothed == NULL || s.order == NULL || s.taken == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory for %zu frames", n);
    } else {
        s.sorted = s.smoothed + n;
        status = smooth(&s);
    }
    if (status == CLIPC_OK && isnan(options->threshold) && (status = sort(&s)) == CLIPC_OK) {
        find_ground(&s);
        status = by_peaks(&s);
    } else if (status == CLIPC_OK) {
        status = by_threshold(&s);
    }
    if (status == CLIPC_OK) {
        tidy(&s);
        *moments = s.moments;
        *n_moments = s.n_moments;
    } else {
        free(s.moments);
    }
    free(s.smoothed);
    free(s.order);
    free(s.taken);
    return status;
}
