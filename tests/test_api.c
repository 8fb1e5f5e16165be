/* The public header's promises that no verb shows: many images at once, structs of older and newer
 * callers, what a session says of itself, sentences, files named "-", vectors that are not
 * finite. */
#include <sys/stat.h>

#include "../src/base/base.h"
#include "../src/clipc.h"
#include "check.h"
#include "mini.h"

enum { N = 23, DIM = 32, SIZE = 24 };

static clipc_model *model;

/* Images of many sides and formats, each with its own noise. */
static void make_images(struct clipc_image *images)
{
    static const int formats[] = {CLIPC_RGB, CLIPC_L, CLIPC_RGBA, CLIPC_LA};
    static const size_t channels[] = {3, 1, 4, 2};
    uint64_t seed = 9;

    for (size_t i = 0; i < N; i++) {
        uint32_t w = 20 + (uint32_t)(i * 37 % 90), h = 25 + (uint32_t)(i * 53 % 70);
        size_t stride = w * channels[i % 4] + i % 3, bytes = stride * h;
        uint8_t *data = malloc(bytes);
        for (size_t j = 0; j < bytes; j++) {
            data[j] = (uint8_t)check_random(&seed);
        }
        images[i] = (struct clipc_image){data, w, h, stride, formats[i % 4], 0};
    }
}

static clipc_session *session(int threads, int batch)
{
    struct clipc_options o = {.size = sizeof o, .threads = threads, .batch = batch};
    clipc_session *s = NULL;

    return clipc_session_new(model, &o, &s) == CLIPC_OK ? s : NULL;
}

/* Row by row: preprocessing without a session, then the tower. */
static void test_images(void)
{
    static float want[N][DIM], got[N + 1][DIM], pixels[3 * SIZE * SIZE];
    struct clipc_image images[N];
    clipc_session *one = session(1, 1), *many = session(-6, 4);
    bool good = true, same = true;

    make_images(images);
    for (size_t i = 0; i < N; i++) {
        good &= clipc_preprocess(model, &images[i], CLIPC_RULES_FILE, 0, pixels) == CLIPC_OK &&
                clipc_encode_pixels(one, pixels, 1, want[i]) == CLIPC_OK;
    }
    check(good, "images one by one");
    for (int round = 0; round < 30; round++) {
        memset(got, 0xee, sizeof got);
        good &= clipc_encode_images(many, images, N, got[0]) == CLIPC_OK;
        same &= memcmp(got, want, sizeof want) == 0;
    }
    check(good && same, "23 images in batches of 4 by 6 workers: each row its own image's");
    check(((unsigned char *)got[N])[0] == 0xee, "and nothing is written behind the last row");
    images[9].stride = images[9].width - 1;
    memset(got, 0xee, sizeof got);
    check(clipc_encode_images(many, images, N, got[0]) == CLIPC_ERROR_ARGUMENT &&
              ((unsigned char *)got[0])[0] == 0xee,
          "a bad image in the middle, and nothing is written: %s", clipc_errmsg());
    for (size_t i = 0; i < N; i++) {
        free(images[i].data);
    }
    clipc_session_free(one);
    clipc_session_free(many);
}

/* Preprocessing by a session of each kernel set is that of none. */
static void test_preprocess(void)
{
    static float want[3 * SIZE * SIZE], got[3 * SIZE * SIZE];
    struct clipc_image images[N];
    char names[100] = "";
    bool same = true, refused = true;
    const char *name;
    int supported;

    make_images(images);
    for (size_t k = 0; (name = clipc_kernels(k, &supported)) != NULL; k++) {
        struct clipc_options o = {.size = sizeof o, .threads = 1, .kernels = name};
        clipc_session *s = NULL;
        if (!supported || clipc_session_new(model, &o, &s) != CLIPC_OK) {
            continue;
        }
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s", name);
        for (size_t i = 0; i < 2 * N; i++) {
            int rules = i % 2 == 0 ? CLIPC_RULES_OPENAI : CLIPC_RULES_HF, size = i % 3 ? 0 : 11;
            size_t side = size == 0 ? SIZE : 11;
            memset(got, 0xee, sizeof got);
            same &= clipc_preprocess(model, &images[i / 2], rules, size, want) == CLIPC_OK &&
                    clipc_session_preprocess(s, &images[i / 2], rules, size, got) == CLIPC_OK &&
                    memcmp(got, want, 3 * side * side * sizeof *got) == 0;
        }
        memcpy(want, got, sizeof got);
        refused &= clipc_session_preprocess(NULL, images, 0, 0, got) == CLIPC_ERROR_ARGUMENT &&
                   clipc_session_preprocess(s, NULL, 0, 0, got) == CLIPC_ERROR_ARGUMENT &&
                   clipc_session_preprocess(s, images, 3, 0, got) == CLIPC_ERROR_ARGUMENT &&
                   clipc_session_preprocess(s, images, 0, -1, got) == CLIPC_ERROR_ARGUMENT &&
                   memcmp(want, got, sizeof got) == 0;
        clipc_session_free(s);
    }
    check(same && names[0] != '\0', "sessions preprocess by either rules, to any side:%s", names);
    check(refused, "and refuse what clipc_preprocess does: %s", clipc_errmsg());
    for (size_t i = 0; i < N; i++) {
        free(images[i].data);
    }
}

/* Callers that know fewer fields, or more, than this library. */
static void test_sizes(void)
{
    struct {
        struct clipc_model_info info;
        unsigned char behind[64];
    } newer;
    struct clipc_model_info older;
    size_t known = offsetof(struct clipc_model_info, image_size);
    bool kept = true, zero = true;

    memset(&older, 0xee, sizeof older);
    older.size = known;
    check(clipc_model_info(model, &older) == CLIPC_OK && older.dim == DIM,
          "an older caller's info");
    for (size_t i = known; i < sizeof older; i++) {
        kept &= ((unsigned char *)&older)[i] == 0xee;
    }
    check(kept && older.size == known, "nothing is written behind the fields that it knows");
    memset(&newer, 0xee, sizeof newer);
    newer.info.size = sizeof newer;
    check(clipc_model_info(model, &newer.info) == CLIPC_OK && newer.info.image_size == SIZE,
          "a newer caller's info");
    for (size_t i = 0; i < sizeof newer.behind; i++) {
        zero &= newer.behind[i] == 0;
    }
    check(zero, "what this library does not know is zero");
    older.size = 0;
    check(clipc_model_info(model, &older) == CLIPC_ERROR_ARGUMENT, "no size: %s", clipc_errmsg());

    struct clipc_options o;
    clipc_session *s = NULL;
    memset(&o, 0xee, sizeof o);
    o.size = offsetof(struct clipc_options, batch);
    o.threads = 1;
    check(clipc_session_new(model, &o, &s) == CLIPC_OK, "options of an older caller");
    struct clipc_session_info info = {.size = sizeof info};
    int status = clipc_session_info(s, &info);
    check(status == CLIPC_OK && info.threads == 1 && info.batch == 8 &&
              info.precision == CLIPC_PRECISION_EXACT && info.memory > 0 && info.kernels != NULL,
          "what a session says of itself: %s, %d threads, batch %d, %zu bytes",
          info.kernels != NULL ? info.kernels : "?", info.threads, info.batch, info.memory);
    check(clipc_session_info(NULL, &info) == CLIPC_ERROR_ARGUMENT, "of no session");
    clipc_session_free(s);
}

static void test_vectors(void)
{
    float v[4][3] = {{3, 0, 4}, {0, 0, 0}, {-2, 0, 0}, {1, INFINITY, 0}}, nan[3] = {1, NAN, 1};

    clipc_normalize(v[0], 4, 3);
    check(fabsf(v[0][0] - 0.6f) < 1e-7f && fabsf(v[0][2] - 0.8f) < 1e-7f && v[1][0] == 0 &&
              v[2][0] == -1 && v[3][0] == 1 && isinf(v[3][1]),
          "each of n rows becomes 1 long; zeros and infinities stay");
    clipc_normalize(nan, 1, 3);
    check(nan[0] == 1 && isnan(nan[1]), "so does NaN");
    check(isnan(clipc_cosine(v[0], nan, 3)) && isnan(clipc_cosine(v[3], v[0], 3)) &&
              isnan(clipc_cosine(v[1], nan, 3)),
          "the cosine with NaN or infinity is NaN");
    check(clipc_cosine(v[0], v[1], 3) == 0 && fabsf(clipc_cosine(v[0], v[2], 3) + 0.6f) < 1e-6f,
          "with zero it is 0, else the angle's");
}

static void test_files(void)
{
    struct clipc_image image = {0}, again = {0};
    const char ppm[] = "P6\n2 1\n255\nabcdef";
    char here[4096], folder[] = "/tmp/clipc-api.XXXXXX";
    bool good = getcwd(here, sizeof here) != NULL && mkdtemp(folder) != NULL && chdir(folder) == 0;
    FILE *f = good ? fopen("-", "wb") : NULL;

    good = good && f != NULL && fwrite(ppm, 1, sizeof ppm - 1, f) == sizeof ppm - 1;
    if (f != NULL) {
        fclose(f);
    }
    check(good && clipc_image_read("-", NULL, &image) == CLIPC_OK && image.width == 2,
          "\"-\" is a file of that name");
    check(clipc_image_decode(ppm, sizeof ppm - 1, NULL, &again) == CLIPC_OK &&
              memcmp(again.data, "abcdef", 6) == 0,
          "bytes in memory");
    clipc_image_free(&again);
    check(clipc_image_decode(ppm, sizeof ppm - 2, NULL, &again) == CLIPC_ERROR_FORMAT &&
              again.data == NULL,
          "bytes that are cut: %s", clipc_errmsg());
    clipc_image_free(&image);
    mkfifo("fifo", 0600);
    alarm(20);
    clipc_model *none = NULL;
    check(clipc_open("fifo", &none) == CLIPC_ERROR_IO, "a pipe as model: %s", clipc_errmsg());
    alarm(0);
    unlink("-");
    unlink("fifo");
    check(chdir(here) == 0 && rmdir(folder) == 0, "back again");
}

/* Elements of 16 bits lie at even addresses, in every row; bytes lie where they like. */
static void test_places(void)
{
    enum { W = 31, H = 27, STRIDE = 2 * W + 2 };
    static uint16_t room[(STRIDE + 2) * H / 2];
    static float pixels[3 * SIZE * SIZE], vector[DIM];
    clipc_session *s = session(1, 1);
    const struct {
        size_t skip, stride;
        int format, want;
        const char *text;
    } cases[] = {{0, STRIDE, CLIPC_I16, CLIPC_OK, "16 bits, all even"},
                 {2, STRIDE, CLIPC_I16, CLIPC_OK, "16 bits at any even address"},
                 {1, STRIDE, CLIPC_I16, CLIPC_ERROR_ARGUMENT, "16 bits at an odd address"},
                 {0, STRIDE + 1, CLIPC_I16, CLIPC_ERROR_ARGUMENT, "16 bits, an odd stride"},
                 {1, STRIDE + 1, CLIPC_I16, CLIPC_ERROR_ARGUMENT, "16 bits, both odd"},
                 {1, STRIDE + 1, CLIPC_LA, CLIPC_OK, "bytes at an odd address, an odd stride"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct clipc_image image = {
            (uint8_t *)room + cases[i].skip, W, H, cases[i].stride, cases[i].format, 0};
        int prepared = clipc_preprocess(model, &image, CLIPC_RULES_FILE, 0, pixels);
        int encoded = clipc_encode_images(s, &image, 1, vector);
        check(prepared == cases[i].want && encoded == prepared, "%s: %s", cases[i].text,
              prepared == CLIPC_OK ? "taken" : clipc_errmsg());
    }
    clipc_session_free(s);
}

static void test_sentences(void)
{
    struct clipc_image image;
    char want[600];

    clipc_image_read(
        "/x/"
        "\033[2J\a\x7f\xc2\x9b\x31m\xe2\x80\xae\xe2\x80\xa8\x9b\xff\xe2\x82.\xe2\x82\xac\xc3\xa9",
        NULL, &image);
    check(strncmp(clipc_errmsg(), "/x/?[2J???1m??????.", 12) == 0 &&
              strstr(clipc_errmsg(), "m?????.\xe2\x82\xac\xc3\xa9: ") != NULL,
          "control characters and bytes that are not UTF-8 are '?': %s", clipc_errmsg());
    for (int i = 0; i < 2; i++) {
        memset(want, 'a', sizeof want);
        for (int j = 300 + i; j + 3 < 560; j += 3) {
            memcpy(want + j, "\xe2\x82\xac", 3);
        }
        want[560] = '\0';
        base_fail(CLIPC_ERROR_IO, "%s", want);
        size_t n = strlen(clipc_errmsg());
        check(n >= 508 && n <= 511 && strncmp(clipc_errmsg(), want, n - 1) == 0,
              "a long sentence is cut at %zu bytes", n);
    }
}

int main(void)
{
    char path[256];

    if (!mini_model("api", path) ||
        !check(clipc_open(path, &model) == CLIPC_OK, "the model opens")) {
        return check_done();
    }
    test_images();
    test_preprocess();
    test_sizes();
    test_vectors();
    test_files();
    test_places();
    test_sentences();
    clipc_close(model);
    return check_done();
}
