/* test_image.c - the decoders: Pillow's pixels for every kind of file that the oracle draws, EXIF
 * turns, and the door: cut, damaged, hostile and foreign files. */
#include <dirent.h>
#include <sys/resource.h>
#include <time.h>

#include "../src/base/base.h"
#include "../src/image/image.h"
#include "../src/image/pixels.h"
#include "oracle.h"

#define CORPUS "tests/corpus/image"

static const size_t channels_of[] = {3, 4, 1, 2, 4, 2};

static bool have(const char *library)
{
    for (size_t i = 0; image_decoders[i] != NULL; i++) {
        if (strcmp(image_decoders[i]->library, library) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Against Pillow ------------------------------------------------------------------------ */

static bool right_mode(const struct clipc_image *image, const char *kind)
{
    static const char *const names[] = {"RGB", "RGBA", "L", "LA", "CMYK", "I"};

    return strcmp(kind, "P") == 0 ? image->palette == 1
                                  : image->palette == 0 && strcmp(names[image->format], kind) == 0;
}

/* Sum and maximum of the differences; P's pixels are RGB there, and may be gray here. */
static void differ(const struct clipc_image *image, bool rgb, const uint8_t *want, size_t *sum,
                   int *most)
{
    size_t here = channels_of[image->format], there = rgb ? 3 : here;

    *sum = 0;
    *most = 0;
    for (size_t y = 0; y < image->height; y++) {
        const uint8_t *row = (const uint8_t *)image->data + y * image->stride;
        for (size_t i = 0; i < image->width * there; i++) {
            int d = abs(row[here == 1 ? i / there : i] - want[y * image->width * there + i]);
            *sum += (size_t)d;
            *most = d > *most ? d : *most;
        }
    }
}

/* A file of which Pillow has no picture, or a wrong one: refused, with a sentence. */
static int try_refusal(const char *path, const char *why)
{
    struct clipc_image_options options = {.size = sizeof options};
    struct clipc_image image = {0};

    base_clear_error();
    int status = image_read(path, &options, &image);
    if (status == CLIPC_OK || base_errmsg()[0] == '\0') {
        printf("# %s is read, though Pillow: %s\n", path, why);
    }
    pixels_free(&image);
    return status != CLIPC_OK && base_errmsg()[0] != '\0';
}

enum { DRAFT_SIDE = 24 }; /* the oracle's */

/* One line of the oracle: 1 right, 0 wrong, -1 not a file for this build. */
static int try_case(const char *line, const struct clipc_image_options *options)
{
    char path[160], kind_text[8], raw[240];
    const char *kind = kind_text;
    unsigned width, height;
    size_t n, n_raw, sum;
    int most;
    struct clipc_image image = {0};

    if (sscanf(line, "%159s %7s %u %u %239s", path, kind_text, &width, &height, raw) != 5) {
        return 0;
    }
    if (strcmp(kind, "-") == 0) {
        return try_refusal(path, raw);
    }
    bool jpeg = kind[0] == 'J', inexact = jpeg && !have("libjpeg-turbo");
    kind += jpeg;
    uint8_t *bytes = oracle_file(path, &n), *want = oracle_file(raw, &n_raw);
    if (bytes == NULL || want == NULL || image_probe(bytes, n, NULL) != IMAGE_READABLE ||
        (inexact && *kind == 'C')) {
        free(bytes);
        free(want);
        return -1;
    }
    free(bytes);
    clock_t start = clock();
    bool good = image_read(path, options, &image) == CLIPC_OK && right_mode(&image, kind) &&
                image.width == width && image.height == height;
    clock_t ticks = clock() - start;
    if (good) {
        differ(&image, *kind == 'P', want, &sum, &most);
        /* Another JPEG decoder smooths subsampled colour in its own way: measured 0.1 on
         * photographs, up to 2.3 on the smallest of these pictures, which are all edges. */
        good = inexact ? (double)sum <= 3.0 * (double)n_raw : most == 0;
    }
    if (ticks >
        3 * CLOCKS_PER_SEC) { /* texts that grow a thousandfold; all else takes an instant */
        printf("# %s took %ld s of work\n", path, (long)(ticks / CLOCKS_PER_SEC));
        good = false;
    }
    if (!good) {
        printf("# %s: %s %u x %u, format %d, palette %d, %s\n", path, kind, width, height,
               image.format, image.palette,
               image.data != NULL ? "pixels or mode differ" : base_errmsg());
    }
    pixels_free(&image);
    free(want);
    return good;
}

static void test_oracle(const char *what, const struct clipc_image_options *options, int least)
{
    char folder[64], line[512];
    FILE *cases = oracle_open("preprocess_oracle.py", what, folder);
    int good = 0, bad = 0, unread = 0;

    while (cases != NULL && fgets(line, sizeof line, cases) != NULL) {
        int result = try_case(line, options);
        good += result == 1;
        bad += result == 0;
        unread += result < 0;
    }
    if (cases != NULL) {
        check(bad == 0 && good + unread >= least && good > 0,
              "%s: %d files have Pillow's mode and pixels (%d wrong, %d not for this build)", what,
              good, bad, unread);
        oracle_close(cases, folder);
    }
}

/* ---- Damage -------------------------------------------------------------------------------- */

static int decode(const struct image_decoder *decoder, const uint8_t *bytes, size_t n,
                  struct clipc_image *image)
{
    static const struct image_limits limits = {.max_pixels = 1 << 20};

    memset(image, 0, sizeof *image);
    return decoder->probe(bytes, n) ? decoder->decode(bytes, n, &limits, image)
                                    : CLIPC_ERROR_FORMAT;
}

static bool same(const struct clipc_image *a, const struct clipc_image *b)
{
    return a->width == b->width && a->height == b->height && a->format == b->format &&
           memcmp(a->data, b->data, a->stride * a->height) == 0;
}

/* Bytes at the end that no decoder needs: a trailer; of a PNG what stands behind the packed pixels,
 * and their own checksum. */
static size_t tail_of(const uint8_t *bytes, size_t n)
{
    for (size_t at = n; at-- > 8 && memcmp(bytes, "\x89PNG", 4) == 0;) {
        if (n - at >= 4 && memcmp(bytes + at, "IDAT", 4) == 0) {
            const uint8_t *size = bytes + at - 4;
            return n - at - 4 - ((size_t)size[2] << 8 | size[3]) + 5;
        }
    }
    return 8;
}

/* Cut at each length, in front of an unreadable page: an error, or (where only a trailer is gone)
 * the whole picture. */
static void cut(const struct image_decoder *decoder, const char *name, const uint8_t *bytes,
                size_t n)
{
    struct clipc_image whole, part;
    uint8_t *room = check_guarded(n, false);
    size_t wrong = 0, whole_at = n;

    if (!check(decode(decoder, bytes, n, &whole) == CLIPC_OK, "%s by %s", name, decoder->library)) {
        printf("# %s\n", base_errmsg());
        return;
    }
    for (size_t length = n; length-- > 0;) {
        uint8_t *start = room + n - length;
        memcpy(start, bytes, length);
        if (decode(decoder, start, length, &part) != CLIPC_OK) {
            wrong += part.data != NULL;
            continue;
        }
        whole_at = length;
        wrong += !same(&whole, &part);
        pixels_free(&part);
    }
    check(wrong == 0 && n - whole_at <= tail_of(bytes, n),
          "%s by %s: cut at %zu lengths (whole from %zu of %zu on)", name, decoder->library, n,
          whole_at, n);
    pixels_free(&whole);
}

/* The same as of the whole file, pixel by pixel, or gray; how many are not gray?  -1: neither. */
static long count_whole(const struct clipc_image *part, const struct clipc_image *whole)
{
    size_t bytes = channels_of[part->format], n = (size_t)part->width * part->height;
    long count = 0;

    if (part->width != whole->width || part->height != whole->height ||
        part->format != whole->format) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *a = (uint8_t *)part->data + i * bytes;
        const uint8_t *b = (uint8_t *)whole->data + i * bytes;
        uint16_t deep;
        memcpy(&deep, a, bytes > 1 ? 2 : 1);
        bool gray = part->format == CLIPC_I16 ? deep == 128 : a[0] == 128;
        if (memcmp(a, b, bytes) == 0) {
            count++;
        } else if (!gray) {
            return -1;
        }
    }
    return count;
}

/* With `truncated`: each length gives an error or part of the picture, more of it the longer. */
static void take_part(const struct image_decoder *decoder, const char *name, const uint8_t *bytes,
                      size_t n)
{
    static const struct image_limits limits = {.max_pixels = 1 << 20, .truncated = true};
    struct clipc_image whole, part;
    uint8_t *room = check_guarded(n, false);
    bool jpeg = strcmp(decoder->formats, "JPEG") == 0; /* see the oracle's "part" */
    long before = 0, parts = 0, wrong = 0;

    if (decode(decoder, bytes, n, &whole) != CLIPC_OK) {
        return;
    }
    for (size_t length = 0; length <= n; length++) {
        uint8_t *start = room + n - length;
        memcpy(start, bytes, length);
        memset(&part, 0, sizeof part);
        if (!decoder->probe(start, length) ||
            decoder->decode(start, length, &limits, &part) != CLIPC_OK) {
            wrong += part.data != NULL || before > 0;
            continue;
        }
        long count = jpeg ? before + 1 : count_whole(&part, &whole);
        parts++;
        wrong += count < before || count == 0;
        before = count;
        pixels_free(&part);
    }
    check(wrong == 0 && parts > 0 && (jpeg || before == (long)whole.width * whole.height),
          "%s by %s: a part at %ld of %zu lengths", name, decoder->library, parts, n);
    pixels_free(&whole);
}

static void flip(const struct image_decoder *decoder, const char *name, const uint8_t *bytes,
                 size_t n)
{
    uint8_t *room = check_guarded(n, false);
    uint64_t seed = 1;
    size_t refused = 0, tries = 3000;

    for (size_t i = 0; i < tries; i++) {
        struct clipc_image image;
        memcpy(room, bytes, n);
        for (size_t flips = 1 + check_random(&seed) % 3; flips > 0; flips--) {
            uint64_t r = check_random(&seed);
            room[(r >> 8) % n] ^= (uint8_t)(1u << (r & 7));
        }
        int status = decode(decoder, room, n, &image);
        refused += status != CLIPC_OK;
        pixels_free(&image);
    }
    check(true, "%s by %s: survived %zu damaged copies (%zu refused)", name, decoder->library,
          tries, refused);
}

static void test_damage(void)
{
    DIR *dir = opendir(CORPUS);
    struct dirent *entry;
    int files = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[400];
        size_t n;
        snprintf(path, sizeof path, CORPUS "/%s", entry->d_name);
        uint8_t *bytes = entry->d_name[0] == '.' ? NULL : oracle_file(path, &n);
        for (size_t i = 0; bytes != NULL && image_decoders[i] != NULL; i++) {
            if (image_decoders[i]->probe(bytes, n)) {
                cut(image_decoders[i], entry->d_name, bytes, n);
                if (strcmp(image_decoders[i]->library, "stb_image") != 0) {
                    take_part(image_decoders[i], entry->d_name, bytes, n);
                }
                flip(image_decoders[i], entry->d_name, bytes, n);
            }
        }
        files += bytes != NULL;
        free(bytes);
    }
    check(files >= 20, "%d seed files", files);
    if (dir != NULL) {
        closedir(dir);
    }
}

/* ---- The door ------------------------------------------------------------------------------ */

static void expect(int want, const char *word, const void *bytes, size_t n, size_t max_pixels,
                   const char *what)
{
    struct clipc_image_options options = {.size = sizeof options, .max_pixels = max_pixels};
    struct clipc_image image = {0};
    uint8_t *guarded = check_guarded(n, false);
    double start = base_seconds();

    memcpy(guarded, bytes, n);
    int status = image_decode(guarded, n, &options, &image);
    double seconds = base_seconds() - start;
    bool good =
        status == want && image.data == NULL && seconds < 2 && strstr(base_errmsg(), word) != NULL;
    check(good, "%s: %s (%.3f s)", what, base_errmsg(), seconds);
    if (!good) {
        printf("# status %d, wanted %d and \"%s\"\n", status, want, word);
    }
    pixels_free(&image);
}

/* Files of some hundred bytes that claim to be huge. */
static void test_huge(void)
{
    static const char pgm[] = "P5 65535 65535 255\n", wide[] = "P5 70000 2 255\n";
    static const char gif[] = "GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\1\0\0;";
    static const char gif_13k[] =
        "GIF89a\x00\x34\x00\x34\0\0\0,\0\0\0\0\x00\x34\x00\x34\0\2\1\0\0;";
    uint8_t bmp[100] = "BM",
            png[90] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\6";
    struct rusage before, after;
    size_t n;
    uint8_t *jpeg = oracle_file(CORPUS "/jpg_base", &n);

    getrusage(RUSAGE_SELF, &before);
    memcpy(bmp + 10, "\x36\0\0\0\x28\0\0\0\x00\x34\0\0\x00\x34\0\0\1\0\x18\0", 20);
    expect(CLIPC_ERROR_LIMIT, "limits are", pgm, sizeof pgm - 1, 0, "a huge PGM");
    expect(CLIPC_ERROR_LIMIT, "limits are", wide, sizeof wide - 1, 0, "a PGM of a side over 65535");
    expect(CLIPC_ERROR_LIMIT, "limits are", gif, sizeof gif - 1, 0, "a huge GIF");
    expect(CLIPC_ERROR_FORMAT, "truncated", gif_13k, sizeof gif_13k - 1, 0, "a GIF with no codes");
    expect(CLIPC_ERROR_FORMAT, "truncated", bmp, sizeof bmp, 0, "a huge BMP");
    if (have("stb_image")) {
        expect(CLIPC_ERROR_FORMAT, "checksum", png, sizeof png, 0, "a PNG with a wrong checksum");
        memcpy(png + 29, "\xb6\x05\xd9\x50", 4);
        expect(CLIPC_ERROR_LIMIT, "limits are", png, sizeof png, 0, "a huge PNG");
    }
    for (size_t i = 0; jpeg != NULL && i + 9 < n; i++) {
        if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0) {
            memcpy(jpeg + i + 5, "\x34\x00\x34\x00", 4);
        }
    }
    if (have("libjpeg-turbo")) {
        expect(CLIPC_ERROR_FORMAT, "truncated", jpeg, n, 0, "a huge JPEG");
    }
    if (have("libjpeg-turbo") || have("stb_image")) {
        expect(CLIPC_ERROR_LIMIT, "limits are", jpeg, n, 1000000, "a JPEG over the caller's limit");
    }
    free(jpeg);
    getrusage(RUSAGE_SELF, &after);
    check(after.ru_maxrss - before.ru_maxrss < 65536, "which took %ld KiB",
          after.ru_maxrss - before.ru_maxrss);
}

static uint8_t *put(uint8_t *to, const void *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}
#define PUT(to, s) put(to, s, sizeof(s) - 1)

/* A gray progressive JPEG of `side` x `side` pixels (a power of 2), by hand: a bit for each block's
 * first coefficient, then `scans` - 1 scans of one coefficient each, a bit at a time from the 13th
 * down, whose blocks are all empty: 15 bits for each 16384 of them.  Nothing is wrong with it. */
static uint8_t *many_scans(size_t side, size_t scans, size_t *n)
{
    size_t blocks = (side / 8) * (side / 8), log2_run = 0, run = 1;
    uint8_t *jpeg = calloc(1, blocks / 8 + scans * 64 + 1000), *to = jpeg, *size;

    while (log2_run < 14 && run < blocks) {
        run = (size_t)1 << ++log2_run;
    }
    to = PUT(to, "\xff\xd8\xff\xdb\0\x43\0");
    for (size_t i = 0; i < 64; i++) {
        *to++ = 1;
    }
    to = PUT(to, "\xff\xc2\0\x0b\x08");
    size = to;
    to = PUT(to, "----\1\1\x11\0");
    size[0] = size[2] = (uint8_t)(side >> 8);
    size[1] = size[3] = (uint8_t)side;
    to = PUT(to, "\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    to = PUT(to, "\xff\xc4\0\x14\x10\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0");
    to[-1] = (uint8_t)(log2_run << 4);
    to = PUT(to, "\xff\xda\0\x08\1\1\0\0\0\0");
    to += blocks / 8;
    for (size_t i = 0; i + 1 < scans; i++) {
        uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0};
        scan[7] = scan[8] = (uint8_t)(1 + i % 63);
        scan[9] = (uint8_t)(i < 63 ? 13 : (14 - i / 63) << 4 | (13 - i / 63));
        to = put(to, scan, sizeof scan);
        size_t bits = blocks / run * (1 + log2_run); /* the code 0 and zeros: the run itself */
        to += bits / 8;
        *to++ = (uint8_t)(0xff >> bits % 8);
    }
    to = PUT(to, "\xff\xd9");
    *n = (size_t)(to - jpeg);
    return jpeg;
}

static void expect_read(const uint8_t *bytes, size_t n, uint32_t width, const char *what)
{
    struct clipc_image_options options = {.size = sizeof options};
    struct clipc_image image = {0};
    double start = base_seconds();
    int status = image_decode(bytes, n, &options, &image);

    check(status == CLIPC_OK && image.width == width, "%s: %u pixels wide (%.3f s)", what,
          image.width, base_seconds() - start);
    pixels_free(&image);
}

static void test_jpeg(void)
{
    size_t n;
    uint8_t *bytes;

    if (!have("libjpeg-turbo") && !have("stb_image")) {
        check_skip("JPEG: this build reads none");
        return;
    }
    bytes = many_scans(2048, 800, &n);
    expect(CLIPC_ERROR_LIMIT, "scans", bytes, n, 0, "a JPEG of 800 scans");
    free(bytes);
    bytes = many_scans(2048, 60, &n);
    expect_read(bytes, n, 2048, "one of 60 scans");
    free(bytes);
    if (have("libjpeg-turbo")) {
        bytes = many_scans(512, 800, &n);
        expect_read(bytes, n, 512, "a small one of 800 scans");
        free(bytes);
    }
    bytes = oracle_file(CORPUS "/jpg_base", &n);
    for (size_t i = 0; bytes != NULL && i + 8 < n; i++) {
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc4) {
            bytes[i + 6] = 0xff; /* 255 codes of one bit more */
            break;
        }
    }
    expect(CLIPC_ERROR_FORMAT, "Huffman", bytes, n, 0, "a Huffman table of too many codes");
    free(bytes);
}

/* EXIF that points anywhere is no orientation, and no crash. */
static void test_exif(void)
{
    size_t n;
    uint8_t *bytes = oracle_file(CORPUS "/jpg_exif", &n), *room = check_guarded(n, false);
    struct clipc_image_options options = {.size = sizeof options, .apply_exif = 1};
    struct clipc_image image = {0};
    uint64_t seed = 5;

    if (!have("libjpeg-turbo") && !have("stb_image")) {
        check_skip("EXIF: this build reads no JPEG");
        return;
    }
    bool turned = image_decode(bytes, n, &options, &image) == CLIPC_OK && image.width == 5 &&
                  image.height == 9;
    check(turned, "a 9 x 5 picture of orientation 6 becomes %u x %u", image.width, image.height);
    pixels_free(&image);
    for (size_t i = 0; i < 20000; i++) {
        memcpy(room, bytes, n);
        for (size_t j = 0; j < 4; j++) { /* within the first segments */
            room[2 + check_random(&seed) % 100] = (uint8_t)check_random(&seed);
        }
        if (image_decode(room, n, &options, &image) == CLIPC_OK) {
            pixels_free(&image);
        }
    }
    check(true, "20000 damaged EXIF blocks are harmless");
    free(bytes);
}

/* From a pipe, whose length nobody knows before its end; one that has more than is allowed is not
 * read to its end, which may never come. */
static void test_pipe(void)
{
    struct clipc_image_options options = {.size = sizeof options};
    struct clipc_image image = {0};
    size_t n;
    uint8_t *bytes = oracle_file(CORPUS "/pnm_p5", &n);

    for (size_t less = 0; less < 2; less++) {
        int ends[2] = {-1, -1};
        char path[32];
        bool good = bytes != NULL && pipe(ends) == 0 && write(ends[1], bytes, n) == (ssize_t)n &&
                    (less > 0 || close(ends[1]) == 0);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        options.max_file_bytes = n - less;
        alarm(20);
        int status = image_read(path, &options, &image);
        alarm(0);
        check(good && status == (less > 0 ? CLIPC_ERROR_LIMIT : CLIPC_OK),
              "a pipe of %zu bytes, %zu allowed: %s", n, n - less,
              status == CLIPC_OK ? "read" : base_errmsg());
        pixels_free(&image);
        if (less > 0) {
            close(ends[1]);
        }
        close(ends[0]);
    }
    free(bytes);
}

static void test_read(void)
{
    struct clipc_image_options options = {.size = sizeof options};
    struct clipc_image image = {0};
    static const char *const magics[] = {"\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n",
                                         "RIFF\x10\0\0\0WEBPVP8 "};
    static const char *const packages[] = {"libjpeg-dev", "libstb-dev", "libwebp-dev"};

    expect(CLIPC_ERROR_FORMAT, "empty", "", 0, 0, "an empty file");
    expect(CLIPC_ERROR_FORMAT, "not an image", "hello world, no image", 21, 0, "text");
    expect(CLIPC_ERROR_FORMAT, "not an image", "PK\3\4aaaaaaaaaaaaaaaaaaa", 23, 0, "a zip file");
    for (size_t i = 0; i < 3; i++) {
        size_t n = i == 0 ? 4 : i == 1 ? 8 : 16;
        bool can = image_probe((const uint8_t *)magics[i], n, NULL) == IMAGE_READABLE;
        expect(can ? CLIPC_ERROR_FORMAT : CLIPC_ERROR_UNSUPPORTED, can ? "" : packages[i],
               magics[i], n, 0, can ? "only the first bytes" : "a format this build lacks");
    }
    int status = image_read("tests", &options, &image);
    check(status == CLIPC_ERROR_IO && strncmp(base_errmsg(), "tests: ", 7) == 0, "a folder: %s",
          base_errmsg());
    status = image_read("no/such/file.png", &options, &image);
    check(status == CLIPC_ERROR_IO && strncmp(base_errmsg(), "no/such/file.png: ", 18) == 0,
          "no file: %s", base_errmsg());
    status = image_read("Makefile", &options, &image);
    check(status == CLIPC_ERROR_FORMAT && strncmp(base_errmsg(), "Makefile: ", 10) == 0,
          "no image: %s", base_errmsg());
    options.max_file_bytes = 10;
    status = image_read(CORPUS "/pnm_p5", &options, &image);
    check(status == CLIPC_ERROR_LIMIT, "a file over the limit: %s", base_errmsg());
    for (size_t i = 0; image_decoders[i] != NULL; i++) {
        char names[64], *name = names;
        snprintf(names, sizeof names, "%s", image_decoders[i]->formats);
        for (name = strtok(names, " "); name != NULL; name = strtok(NULL, " ")) {
            check(strstr(image_formats(), name) != NULL, "%s is among %s", name, image_formats());
        }
    }
}

int main(void)
{
    test_read();
    test_pipe();
    test_huge();
    test_jpeg();
    test_exif();
    test_damage();
    const struct clipc_image_options plain = {.size = sizeof plain};
    const struct clipc_image_options upright = {.size = sizeof upright, .apply_exif = 1};
    const struct clipc_image_options truncated = {.size = sizeof truncated, .truncated = 1};
    const struct clipc_image_options small = {.size = sizeof small, .least_side = DRAFT_SIDE};
    test_oracle("decode", &plain, 100);
    test_oracle("exif", &upright, 150);
    if (have("libjpeg-turbo")) { /* the only decoder of JPEG that says where its data ended */
        test_oracle("damage", &plain, 1000);
        test_oracle("part", &truncated, 90);
        test_oracle("draft", &small, 120);
    }
    return check_done();
}
