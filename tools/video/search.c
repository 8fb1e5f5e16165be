/* search.c - each source's frames by themselves, then the moments of all in one order. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

struct search {
    const struct stored *stored;
    struct moments_options options;
    size_t *rows;            /* [n], those of the first source, of the second, ... */
    double *cosines, *times; /* [n], of one source's frames */
    struct moment *moments;  /* [n]: each has a frame of its own */
    size_t n;                /* moments */
};

/* s->rows; the order within each source stays.  next: [n_sources + 1], zeros. */
static void group(struct search *s, size_t *next)
{
    const struct stored *stored = s->stored;

    for (size_t i = 0; i < stored->n; i++) {
        next[stored->frames[i].source + 1]++;
    }
    for (size_t i = 0; i < stored->n_sources; i++) {
        next[i + 1] += next[i];
    }
    for (size_t i = 0; i < stored->n; i++) {
        s->rows[next[stored->frames[i].source]++] = i;
    }
}

int search_new(const struct stored *stored, const struct moments_options *options,
               struct search **out)
{
    struct search *s = calloc(1, sizeof *s);
    size_t *next = calloc(stored->n_sources + 1, sizeof *next);

    *out = s;
    if (s == NULL || next == NULL) {
        free(next);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    s->stored = stored;
    s->options = *options;
    s->rows = calloc(stored->n + 1, sizeof *s->rows);
    s->cosines = calloc(2 * stored->n + 1, sizeof *s->cosines);
    s->moments = calloc(stored->n + 1, sizeof *s->moments);
    if (s->rows == NULL || s->cosines == NULL || s->moments == NULL) {
        free(next);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for %zu frames", stored->n);
    }
    s->times = s->cosines + stored->n;
    group(s, next);
    free(next);
    return CLIPC_OK;
}

void search_free(struct search *s)
{
    if (s != NULL) {
        free(s->rows);
        free(s->cosines);
        free(s->moments);
        free(s);
    }
}

/* rows: [n], of one source. */
static int search_source(struct search *s, const float *vector, const size_t *rows, size_t n)
{
    const struct stored *stored = s->stored;
    struct moment *moments;
    size_t n_moments;

    for (size_t i = 0; i < n; i++) {
        const float *row = stored->vectors + rows[i] * stored->dim;
        s->cosines[i] = (double)clipc_cosine(row, vector, stored->dim);
        s->times[i] = stored->frames[rows[i]].time;
    }
    int status = moments_find(&s->options, s->cosines, s->times, n, &moments, &n_moments);
    for (size_t i = 0; i < n_moments; i++) {
        struct moment m = moments[i];
        m.first = rows[m.first];
        m.last = rows[m.last];
        m.best = rows[m.best];
        s->moments[s->n++] = m;
    }
    free(moments);
    return status;
}

static int best_first(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->first > y->first) - (x->first < y->first);
}

int search_run(struct search *s, const float *vector, const struct moment **moments, size_t *n)
{
    const struct stored *stored = s->stored;
    int status = CLIPC_OK;

    s->n = 0;
    for (size_t i = 0, end; status == CLIPC_OK && i < stored->n; i = end) {
        size_t source = stored->frames[s->rows[i]].source;
        for (end = i; end < stored->n && stored->frames[s->rows[end]].source == source; end++) {
        }
        status = search_source(s, vector, s->rows + i, end - i);
    }
    if (s->n > 0) {
        qsort(s->moments, s->n, sizeof *s->moments, best_first);
    }
    *moments = s->moments;
    *n = s->n;
    return status;
}
