/* test_rows.c - pictures that are resized as their rows come: the same pixels, and the same refusals,
 * as of the picture decoded whole and resized then. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../src/clipc.h"
#include "check.h"
#include "oracle.h"

enum { SIDE = 13 };

static clipc_model *model;
static uint64_t seed = 5;
static long files, failures, wrong;
static char first_wrong[600];

/* Both ways, by both rules; counts what differs. */
static void both(const char *name, const uint8_t *bytes, size_t n,
                 const struct clipc_image_options *options)
{
    for (int rules = CLIPC_RULES_OPENAI; rules <= CLIPC_RULES_HF; rules++) {
        static float want[3 * SIDE * SIDE], got[3 * SIDE * SIDE];
        struct clipc_image image;
        char said[512] = "";

        memset(want, 0, sizeof want);
        memset(got, 0, sizeof got);
        int status = clipc_image_decode(bytes, n, options, &image);
        if (status == CLIPC_OK) {
            status = clipc_preprocess(model, &image, rules, SIDE, want);
            clipc_image_free(&image);
        }
        snprintf(said, sizeof said, "%s", status == CLIPC_OK ? "" : clipc_errmsg());
        int status2 = clipc_preprocess_bytes(model, bytes, n, options, rules, SIDE, got);
        files++;
        failures += status != CLIPC_OK;
        if (status != status2 || memcmp(want, got, sizeof want) != 0 ||
            (status != CLIPC_OK && strcmp(said, clipc_errmsg()) != 0)) {
            wrong++;
            snprintf(first_wrong, sizeof first_wrong, "%s, %zu bytes: %d '%.200s', %d '%.200s'",
                     name, n, status, said, status2, clipc_errmsg());
        }
    }
}

/* A file whole, in parts, and with bits turned. */
static void each_damage(const char *name, const uint8_t *bytes, size_t n, size_t parts)
{
    struct clipc_image_options plain = {.size = sizeof plain}, other = {.size = sizeof other};
    struct clipc_image_options small = {.size = sizeof small, .least_side = 3};
    uint8_t *copy = malloc(n + 1);

    other.apply_exif = 1;
    both(name, bytes, n, &plain);
    both(name, bytes, n, &other);
    other.truncated = 1;
    both(name, bytes, n, &other);
    both(name, bytes, n, &small);
    for (size_t i = 0; i < parts; i++) {
        size_t part = check_random(&seed) % (n + 1);
        memcpy(copy, bytes, n);
        const struct clipc_image_options *o = i % 4 == 0 ? &other : i % 4 == 1 ? &small : &plain;
        both(name, copy, part, o);
        copy[check_random(&seed) % n] ^= (uint8_t)(1u << check_random(&seed) % 8);
        both(name, copy, n, o);
    }
    free(copy);
}

static void each_file(const char *folder, size_t parts)
{
    DIR *dir = opendir(folder);
    char path[600];
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t n;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        uint8_t *bytes = entry->d_name[0] != '.' ? oracle_file(path, &n) : NULL;
        if (bytes != NULL && n > 0) {
            each_damage(path, bytes, n, parts);
        }
        free(bytes);
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

int main(void)
{
    static float pixels[3 * SIDE * SIDE];

    check(clipc_open("weights/demo.clipc", &model) == CLIPC_OK, "a model");
    each_file("tests/images", 50);
    check(wrong == 0 && failures > 0 && failures < files,
          "photographs whole, cut and damaged, %ld times, of which %ld are refused: %s", files,
          failures, wrong == 0 ? "the same pixels and sentences" : first_wrong);
    files = failures = wrong = 0;
    each_file("tests/corpus/image", 30);
    check(wrong == 0 && failures > 0 && failures < files,
          "files of all formats, %ld times, of which %ld are refused: %s", files, failures,
          wrong == 0 ? "the same pixels and sentences" : first_wrong);
    check(clipc_preprocess_bytes(NULL, "", 0, NULL, 0, 0, pixels) == CLIPC_ERROR_ARGUMENT &&
              clipc_preprocess_bytes(model, NULL, 1, NULL, 0, 0, pixels) == CLIPC_ERROR_ARGUMENT &&
              clipc_preprocess_bytes(model, "", 0, NULL, 3, 0, pixels) == CLIPC_ERROR_ARGUMENT &&
              clipc_preprocess_bytes(model, "", 0, NULL, 0, 0, NULL) == CLIPC_ERROR_ARGUMENT &&
              clipc_preprocess_file(model, NULL, NULL, 0, 0, pixels) == CLIPC_ERROR_ARGUMENT,
          "NULL and unknown rules are refused");
    check(clipc_preprocess_file(model, "tests/images/none.jpg", NULL, 0, SIDE, pixels) ==
                  CLIPC_ERROR_IO &&
              strstr(clipc_errmsg(), "tests/images/none.jpg") != NULL,
          "a file that is not there is named: %s", clipc_errmsg());
    check(clipc_preprocess_file(model, "tests/images/README.md", NULL, 0, SIDE, pixels) < 0 &&
              strstr(clipc_errmsg(), "tests/images/README.md: ") == clipc_errmsg(),
          "and so is one that is no picture: %s", clipc_errmsg());
    clipc_close(model);
    return check_done();
}
