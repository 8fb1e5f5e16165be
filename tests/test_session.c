/* Sessions through the public header: the same bits for any number of threads, any batch and any
 * place in it, on every kernel set; texts cut at their end token; two sessions in two threads; what
 * a caller can do wrong. */
#include <pthread.h>

#include "../src/clipc.h"
#include "check.h"
#include "mini.h"

enum { N = 16, DIM = 32, SIZE = 24, CONTEXT = 77 };

static clipc_model *model;
static float pixels[N * 3 * SIZE * SIZE];
static int32_t tokens[N * CONTEXT];

static clipc_session *session(const char *kernels, int threads, int batch, int full)
{
    struct clipc_options o = {.size = sizeof o,
                              .threads = threads,
                              .batch = batch,
                              .kernels = kernels,
                              .full_context = full};
    clipc_session *s = NULL;
    if (clipc_session_new(model, &o, &s) != CLIPC_OK) {
        printf("# %s\n", clipc_errmsg());
    }
    return s;
}

static bool encode(clipc_session *s, float *images, float *texts)
{
    return s != NULL && clipc_encode_pixels(s, pixels, N, images) == CLIPC_OK &&
           clipc_encode_tokens(s, tokens, N, CONTEXT, texts) == CLIPC_OK;
}

static void test_same_bits(const char *kernels)
{
    static const int threads[] = {-1, -2, -3, -8}, batches[] = {1, 2, 7, 16};
    static float images[2][N * DIM], texts[2][N * DIM];

    clipc_session *first = session(kernels, 1, 1, 0);
    check(encode(first, images[0], texts[0]), "%s encodes", kernels);
    clipc_session_free(first);
    for (int t = 0; t < 4; t++) {
        for (int b = 0; b < 4; b++) {
            clipc_session *s = session(kernels, threads[t], batches[b], 0);
            bool good = encode(s, images[1], texts[1]);
            check(good && memcmp(images[0], images[1], sizeof images[0]) == 0 &&
                      memcmp(texts[0], texts[1], sizeof texts[0]) == 0,
                  "%s: the same bits with %d threads, batch %d", kernels, -threads[t], batches[b]);
            clipc_session_free(s);
        }
    }
    clipc_session *full = session(kernels, 1, 7, 1);
    check(encode(full, images[1], texts[1]) && memcmp(texts[0], texts[1], sizeof texts[0]) == 0,
          "%s: all 77 positions of a text give the bits of those up to its end", kernels);
    clipc_session_free(full);
}

/* The end token is the largest id, and this model pools at the largest: where a row is padded with
 * it, as HuggingFace pads, the first one ends the text. */
static void test_padded_with_end(const char *kernels)
{
    static int32_t padded[N * CONTEXT];
    static float want[N * DIM], got[N * DIM];

    for (size_t i = 0; i < N * CONTEXT; i++) {
        size_t end = 2 + i / CONTEXT * 4;
        padded[i] = i % CONTEXT > end ? 573 : tokens[i];
    }
    for (int full = 0; full < 2; full++) {
        clipc_session *s = session(kernels, 1, 5, full);
        bool good = s != NULL && clipc_encode_tokens(s, tokens, N, CONTEXT, want) == CLIPC_OK &&
                    clipc_encode_tokens(s, padded, N, CONTEXT, got) == CLIPC_OK;
        check(good && memcmp(want, got, sizeof want) == 0,
              "%s: rows padded with the end token pool at the first one%s", kernels,
              full ? ", all positions computed" : "");
        clipc_session_free(s);
    }
}

static void count_activation(void *arg, const char *name, const float *x, size_t rows, size_t width,
                             size_t stride)
{
    (void)name, (void)x;
    *(int *)arg += rows > 0 && width > 0 && stride >= width;
}

/* A traced pass goes step by step and computes some things twice; its vectors are the same. */
static void test_traced(const char *kernels)
{
    static float want[2][N * DIM], got[2][N * DIM];
    int seen = 0;
    struct clipc_options o = {.size = sizeof o,
                              .threads = 2,
                              .batch = 5,
                              .kernels = kernels,
                              .trace = count_activation,
                              .trace_arg = &seen};
    clipc_session *plain = session(kernels, 2, 5, 0), *traced = NULL;
    bool good = encode(plain, want[0], want[1]) &&
                clipc_session_new(model, &o, &traced) == CLIPC_OK && encode(traced, got[0], got[1]);

    /* One block: 9 activations of it, 5 of the image tower's ends, 4 of the text tower's; 4
     * batches. */
    check(good && memcmp(want, got, sizeof want) == 0 && seen == 4 * (9 + 5 + 9 + 4),
          "%s: a traced pass gives the same bits, and shows %d activations", kernels, seen);
    clipc_session_free(plain);
    clipc_session_free(traced);
}

static void *encode_often(void *arg)
{
    static float unused[N * DIM];
    float images[N * DIM], texts[N * DIM];
    clipc_session *s = session(NULL, 2, 4, 0);
    bool good = true;
    (void)unused;
    for (int i = 0; i < 20; i++) {
        good &= encode(s, images, texts);
    }
    memcpy(arg, images, sizeof images);
    clipc_session_free(s);
    return good ? arg : NULL;
}

static void test_two_threads(void)
{
    static float results[2][N * DIM];
    pthread_t threads[2];
    void *good[2];

    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, encode_often, results[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &good[i]);
    }
    check(good[0] && good[1] && memcmp(results[0], results[1], sizeof results[0]) == 0,
          "two sessions in two threads on one model");
}

static void test_mistakes(void)
{
    struct clipc_options o = {.size = sizeof o, .kernels = "no-such-set"};
    struct clipc_model_info info = {.size = sizeof info};
    clipc_session *s = NULL;
    clipc_model *none = NULL;
    float out[DIM];
    int32_t ids[2] = {1, 600};
    struct clipc_text text = {"a", 1};

    check(clipc_session_new(model, &o, &s) == CLIPC_ERROR_UNSUPPORTED && s == NULL &&
              strstr(clipc_errmsg(), "scalar") != NULL,
          "an unknown kernel set is refused and the others are named");
    o.kernels = NULL;
    o.batch = -1;
    check(clipc_session_new(model, &o, &s) == CLIPC_ERROR_ARGUMENT, "a batch of -1 is refused");
    o.batch = 0;
    o.size = 3;
    check(clipc_session_new(model, &o, &s) == CLIPC_ERROR_ARGUMENT, "options without their size");
    check(clipc_open("/nonexistent/x.clipc", &none) == CLIPC_ERROR_IO, "a missing model: %s",
          clipc_errmsg());
    check(clipc_open("tests", &none) == CLIPC_ERROR_IO, "a folder as model: %s", clipc_errmsg());
    check(clipc_open("README.md", &none) == CLIPC_ERROR_FORMAT, "a text as model: %s",
          clipc_errmsg());
    check(clipc_model_info(model, &info) == CLIPC_OK && info.dim == DIM &&
              info.image_size == SIZE && info.context_length == CONTEXT &&
              info.has_tokenizer == 0 && fabsf(info.logit_scale - 100) < 0.2f,
          "model info");
    check(clipc_session_new(model, NULL, &s) == CLIPC_OK, "a session with NULL options");
    check(clipc_encode_tokens(s, ids, 1, 2, out) == CLIPC_ERROR_ARGUMENT, "an id outside: %s",
          clipc_errmsg());
    check(clipc_encode_tokens(s, ids, 1, 78, out) == CLIPC_ERROR_ARGUMENT, "too many ids: %s",
          clipc_errmsg());
    check(clipc_encode_texts(s, &text, 1, out) == CLIPC_ERROR_UNSUPPORTED, "no tokenizer: %s",
          clipc_errmsg());
    check(clipc_encode_pixels(s, NULL, 1, out) == CLIPC_ERROR_ARGUMENT, "NULL pixels");
    check(clipc_encode_pixels(s, NULL, 0, NULL) == CLIPC_OK, "no images at all are fine");
    clipc_session_free(s);
    clipc_session_free(NULL);
    clipc_close(NULL);
    clipc_image_free(NULL);
}

/* One image of NaN among four, in any place of a batch: an error, and the others' right vectors. */
static void test_not_finite(void)
{
    static float some[4 * 3 * SIZE * SIZE], want[4 * DIM], got[4 * DIM];
    clipc_session *s = session("scalar", 1, 3, 0);

    memcpy(some, pixels, sizeof some);
    check(clipc_encode_pixels(s, some, 4, want) == CLIPC_OK, "four good images");
    for (size_t bad = 0; bad < 4; bad++) {
        memcpy(some, pixels, sizeof some);
        some[bad * 3 * SIZE * SIZE + 17] = bad % 2 == 0 ? NAN : INFINITY;
        int status = clipc_encode_pixels(s, some, 4, got);
        bool others = true;
        for (size_t i = 0; i < 4; i++) {
            others &= i == bad || memcmp(got + i * DIM, want + i * DIM, DIM * sizeof *got) == 0;
        }
        check(status == CLIPC_ERROR_NUMBER && others && !isfinite(got[bad * DIM]),
              "image %zu is NaN, the others' vectors are right: %s", bad, clipc_errmsg());
    }
    clipc_session_free(s);
}

int main(void)
{
    char path[256];
    uint64_t seed = 3;
    const char *name;
    int supported;

    if (!mini_model("session", path) ||
        !check(clipc_open(path, &model) == CLIPC_OK, "the model opens")) {
        return check_done();
    }
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
        pixels[i] = 2 * check_uniform(&seed);
    }
    for (size_t i = 0; i < N * CONTEXT; i++) { /* texts of 3, 7, 11, ... ids, then the largest id */
        size_t end = 2 + i / CONTEXT * 4;
        tokens[i] = i % CONTEXT == end ? 573 : (int32_t)(check_random(&seed) % 570);
    }
    for (size_t i = 0; (name = clipc_kernels(i, &supported)) != NULL; i++) {
        if (!supported) {
            check_skip("kernel set %s: this CPU (or library) does not have it", name);
        } else if (strcmp(name, "blas") == 0) {
            check_skip(
                "kernel set blas decides its own order of addition: no promise of equal bits");
        } else {
            test_same_bits(name);
            test_padded_with_end(name);
            test_traced(name);
        }
    }
    test_two_threads();
    test_mistakes();
    test_not_finite();
    clipc_close(model);
    return check_done();
}
