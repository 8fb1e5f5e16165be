/* stored_read.c - vectors of frames and the lines beside them, checked against one another. */
#include "stored.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/npy.h"
#include "config.h"

#if HAVE_JANSSON
#include <jansson.h>

#include "../cli/lines.h"

enum { MOST_SOURCES = 4096 };

struct reading {
    struct stored *stored;
    const char *name; /* of the file of lines */
    const char *hash; /* the model's */
    const clipc_model *model;
    size_t number; /* of the line */
};

static int bad(const struct reading *r, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: line %zu %s", r->name, r->number, why);
}

/* The place of a source's name, which is added where it is new. */
static int find_source(struct reading *r, const char *name, size_t *place)
{
    struct stored *s = r->stored;

    for (*place = 0; *place < s->n_sources; ++*place) {
        if (strcmp(s->sources[*place], name) == 0) {
            return CLIPC_OK;
        }
    }
    if (s->n_sources == MOST_SOURCES) {
        return base_fail(CLIPC_ERROR_LIMIT, "%s: more than %d sources", r->name, MOST_SOURCES);
    }
    char **sources = realloc(s->sources, (s->n_sources + 1) * sizeof *sources);
    char *copy = sources != NULL ? strdup(name) : NULL;
    s->sources = sources != NULL ? sources : s->sources;
    if (copy == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", r->name);
    }
    s->sources[s->n_sources++] = copy;
    return CLIPC_OK;
}

static int check_model(const struct reading *r, const char *hash)
{
    struct clipc_model_info info = {.size = sizeof info};

    if (hash == NULL) {
        return bad(r, "has no \"model\"");
    }
    if (strcmp(hash, r->hash) == 0) {
        return CLIPC_OK;
    }
    clipc_model_info(r->model, &info);
    return base_fail(CLIPC_ERROR_ARGUMENT,
                     "%s: line %zu: the vectors are of another model (SHA-256 %.12s...) than %s "
                     "(%.12s...): name theirs with -m",
                     r->name, r->number, hash, info.name, r->hash);
}

static int take_frame(struct reading *r, const json_t *line)
{
    const char *source = json_string_value(json_object_get(line, "source"));
    const char *path = json_string_value(json_object_get(line, "path"));
    const json_t *number = json_object_get(line, "frame"), *time;
    struct stored *s = r->stored;
    struct stored_frame f = {0};
    int status = check_model(r, json_string_value(json_object_get(line, "model")));

    if (status != CLIPC_OK) {
        return status;
    }
    time = json_object_get(line, "timestamp");
    f.time = json_number_value(time);
    if (source == NULL || !json_is_integer(number) || json_integer_value(number) < 0 ||
        !json_is_number(time) || !isfinite(f.time)) {
        return bad(r, "does not say \"source\", \"frame\" and \"timestamp\" of a frame");
    }
    f.number = (uint64_t)json_integer_value(number);
    status = find_source(r, source, &f.source);
    if (status == CLIPC_OK && s->n == s->room) {
        size_t room = 2 * s->room + 256;
        struct stored_frame *frames = realloc(s->frames, room * sizeof *frames);
        s->frames = frames != NULL ? frames : s->frames;
        s->room = frames != NULL ? room : s->room;
    }
    if (status == CLIPC_OK &&
        (s->n == s->room || (path != NULL && (f.path = strdup(path)) == NULL))) {
        status = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory for %zu lines", r->name, s->n);
    }
    if (status == CLIPC_OK) {
        s->frames[s->n++] = f;
    }
    return status;
}

static int read_lines(struct reading *r)
{
    struct lines *lines;
    const char *text;
    size_t length;
    int status = lines_open(r->name, LINES_TEXTS, &lines), got = 0;

    if (status != CLIPC_OK) {
        return status;
    }
    while (status == CLIPC_OK && (got = lines_next(lines, &text, &length)) > 0) {
        json_error_t error;
        json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        r->number = lines_number(lines);
        status = json_is_object(line) ? take_frame(r, line) : bad(r, "is not a JSON object");
        json_decref(line);
    }
    lines_close(lines);
    return got < 0 ? got : status;
}

/* Frames of one source in order of time. */
static int check_times(const struct reading *r)
{
    const struct stored *s = r->stored;
    double *last = calloc(s->n_sources + 1, sizeof *last);
    int status = last == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : CLIPC_OK;

    for (size_t i = 0; last != NULL && i < s->n_sources; i++) {
        last[i] = -INFINITY;
    }
    for (size_t i = 0; status == CLIPC_OK && i < s->n; i++) {
        const struct stored_frame *f = &s->frames[i];
        if (f->time < last[f->source]) {
            status = base_fail(CLIPC_ERROR_FORMAT, "%s: frame %llu of %s comes behind a later one",
                               r->name, (unsigned long long)f->number, s->sources[f->source]);
        }
        last[f->source] = f->time;
    }
    free(last);
    return status;
}
#endif

/* The array, which must have a row for each line. */
static int read_vectors(const char *path, const char *lines, struct stored *s)
{
    struct npy a;
    int status = npy_read(path, &a);

    if (status != CLIPC_OK) {
        return status;
    }
    if (a.n_dims != 2 || a.floats == NULL) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: holds no vectors, float32 [n, dim]", path);
    } else if (a.shape[1] != s->dim) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: vectors of %zu floats; the model's have %zu",
                           path, a.shape[1], s->dim);
    } else if (a.shape[0] != s->n) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: %zu rows, but %s has %zu lines", path,
                           a.shape[0], lines, s->n);
    }
    for (size_t i = 0; status == CLIPC_OK && i < a.count; i++) {
        if (!isfinite(a.floats[i])) {
            status = base_fail(CLIPC_ERROR_FORMAT, "%s: row %zu is not finite", path, i / s->dim);
        }
    }
    s->vectors = a.floats;
    a.floats = NULL;
    npy_free(&a);
    return status;
}

/* The likeliest mistakes: a wrong name, an array that came without its lines. */
static int check_there(const char *npy, const char *lines)
{
    if (access(npy, F_OK) != 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: %s", npy, strerror(errno));
    }
    if (access(lines, F_OK) != 0) {
        return base_fail(CLIPC_ERROR_IO,
                         "%s: %s; it says which frames the rows of %s are of, and comes with them "
                         "from clipc watch --embed",
                         lines, strerror(errno), npy);
    }
    return CLIPC_OK;
}

int stored_read(const char *npy, const clipc_model *model, struct stored *s)
{
    char hash[65], *lines = stored_lines(npy);
    int status = lines != NULL ? check_there(npy, lines) : CLIPC_ERROR_ARGUMENT;

    memset(s, 0, sizeof *s);
    s->dim = (size_t)clipc_dim(model);
    stored_hash(model, hash);
#if HAVE_JANSSON
    struct reading r = {.stored = s, .name = lines, .hash = hash, .model = model};
    if (status == CLIPC_OK) {
        status = read_lines(&r);
    }
    if (status == CLIPC_OK) {
        status = check_times(&r);
    }
#else
    status = base_fail(CLIPC_ERROR_UNSUPPORTED,
                       "this build has no JSON reader; install libjansson-dev and build again");
#endif
    if (status == CLIPC_OK) {
        status = read_vectors(npy, lines, s);
    }
    free(lines);
    return status;
}

void stored_free(struct stored *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->frames[i].path);
    }
    for (size_t i = 0; i < s->n_sources; i++) {
        free(s->sources[i]);
    }
    free(s->frames);
    free(s->sources);
    free(s->vectors);
    memset(s, 0, sizeof *s);
}
