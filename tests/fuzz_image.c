/* fuzz_image.c - any bytes to every decoder that the build has, then to a crop of each order; and
 * row by row, with the same result. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/image/image.h"
#include "../src/image/pixels.h"
#include "../src/image/preprocess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    /* A fuzzer finds large pictures in small files, which are slow and find nothing. */
    struct clipc_image_options options = {
        .size = sizeof options, .max_pixels = 1 << 18, .apply_exif = 1};
    struct preprocess rules = {.size = 5, .resize = FORMAT_SHORTEST, .filter = FORMAT_BICUBIC};
    static uint8_t crop[5 * 5 * 3], again[5 * 5 * 3];
    struct clipc_image image;
    struct image_rows *rows;
    struct kernels kernels;

    if (image_decode(data, n, &options, &image) == CLIPC_OK && kernels_find("scalar", &kernels)) {
        for (int order = FORMAT_OPENAI; order <= FORMAT_HF; order++) {
            rules.rules = (enum format_rules)order;
            if (preprocess_crop(&rules, &kernels, &image, crop) != CLIPC_OK) {
                abort();
            }
        }
        pixels_free(&image);
        if (image_open(data, n, &options, &rows) != CLIPC_OK ||
            preprocess_rows(&rules, &kernels, rows, again) != CLIPC_OK ||
            memcmp(crop, again, sizeof crop) != 0) {
            abort();
        }
        rows->class->free(rows);
    } else if (image_open(data, n, &options, &rows) == CLIPC_OK) {
        if (kernels_find("scalar", &kernels) &&
            preprocess_rows(&rules, &kernels, rows, again) == CLIPC_OK) {
            abort();
        }
        rows->class->free(rows);
    }
    return 0;
}
