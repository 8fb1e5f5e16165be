/* Changes and outliers in a stream of embeddings: what the formulas mean at their edges.  The
 * figures themselves are held against NumPy by test_changes_oracle.py, which starts this program as
 *     test_changes changes STRATEGY THRESHOLD WARMUP FACTOR WINDOW DIM < floats
 *     test_changes outliers THRESHOLD WARMUP WINDOW DIM < floats
 * and reads doubles: is_outlier, warming_up, percentile (z_score, average, std) of each row. */
#include "../src/clipc.h"
#include "../tools/video/changes.h"
#include "../tools/video/outliers.h"
#include "../tools/video/statistics.h"
#include "../tools/video/unit.h"
#include "check.h"

enum { DIM = 32 };

static void put(double value)
{
    fwrite(&value, sizeof value, 1, stdout);
}

static int feed_changes(char **argv)
{
    struct changes_options options = {.strategy = (enum changes_strategy)atoi(argv[2]),
                                      .threshold_percentile = atof(argv[3]),
                                      .warmup = (size_t)atoi(argv[4]),
                                      .smoothing_factor = atof(argv[5]),
                                      .window_size = (size_t)atoi(argv[6])};
    size_t dim = (size_t)atoi(argv[7]);
    float *x = calloc(dim, sizeof *x);
    struct changes *c = changes_new(&options, dim);
    struct changes_result r;

    while (x != NULL && c != NULL && fread(x, sizeof *x, dim, stdin) == dim) {
        changes_add(c, x, &r);
        put(r.is_outlier);
        put(r.warming_up);
        put(r.percentile);
        put(r.z_score);
        fwrite(r.average, sizeof *r.average, dim, stdout);
        fwrite(r.std, sizeof *r.std, dim, stdout);
    }
    changes_free(c);
    free(x);
    return 0;
}

static int feed_outliers(char **argv)
{
    struct outliers_options options = {.threshold_percentile = atof(argv[2]),
                                       .warmup = (size_t)atoi(argv[3]),
                                       .window_size = (size_t)atoi(argv[4])};
    size_t dim = (size_t)atoi(argv[5]);
    float *x = calloc(dim, sizeof *x);
    struct outliers *o = outliers_new(&options, dim);
    struct outliers_result r;

    while (x != NULL && o != NULL && fread(x, sizeof *x, dim, stdin) == dim) {
        outliers_add(o, x, &r);
        put(r.is_outlier);
        put(r.warming_up);
        put(r.percentile);
    }
    outliers_free(o);
    free(x);
    return 0;
}

/* A direction of scene `scene`, shaken by `noise`. */
static void frame(float *x, int scene, float noise, uint64_t *state)
{
    for (int i = 0; i < DIM; i++) {
        x[i] = (i % 4 == scene) + noise * check_uniform(state);
    }
}

static void test_options(void)
{
    struct changes_options c = changes_defaults;
    struct outliers_options o = outliers_defaults;

    check(changes_wrong(&c) == NULL && outliers_wrong(&o) == NULL, "the defaults are right");
    c.threshold_percentile = o.threshold_percentile = 1.01;
    check(changes_wrong(&c) != NULL && outliers_wrong(&o) != NULL, "a threshold above 1 is wrong");
    c.threshold_percentile = o.threshold_percentile = NAN;
    check(changes_wrong(&c) != NULL && outliers_wrong(&o) != NULL, "a threshold of NaN is wrong");
    c = changes_defaults;
    c.smoothing_factor = 0;
    check(changes_wrong(&c) != NULL, "a smoothing factor of 0 never learns: wrong");
    c = changes_defaults;
    o = outliers_defaults;
    c.window_size = o.window_size = 0;
    check(changes_wrong(&c) != NULL && outliers_wrong(&o) != NULL, "a window of 0 is wrong");
    c.window_size = o.window_size = UNIT_MOST_ROWS + 1;
    check(changes_wrong(&c) != NULL && outliers_wrong(&o) != NULL, "a window has a bound");
}

/* A still picture, then a cut to another scene: every strategy says so, at that frame. */
static void test_cut(enum changes_strategy strategy, const char *name)
{
    struct changes_options options = changes_defaults;
    struct changes_result r;
    uint64_t state = 1;
    float x[DIM];
    int early = 0;

    options.strategy = strategy;
    struct changes *c = changes_new(&options, DIM);
    for (int i = 0; i < 60; i++) {
        frame(x, 0, 0, &state);
        changes_add(c, x, &r);
        early += r.is_outlier || r.z_score != 0 || r.percentile != 0.5;
    }
    check(early == 0, "%s: a still picture never changes", name);
    check(!r.warming_up, "%s: the warm-up is over", name);
    frame(x, 1, 0, &state);
    changes_add(c, x, &r);
    check(r.is_outlier && r.z_score < -1 && r.percentile > 0.9, "%s: a cut is a change: %g, %g",
          name, r.z_score, r.percentile);
    changes_free(c);
}

/* The same statistics after a row that is no number, and of rows of any length. */
static void test_rows(void)
{
    struct changes *c[2] = {changes_new(&changes_defaults, DIM),
                            changes_new(&changes_defaults, DIM)};
    struct outliers *o[2] = {outliers_new(&outliers_defaults, DIM),
                             outliers_new(&outliers_defaults, DIM)};
    struct changes_result cr[2];
    struct outliers_result or [2];
    uint64_t state = 2;
    bool refused = true, same = true;
    float x[DIM], longer[DIM], bad[DIM];

    for (int i = 0; i < 50; i++) {
        frame(x, 0, 0.3f, &state);
        for (int k = 0; k < DIM; k++) {
            longer[k] = x[k] * 1024;
            bad[k] = k == i % DIM ? (i % 2 ? NAN : INFINITY) : x[k];
        }
        changes_add(c[0], x, &cr[0]);
        outliers_add(o[0], x, & or [0]);
        refused = refused && !changes_add(c[1], bad, &cr[1]) && !outliers_add(o[1], bad, & or [1]);
        changes_add(c[1], longer, &cr[1]);
        outliers_add(o[1], longer, & or [1]);
        same = same && cr[0].z_score == cr[1].z_score && or [0].percentile ==
               or [1].percentile && memcmp(cr[0].average, cr[1].average, DIM * sizeof(double)) == 0;
    }
    check(refused, "an embedding with NaN or infinity is no sample");
    check(same, "nor does it change a bit of what follows; lengths make no difference");
    memset(x, 0, sizeof x);
    check(changes_add(c[0], x, &cr[0]) && isfinite(cr[0].z_score) && isfinite(cr[0].percentile),
          "zeros are taken: z %g", cr[0].z_score);
    check(outliers_add(o[0], x, & or [0]) && or [0].percentile == 0 && or [0].is_outlier,
          "zeros point nowhere: the least typical of all");
    for (int i = 0; i < 2; i++) {
        changes_free(c[i]);
        outliers_free(o[i]);
    }
}

static void test_outliers(void)
{
    struct outliers *o = outliers_new(&outliers_defaults, DIM);
    struct outliers_result r;
    uint64_t state = 3;
    float x[DIM];

    frame(x, 0, 0.05f, &state);
    outliers_add(o, x, &r);
    bool first = r.warming_up;
    frame(x, 0, 0.05f, &state);
    outliers_add(o, x, &r);
    check(first && r.warming_up && r.percentile == 0.5 && !r.is_outlier, "two embeddings warm up");
    frame(x, 0, 0.05f, &state);
    outliers_add(o, x, &r);
    check(!r.warming_up, "the third is judged");
    for (int i = 0; i < 40; i++) {
        frame(x, 0, 0.05f, &state);
        outliers_add(o, x, &r);
    }
    frame(x, 2, 0.05f, &state);
    outliers_add(o, x, &r);
    check(r.is_outlier && r.percentile == 0, "another scene is an outlier");
    for (int i = 0; i < 40; i++) {
        frame(x, 2, 0.05f, &state);
        outliers_add(o, x, &r);
    }
    frame(x, 0, 0.05f, &state);
    outliers_add(o, x, &r);
    check(r.is_outlier && r.percentile == 0, "and 40 frames on, the first scene is one");
    outliers_free(o);
}

static void test_settings(void)
{
    static const char *const wrong[] = {
        "strategy",
        "strategy=",
        "strategy=median",
        "warmup=-1",
        "warmup= 3",
        "warmup=3.5",
        "warmup=three",
        "Warmup=3",
        "window_size=0",
        "=3",
        "warmup=3;",
        "window_size=1e9",
        "smoothing_factor=0",
        "strategy=ema,sma",
        ",",
        "threshold_percentile=nan",
        "threshold_percentile=1.5",
        "threshold_percentile=1e999",
        "window_size=99999999999999999999999",
    };
    struct changes_options c;
    struct outliers_options o;

    check(statistics_read_changes(NULL, &c) == CLIPC_OK &&
              memcmp(&c, &changes_defaults, sizeof c) == 0 &&
              statistics_read_outliers("", &o) == CLIPC_OK &&
              memcmp(&o, &outliers_defaults, sizeof o) == 0,
          "no settings: the defaults");
    check(statistics_read_changes("strategy=Simple Moving Average (SMA),warmup=12,"
                                  "threshold_percentile=.5,smoothing_factor=1,window_size=4096",
                                  &c) == CLIPC_OK &&
              c.strategy == CHANGES_SMA && c.warmup == 12 && c.threshold_percentile == 0.5 &&
              c.smoothing_factor == 1 && c.window_size == 4096,
          "all settings of changes");
    check(statistics_read_changes("strategy=window", &c) == CLIPC_OK &&
              c.strategy == CHANGES_WINDOW && c.warmup == 3,
          "one setting, the others' defaults");
    check(statistics_read_outliers("window_size=7,threshold_percentile=0.1,warmup=0", &o) ==
                  CLIPC_OK &&
              o.window_size == 7 && o.threshold_percentile == 0.1 && o.warmup == 0,
          "all settings of outliers");
    check(statistics_read_outliers("strategy=ema", &o) != CLIPC_OK &&
              strstr(clipc_errmsg(), "'strategy'") != NULL,
          "outliers have no strategy: %s", clipc_errmsg());
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        check(statistics_read_changes(wrong[i], &c) == CLIPC_ERROR_ARGUMENT,
              "\"%s\" is refused: %s", wrong[i], clipc_errmsg());
    }
}

/* Each source has a history of its own; JSON has what was asked for. */
static void test_sources(void)
{
    struct statistics_options options = {true, true, changes_defaults, outliers_defaults};
    struct statistics *s = statistics_new(&options, 2, DIM);
    struct outliers *alone = outliers_new(&outliers_defaults, DIM);
    struct outliers_result r = {0};
    struct statistics_result got = {0};
    uint64_t state = 4;
    float x[DIM], bad[DIM] = {NAN};
    char *text = NULL;
    size_t length;
    bool same = true;

    for (int i = 0; i < 20; i++) {
        frame(x, 1, 0.2f, &state);
        statistics_add(s, 0, x);
        frame(x, 2, 0.2f, &state);
        got = statistics_add(s, 1, x);
        outliers_add(alone, x, &r);
        same =
            same && got.outliers->percentile == r.percentile && got.changes->warming_up == (i < 3);
    }
    check(same, "two sources: each has a history of its own");
    FILE *f = open_memstream(&text, &length);
    statistics_put(f, s, &got);
    fflush(f);
    check(strstr(text, ", \"changes\": {\"is_outlier\": ") == text &&
              strstr(text, ", \"average\": [") != NULL && strstr(text, ", \"std\": [") != NULL &&
              strstr(text, ", \"outliers\": {\"is_outlier\": ") != NULL,
          "JSON of both");
    rewind(f);
    got = statistics_add(s, 0, bad);
    statistics_put(f, s, &got);
    fclose(f);
    check(strcmp(text, ", \"changes\": null, \"outliers\": null") == 0, "of no sample: %s", text);
    free(text);
    outliers_free(alone);
    statistics_free(s);
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "changes") == 0) {
        return feed_changes(argv);
    }
    if (argc == 6 && strcmp(argv[1], "outliers") == 0) {
        return feed_outliers(argv);
    }
    test_options();
    test_cut(CHANGES_EMA, "EMA");
    test_cut(CHANGES_SMA, "SMA");
    test_cut(CHANGES_WINDOW, "window");
    test_rows();
    test_outliers();
    test_settings();
    test_sources();
    return check_done();
}
