/* fuzz_image.c - any bytes to every decoder that the build has, then to a crop of each order. */
#include <stdint.h>
#include <stdlib.h>

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
    static uint8_t crop[5 * 5 * 3];
    struct clipc_image image;
    struct kernels kernels;

    if (image_decode(data, n, &options, &image) == CLIPC_OK && kernels_find("scalar", &kernels)) {
        for (int order = FORMAT_OPENAI; order <= FORMAT_HF; order++) {
            rules.rules = (enum format_rules)order;
            if (preprocess_crop(&rules, &kernels, &image, crop) != CLIPC_OK) {
                abort();
            }
        }
        pixels_free(&image);
    }
    return 0;
}
