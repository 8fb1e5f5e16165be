/* test_preprocess.c - the crop against Pillow, byte for byte: over random sizes and modes that the
 * oracle draws, and over the references' own pixels in $CLIPC_GOLDEN, with each kernel set forced;
 * the floats bit for bit. */
#include "../src/base/base.h"
#include "../src/image/image.h"
#include "../src/image/pixels.h"
#include "../src/image/preprocess.h"
#include "oracle.h"

/* Every kernel set that there is here; each makes every crop. */
static struct kernels sets[8];
static size_t n_sets;

static struct preprocess rules_of(int size, const char *resize, const char *filter,
                                  const char *rules)
{
    return (struct preprocess){
        .size = size,
        .resize = strcmp(resize, "squash") == 0 ? FORMAT_SQUASH : FORMAT_SHORTEST,
        .filter = strcmp(filter, "bilinear") == 0 ? FORMAT_BILINEAR : FORMAT_BICUBIC,
        .rules = strcmp(rules, "hf") == 0 ? FORMAT_HF : FORMAT_OPENAI,
        .mean = {0.48145466f, 0.4578275f, 0.40821073f},
        .std = {0.26862954f, 0.26130258f, 0.27577711f},
    };
}

/* Is the crop of `path` the expected one, by each set?  *worst: the largest difference; *mean: the
 * mean of that set whose mean is the largest.  256: no crop. */
static bool compare(const char *path, const struct preprocess *p, const uint8_t *expected,
                    int *worst, double *mean)
{
    struct clipc_image_options options = {.size = sizeof options};
    struct clipc_image image = {0};
    size_t n = (size_t)p->size * (size_t)p->size * 3;
    uint8_t *crop = check_guarded(n, false);
    double sum;

    *mean = 0;
    *worst = expected != NULL && image_read(path, &options, &image) == CLIPC_OK ? 0 : 256;
    for (size_t k = 0; *worst < 256 && k < n_sets; k++) {
        memset(crop, 0xee, n);
        if (preprocess_crop(p, &sets[k], &image, crop) != CLIPC_OK) {
            *worst = 256;
        }
        sum = 0;
        for (size_t i = 0; *worst < 256 && i < n; i++) {
            int d = abs(crop[i] - expected[i]);
            *worst = d > *worst ? d : *worst;
            sum += d;
        }
        *mean = fmax(*mean, sum / (double)n);
    }
    if (*worst == 256) {
        printf("# %s: %s\n", path, base_errmsg());
    }
    pixels_free(&image);
    return *worst == 0;
}

/* Can this build read the file, and without loss? */
static bool readable(const char *path)
{
    size_t n;
    uint8_t *bytes = oracle_file(path, &n);
    bool can = bytes != NULL && image_probe(bytes, n, NULL) == IMAGE_READABLE;

    free(bytes);
    return can;
}

static void test_oracle(void)
{
    char folder[64], line[512], path[160], resize[16], filter[16], rules[16], raw[240];
    FILE *cases = oracle_open("preprocess_oracle.py", "crop", folder);
    int size, bad = 0, total = 0, worst, unread = 0;

    while (cases != NULL && fgets(line, sizeof line, cases) != NULL) {
        double mean;
        size_t n;
        if (sscanf(line, "%159s %d %15s %15s %15s %239s", path, &size, resize, filter, rules,
                   raw) != 6) {
            check(false, "a line of the oracle: %s", line);
            break;
        }
        if (!readable(path)) {
            unread++;
            continue;
        }
        struct preprocess p = rules_of(size, resize, filter, rules);
        uint8_t *expected = oracle_file(raw, &n);
        total++;
        if (n != (size_t)(size * size * 3) || !compare(path, &p, expected, &worst, &mean)) {
            printf("# %s %d %s %s %s: differs by up to %d\n", path, size, resize, filter, rules,
                   worst);
            bad++;
        }
        free(expected);
    }
    if (cases != NULL) {
        check(bad == 0 && total > 100,
              "%d crops are Pillow's, byte for byte (%d differ, %d not read)", total, bad, unread);
        oracle_close(cases, folder);
    }
}

/* ---- The references' pixels ---------------------------------------------------------------- */

/* The data of a .npy of `bytes` bytes; NULL when it has another size.  The caller frees it. */
static uint8_t *npy(const char *path, size_t bytes)
{
    size_t n;
    uint8_t *file = oracle_file(path, &n);

    if (file == NULL || n < 10 || n != (size_t)(10 + base_u16(file + 8)) + bytes) {
        free(file);
        return NULL;
    }
    return memmove(file, file + n - bytes, bytes);
}

static bool is_jpeg_of_stb(const char *name)
{
    return strstr(name, ".jpg") != NULL && strcmp(image_decoders[0]->library, "libjpeg-turbo") != 0;
}

static void test_golden_crop(const char *golden, const char *name, int size, const char *variant)
{
    char path[400], expected[400], stem[100];
    const char *resize = strncmp(variant, "squash", 6) == 0 ? "squash" : "shortest";
    const char *filter = strstr(variant, "bilinear") != NULL ? "bilinear" : "bicubic";
    struct preprocess p = rules_of(size, resize, filter, variant);
    int worst;
    double mean = 0;

    snprintf(stem, sizeof stem, "%s", name);
    *strrchr(stem, '.') = '_';
    snprintf(path, sizeof path, "%s/preproc/images/%s", golden, name);
    snprintf(expected, sizeof expected, "%s/preproc/expected/%s.%s.%d.u8.npy", golden, stem,
             variant, size);
    if (access(expected, R_OK) != 0 && strcmp(variant, "hf") == 0) { /* the same as OpenAI's */
        snprintf(expected, sizeof expected, "%s/preproc/expected/%s.openai.%d.u8.npy", golden, stem,
                 size);
    }
    if (access(expected, R_OK) != 0) {
        return;
    }
    if (!readable(path)) {
        check_skip("%s: this build does not read it", name);
        return;
    }
    uint8_t *pixels = npy(expected, (size_t)(size * size * 3));
    bool same = compare(path, &p, pixels, &worst, &mean);
    free(pixels);
    /* Another decoder than the references' may differ so much on JPEG, and no more; on CMYK it
     * differs more, because stb_image makes RGB of it before the resize. */
    bool cmyk = strstr(name, "cmyk") != NULL;
    check(same || (is_jpeg_of_stb(name) && worst <= (cmyk ? 20 : 8) && mean <= (cmyk ? 1 : 0.5)),
          "%s: %s %d (max %d, mean %.3f)", name, variant, size, worst, mean);
}

static void test_golden_floats(const char *golden, const char *name)
{
    char path[400], stem[100];
    struct preprocess p = rules_of(64, "shortest", "bicubic", "openai");
    size_t n = 64 * 64 * 3;

    snprintf(stem, sizeof stem, "%s", name);
    *strrchr(stem, '.') = '_';
    snprintf(path, sizeof path, "%s/preproc/expected/%s.openai.64.f32.npy", golden, stem);
    uint8_t *floats = npy(path, n * sizeof(float));
    snprintf(path, sizeof path, "%s/preproc/expected/%s.openai.64.u8.npy", golden, stem);
    uint8_t *crop = npy(path, n);
    float *pixels = check_guarded(n * sizeof(float), false);
    if (floats != NULL && check(crop != NULL, "%s: has a crop", name)) {
        preprocess_normalise(&p, crop, pixels);
        check(memcmp(pixels, floats, n * sizeof(float)) == 0, "%s: the floats, bit for bit", name);
    }
    free(floats);
    free(crop);
}

static void test_golden(void)
{
    static const char *const variants[] = {"openai", "hf", "squash_bicubic", "squash_bilinear"};
    const char *golden = check_golden();
    char command[400], name[100];

    if (golden == NULL) {
        check_skip("the references' crops: CLIPC_GOLDEN is not set");
        return;
    }
    snprintf(command, sizeof command, "ls '%s/preproc/images'", golden);
    FILE *list = popen(command, "r");
    int files = 0;
    for (; list != NULL && fscanf(list, "%99s", name) == 1; files++) {
        for (size_t v = 0; v < 4; v++) {
            test_golden_crop(golden, name, 64, variants[v]);
            test_golden_crop(golden, name, 224, variants[v]);
        }
        test_golden_floats(golden, name);
    }
    check(list != NULL && pclose(list) == 0 && files > 30, "%d images of the references", files);
}

/* ---- Without any oracle -------------------------------------------------------------------- */

static void test_limits(void)
{
    struct preprocess p = rules_of(48, "shortest", "bicubic", "openai");
    uint8_t *crop = check_guarded(48 * 48 * 3, false);

    for (int format = CLIPC_RGB; format <= CLIPC_I16; format++) {
        static const size_t channels[] = {3, 4, 1, 2, 4, 2};
        static const uint32_t sides[][2] = {{65535, 1}, {1, 65535}, {1, 1}, {65535, 40}, {48, 48}};
        for (size_t i = 0; i < 5; i++) {
            struct clipc_image image = {
                .width = sides[i][0], .height = sides[i][1], .format = format};
            size_t row = image.width * channels[format], bytes;
            bool good = true;
            image.stride = row + 6; /* gaps are not read: the last row ends at a guard page */
            bytes = image.stride * (image.height - 1) + row;
            image.data = check_guarded(bytes, false);
            memset(image.data, 200, bytes);
            for (int rules = FORMAT_OPENAI; rules <= FORMAT_HF; rules++) {
                p.rules = (enum format_rules)rules;
                for (size_t k = 0; k < n_sets; k++) {
                    good = good && preprocess_crop(&p, &sets[k], &image, crop) == CLIPC_OK;
                    for (size_t j = 0; j < 48 * 48 * 3; j++) { /* one colour stays one colour */
                        good = good && crop[j] == crop[j % 3];
                    }
                }
            }
            check(good, "%u x %u of format %d: even colour, no byte outside", image.width,
                  image.height, format);
            munmap((void *)((uintptr_t)image.data & ~(uintptr_t)4095), bytes);
        }
    }
    struct clipc_image image = {crop, 4, 4, 12, CLIPC_RGB, 0};
    p.resize = FORMAT_LONGEST;
    check(preprocess_crop(&p, &sets[0], &image, crop) == CLIPC_ERROR_UNSUPPORTED,
          "longest is refused");
}

int main(void)
{
    for (size_t i = 0; kernels_all[i] != NULL && n_sets < 8; i++) {
        n_sets += kernels_find(kernels_all[i]->name, &sets[n_sets]);
    }
    check(n_sets > 0, "%zu kernel sets", n_sets);
    test_limits();
    test_oracle();
    test_golden();
    return check_done();
}
