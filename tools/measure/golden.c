/* golden.c - the picture and the ids by their formulas, in whole numbers up to the last step, so
 * that every machine has the same ones. */
#include "golden.h"

void golden_pixels(const struct format_header *h, float *pixels)
{
    uint32_t size = h->image_size;

    for (uint32_t c = 0; c < 3; c++) {
        for (uint32_t y = 0; y < size; y++) {
            for (uint32_t x = 0; x < size; x++) {
                uint32_t byte = (x + 131 * y + 17161 * c) * 2654435761u >> 24;
                *pixels++ = ((float)byte / 255.0f - h->mean[c]) / h->std[c];
            }
        }
    }
}

uint32_t golden_count(const struct format_header *h)
{
    return h->text.positions < GOLDEN_IDS ? h->text.positions : GOLDEN_IDS;
}

uint32_t golden_ids(const struct format_header *h, int32_t *ids)
{
    uint32_t n = golden_count(h);

    for (uint32_t i = 0; i < n; i++) {
        ids[i] = (int32_t)((7919 * i + 13) % h->vocab_size);
    }
    ids[0] = (int32_t)h->sot_id;
    ids[n - 1] = (int32_t)h->eot_id;
    return n;
}
