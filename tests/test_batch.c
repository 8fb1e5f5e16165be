/* The batcher: every kind of item gives the vector that the library's own calls give, for any
 * number of workers and callers; one bad item harms none of its neighbours; nobody waits for
 * ever. */
#include <fcntl.h>
#include <pthread.h>

#include "../src/clipc.h"
#include "../src/session.h"
#include "../tools/cli/batch.h"
#include "check.h"
#include "mini.h"

enum { DIM = 32, SIZE = 24, CONTEXT = 77, KINDS = 6, BATCH = 4 };

static clipc_model *model;

/* Ready inputs and, through the library alone, what each must become. */
static struct clipc_image image;
static char file_name[256];
static float pixels[3 * SIZE * SIZE];
static int32_t ids[5] = {572, 3, 100, 7, 573};
static struct batch_item items[KINDS];
static float want[KINDS][DIM];

static clipc_session *session(int batch)
{
    struct clipc_options o = {.size = sizeof o, .threads = 1, .batch = batch, .kernels = "scalar"};
    clipc_session *s = NULL;

    if (clipc_session_new(model, &o, &s) != CLIPC_OK) {
        printf("# %s\n", clipc_errmsg());
    }
    return s;
}

static struct batch *batcher(clipc_session *s, int workers)
{
    struct batch_options o = {.image.size = sizeof o.image, .workers = workers};
    struct batch *b = NULL;

    if (batch_new(model, s, &o, &b) != CLIPC_OK) {
        printf("# %s\n", clipc_errmsg());
    }
    return b;
}

static bool make_items(void)
{
    static unsigned char bytes[13 + 30 * 40 * 3] = "P6 40 30 255\n";
    static float preprocessed[3 * SIZE * SIZE];
    clipc_session *s = session(1);
    uint64_t seed = 5;
    size_t n = sizeof bytes;
    FILE *f;

    for (size_t i = 13; i < n; i++) {
        bytes[i] = (unsigned char)check_random(&seed);
    }
    snprintf(file_name, sizeof file_name, "%s/test_batch.ppm", check_build());
    f = fopen(file_name, "wb");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0 ||
        clipc_image_decode(bytes, n, NULL, &image) != CLIPC_OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
        pixels[i] = 2 * check_uniform(&seed);
    }
    items[0] = (struct batch_item){BATCH_PATH, file_name, 0, file_name};
    items[1] = (struct batch_item){BATCH_BYTES, bytes, n, "bytes"};
    items[2] = (struct batch_item){BATCH_IMAGE, &image, 0, "image"};
    items[3] = (struct batch_item){BATCH_PIXELS, pixels, 0, "pixels"};
    items[4] = (struct batch_item){BATCH_TOKENS, ids, 5, "ids"};
    items[5] = (struct batch_item){BATCH_TOKENS, ids, 3, "fewer"};
    bool good = s != NULL && clipc_preprocess(model, &image, 0, 0, preprocessed) == CLIPC_OK &&
                clipc_encode_pixels(s, preprocessed, 1, want[0]) == CLIPC_OK &&
                clipc_encode_pixels(s, pixels, 1, want[3]) == CLIPC_OK &&
                clipc_encode_tokens(s, ids, 1, 5, want[4]) == CLIPC_OK &&
                clipc_encode_tokens(s, ids, 1, 3, want[5]) == CLIPC_OK;
    memcpy(want[1], want[0], sizeof want[0]);
    memcpy(want[2], want[0], sizeof want[0]);
    clipc_session_free(s);
    return good;
}

/* What one caller with many items does: keep a queue of jobs, wait for the oldest when there is no
 * room.  Item i is of kind i % KINDS; every seventh is bad. */
static void test_order(int workers)
{
    enum { N = 100 };
    clipc_session *s = session(BATCH);
    struct batch *b = batcher(s, workers);
    struct batch_job *jobs[N];
    size_t submitted = 0, right = 0, bad = 0, most = 0;
    float row[DIM];

    for (size_t taken = 0; taken < N;) {
        struct batch_item item = items[submitted % KINDS];
        struct batch_item none = {BATCH_PATH, "/no/such/file", 0, "/no/such/file"};
        struct batch_job *job = NULL;
        if (submitted < N) {
            batch_submit(b, submitted % 7 == 3 ? &none : &item, false, &job);
        }
        if (job != NULL) {
            jobs[submitted++] = job;
            most = submitted - taken > most ? submitted - taken : most;
            continue;
        }
        int status = batch_wait(b, jobs[taken], row, NULL);
        bad += taken % 7 == 3 && status == CLIPC_ERROR_IO &&
               strncmp(clipc_errmsg(), "/no/such/file: ", 15) == 0;
        right += taken % 7 != 3 && status == CLIPC_OK &&
                 memcmp(row, want[taken % KINDS], sizeof row) == 0;
        taken++;
    }
    check(right == 86 && bad == 14,
          "%d workers: each item has its own vector or error: %zu right, %zu bad", workers, right,
          bad);
    check(most == 2 * BATCH, "at most two batches are inside: %zu items", most);
    batch_free(b);
    clipc_session_free(s);
}

/* Rows that only fail when they are encoded, among good ones of the same call. */
static void test_bad_rows(void)
{
    static float nan_pixels[3 * SIZE * SIZE];
    static const int32_t outside[5] = {572, 3, 9999, 7, 573};
    static int32_t many[CONTEXT + 1];
    struct batch_item bad[] = {{BATCH_PIXELS, nan_pixels, 0, "not finite"},
                               {BATCH_TOKENS, outside, 5, "outside"},
                               {BATCH_TOKENS, many, CONTEXT + 1, "too many"},
                               {BATCH_TOKENS, many, 0, "none"},
                               {BATCH_BYTES, "GIF89a", 6, "cut"},
                               {BATCH_BYTES, "", 0, "empty"},
                               {BATCH_PATH, "-", 0, "-"},
                               {BATCH_TEXT, "no tokenizer", 12, "text"}};
    const int status[] = {CLIPC_ERROR_NUMBER,   CLIPC_ERROR_ARGUMENT,   CLIPC_ERROR_ARGUMENT,
                          CLIPC_ERROR_ARGUMENT, CLIPC_ERROR_FORMAT,     CLIPC_ERROR_FORMAT,
                          CLIPC_ERROR_IO,       CLIPC_ERROR_UNSUPPORTED};
    clipc_session *s = session(3);
    struct batch *b = batcher(s, 1);
    struct batch_job *jobs[3];
    float row[DIM];

    memcpy(nan_pixels, pixels, sizeof pixels);
    nan_pixels[77] = NAN;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t kind = bad[i].kind == BATCH_TOKENS || bad[i].kind == BATCH_TEXT ? 4 : 3;
        batch_submit(b, &items[kind], true, &jobs[0]);
        batch_submit(b, &bad[i], true, &jobs[1]);
        batch_submit(b, &items[kind], true, &jobs[2]);
        bool first = batch_wait(b, jobs[0], row, NULL) == CLIPC_OK &&
                     memcmp(row, want[kind], sizeof row) == 0;
        int got = batch_wait(b, jobs[1], row, NULL);
        char sentence[512];
        snprintf(sentence, sizeof sentence, "%s", clipc_errmsg());
        bool last = batch_wait(b, jobs[2], row, NULL) == CLIPC_OK &&
                    memcmp(row, want[kind], sizeof row) == 0;
        check(first && last && got == status[i], "a bad item between two good ones: %s", sentence);
    }
    batch_free(b);
    clipc_session_free(s);
}

/* A server's threads: each hands in one item and waits for it. */
struct caller {
    struct batch *batch;
    size_t kind, right;
    int last; /* the status that ended it */
};

static void *call(void *arg)
{
    struct caller *c = arg;
    float row[DIM];

    for (int i = 0; i < 25; i++) {
        struct batch_job *job;
        c->last = batch_submit(c->batch, &items[c->kind], true, &job);
        if (c->last == CLIPC_OK) {
            c->last = batch_wait(c->batch, job, row, NULL);
        }
        if (c->last != CLIPC_OK) {
            break;
        }
        c->right += memcmp(row, want[c->kind], sizeof row) == 0;
    }
    return NULL;
}

static void test_callers(int workers, bool cancel)
{
    enum { CALLERS = 12 }; /* more than the batcher has room for */
    clipc_session *s = session(BATCH);
    struct batch *b = batcher(s, workers);
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    size_t right = 0, ended = 0;

    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){b, i % KINDS, 0, 0};
        pthread_create(&threads[i], NULL, call, &callers[i]);
    }
    if (cancel) {
        batch_cancel(b);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        right += callers[i].right;
        ended += callers[i].last == CLIPC_OK ? callers[i].right == 25
                                             : callers[i].last == BATCH_CANCELLED;
    }
    check(cancel ? ended == CALLERS : right == 25 * CALLERS,
          "%d threads, %d workers%s: %zu vectors are right", CALLERS, workers,
          cancel ? ", cancelled: all end" : "", right);
    batch_free(b);
    clipc_session_free(s);
}

/* One item alone does not wait for a batch to be full, nor do jobs nobody waited for at the end. */
static void test_alone(void)
{
    clipc_session *s = session(BATCH);
    struct batch *b = batcher(s, 0);
    struct batch_job *job, *left;
    float row[DIM];
    double seconds = -1;

    batch_submit(b, &items[0], true, &job);
    check(batch_wait(b, job, row, &seconds) == CLIPC_OK && memcmp(row, want[0], sizeof row) == 0 &&
              seconds > 0,
          "an item alone, and the time that it took");
    batch_submit(b, &items[1], true, &left);
    check(!batch_is_done(b, left), "what is not full nor waited for is not done");
    batch_cancel(b);
    check(batch_wait(b, left, row, NULL) == BATCH_CANCELLED, "a cancelled job says so");
    check(batch_submit(b, &items[2], true, &job) == BATCH_CANCELLED && job == NULL,
          "after a cancel nothing is taken");
    batch_free(b);
    b = batcher(s, 2);
    batch_submit(b, &items[0], true, &job);
    batch_free(b); /* with a job that nobody waits for */
    batch_free(NULL);
    clipc_session_free(s);
}

/* The resize of a session whose table was changed counts its rows: nobody else's can be meant. */
static void (*real_horizontal)(uint8_t *, const uint8_t *, size_t, size_t,
                               const struct kernels_taps *, const int32_t *);
static _Atomic size_t counted;

static void count_horizontal(uint8_t *dst, const uint8_t *src, size_t n_out, size_t channels,
                             const struct kernels_taps *taps, const int32_t *coeffs)
{
    counted++;
    real_horizontal(dst, src, n_out, channels, taps, coeffs);
}

static void test_kernels(int workers)
{
    clipc_session *s = session(BATCH);
    struct batch_job *jobs[3];
    float rows[3][DIM];
    bool good = true;

    real_horizontal = s->engine.k.resize_horizontal;
    s->engine.k.resize_horizontal = count_horizontal;
    counted = 0;
    struct batch *b = batcher(s, workers);
    for (size_t i = 0; i < 3; i++) {
        batch_submit(b, &items[i], true, &jobs[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        good &= batch_wait(b, jobs[i], rows[i], NULL) == CLIPC_OK;
    }
    check(good && memcmp(rows, want, sizeof rows) == 0 && counted == 3 * 30,
          "%d workers: the session's kernels resize each of 30 rows of 3 images: %zu", workers,
          (size_t)counted);
    batch_free(b);
    clipc_session_free(s);
}

int main(void)
{
    char path[256];

    if (!mini_model("batch", path) || !check(clipc_open(path, &model) == CLIPC_OK && make_items(),
                                             "the model opens, the library encodes each kind")) {
        return check_done();
    }
    for (int workers = 0; workers < 5; workers += 1 + (workers == 1)) {
        test_order(workers);
        test_callers(workers, false);
        test_callers(workers, true);
    }
    test_bad_rows();
    test_alone();
    test_kernels(0);
    test_kernels(2);
    clipc_image_free(&image);
    unlink(file_name);
    clipc_close(model);
    return check_done();
}
