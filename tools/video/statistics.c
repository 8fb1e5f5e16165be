/* statistics.c - the two statistics of a stream of embeddings, as options and as JSON. */
#include "statistics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/base.h"
#include "../cli/json_put.h"

struct statistics {
    struct statistics_options options;
    size_t n_sources, dim;
    struct changes **changes;   /* [n_sources], NULL each where not wanted */
    struct outliers **outliers; /* the same */
    struct changes_result changes_result;
    struct outliers_result outliers_result;
};

/* ---- Settings -------------------------------------------------------------------------------- */

/* One name and where its value goes: one of the three. */
struct setting {
    const char *name;
    double *number;
    size_t *count;
    enum changes_strategy *strategy;
};

static bool read_strategy(const char *text, size_t length, enum changes_strategy *to)
{
    static const struct {
        const char *name;
        enum changes_strategy strategy;
    } names[] = {
        {"ema", CHANGES_EMA},
        {"sma", CHANGES_SMA},
        {"window", CHANGES_WINDOW},
        {"Exponential Moving Average (EMA)", CHANGES_EMA},
        {"Simple Moving Average (SMA)", CHANGES_SMA},
        {"Sliding Window", CHANGES_WINDOW},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == length && strncasecmp(names[i].name, text, length) == 0) {
            *to = names[i].strategy;
            return true;
        }
    }
    return false;
}

/* `text` up to its next comma or end, of which there is one at text + length. */
static bool read_value(const struct setting *s, const char *text, size_t length)
{
    char *end;

    if (s->strategy != NULL) {
        return read_strategy(text, length, s->strategy);
    }
    if (text[0] < '.' || text[0] > '9') { /* no blanks, signs, "nan" */
        return false;
    }
    if (s->number != NULL) {
        *s->number = strtod(text, &end);
    } else {
        unsigned long long n = strtoull(text, &end, 10);
        *s->count = n < 1000000000 ? (size_t)n : 1000000000; /* more is more than the frames */
    }
    return end == text + length;
}

/* settings: ends with a NULL name. */
static int read_settings(const char *text, const struct setting *settings)
{
    for (const char *p = text; p != NULL && *p != '\0';) {
        size_t whole = strcspn(p, ","), name = strcspn(p, "=,");
        const struct setting *s = settings;
        while (s->name != NULL && (strlen(s->name) != name || strncmp(s->name, p, name) != 0)) {
            s++;
        }
        if (s->name == NULL) {
            return base_fail(CLIPC_ERROR_ARGUMENT, "no setting has the name '%.*s'", (int)name, p);
        }
        if (name == whole || !read_value(s, p + name + 1, whole - name - 1)) {
            return base_fail(CLIPC_ERROR_ARGUMENT, "wrong value: '%.*s'", (int)whole, p);
        }
        p += whole + (p[whole] == ',');
    }
    return CLIPC_OK;
}

static int verdict(const char *wrong)
{
    return wrong == NULL ? CLIPC_OK : base_fail(CLIPC_ERROR_ARGUMENT, "%s", wrong);
}

int statistics_read_changes(const char *text, struct changes_options *options)
{
    const struct setting settings[] = {
        {"strategy", NULL, NULL, &options->strategy},
        {"threshold_percentile", &options->threshold_percentile, NULL, NULL},
        {"warmup", NULL, &options->warmup, NULL},
        {"smoothing_factor", &options->smoothing_factor, NULL, NULL},
        {"window_size", NULL, &options->window_size, NULL},
        {NULL, NULL, NULL, NULL}};

    *options = changes_defaults;
    int status = read_settings(text, settings);
    return status != CLIPC_OK ? status : verdict(changes_wrong(options));
}

int statistics_read_outliers(const char *text, struct outliers_options *options)
{
    const struct setting settings[] = {
        {"threshold_percentile", &options->threshold_percentile, NULL, NULL},
        {"warmup", NULL, &options->warmup, NULL},
        {"window_size", NULL, &options->window_size, NULL},
        {NULL, NULL, NULL, NULL}};

    *options = outliers_defaults;
    int status = read_settings(text, settings);
    return status != CLIPC_OK ? status : verdict(outliers_wrong(options));
}

/* ---- Sources --------------------------------------------------------------------------------- */

struct statistics *statistics_new(const struct statistics_options *options, size_t n_sources,
                                  size_t dim)
{
    struct statistics *s = calloc(1, sizeof *s);

    if (s == NULL) {
        return NULL;
    }
    s->options = *options;
    s->n_sources = n_sources;
    s->dim = dim;
    s->changes = calloc(n_sources, sizeof *s->changes);
    s->outliers = calloc(n_sources, sizeof *s->outliers);
    bool good = s->changes != NULL && s->outliers != NULL;
    for (size_t i = 0; good && i < n_sources; i++) {
        s->changes[i] = options->changes ? changes_new(&options->changes_options, dim) : NULL;
        s->outliers[i] = options->outliers ? outliers_new(&options->outliers_options, dim) : NULL;
        good = (s->changes[i] != NULL || !options->changes) &&
               (s->outliers[i] != NULL || !options->outliers);
    }
    if (!good) {
        statistics_free(s);
        return NULL;
    }
    return s;
}

void statistics_free(struct statistics *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; s->changes != NULL && s->outliers != NULL && i < s->n_sources; i++) {
        changes_free(s->changes[i]);
        outliers_free(s->outliers[i]);
    }
    free(s->changes);
    free(s->outliers);
    free(s);
}

struct statistics_result statistics_add(struct statistics *s, size_t source, const float *embedding)
{
    struct statistics_result r = {0};

    if (s->options.changes && changes_add(s->changes[source], embedding, &s->changes_result)) {
        r.changes = &s->changes_result;
    }
    if (s->options.outliers && outliers_add(s->outliers[source], embedding, &s->outliers_result)) {
        r.outliers = &s->outliers_result;
    }
    return r;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *truth(bool x)
{
    return x ? "true" : "false";
}

static void put_vector(FILE *f, const char *key, const double *x, size_t dim)
{
    fprintf(f, ", \"%s\": ", key);
    for (size_t i = 0; i < dim; i++) {
        fputs(i == 0 ? "[" : ", ", f);
        json_put_float(f, x[i]);
    }
    fputs("]", f);
}

static void put_changes(FILE *f, const struct changes_result *r, size_t dim)
{
    if (r == NULL) {
        fputs("null", f);
        return;
    }
    fprintf(f, "{\"is_outlier\": %s, \"percentile\": ", truth(r->is_outlier));
    json_put_float(f, r->percentile);
    fputs(", \"z_score\": ", f);
    json_put_float(f, r->z_score);
    put_vector(f, "average", r->average, dim);
    put_vector(f, "std", r->std, dim);
    fprintf(f, ", \"warming_up\": %s}", truth(r->warming_up));
}

static void put_outliers(FILE *f, const struct outliers_result *r)
{
    if (r == NULL) {
        fputs("null", f);
        return;
    }
    fprintf(f, "{\"is_outlier\": %s, \"percentile\": ", truth(r->is_outlier));
    json_put_float(f, r->percentile);
    fprintf(f, ", \"warming_up\": %s}", truth(r->warming_up));
}

void statistics_put(FILE *f, const struct statistics *s, const struct statistics_result *result)
{
    if (s->options.changes) {
        fputs(", \"changes\": ", f);
        put_changes(f, result->changes, s->dim);
    }
    if (s->options.outliers) {
        fputs(", \"outliers\": ", f);
        put_outliers(f, result->outliers);
    }
}
