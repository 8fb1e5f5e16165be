/* preprocess.c - which resize an image gets, by whose rules and where the crop lies; and the bytes
 * of the crop to floats. */
#include "preprocess.h"

#include "../base/base.h"
#include "pixels.h"
#include "resize.h"

/* ---- Sizes and the crop: torchvision's and HuggingFace's rules ----------------------------- */

/* Half of a difference, a tie to the even whole (Python's round), or downwards. */
static size_t half_of(size_t difference, enum format_rules rules)
{
    size_t half = difference / 2;

    return rules == FORMAT_OPENAI && difference % 2 == 1 && half % 2 == 1 ? half + 1 : half;
}

static struct plan make_plan(const struct preprocess *p, size_t width, size_t height)
{
    size_t n = (size_t)p->size;
    struct plan plan = {n, n, 0, 0};

    if (p->resize == FORMAT_SHORTEST) {
        /* int(size * long / short): one product, one division in double, truncated. */
        if (width <= height) {
            plan.height = (size_t)((double)(n * height) / (double)width);
        } else {
            plan.width = (size_t)((double)(n * width) / (double)height);
        }
        plan.left = half_of(plan.width - n, p->rules);
        plan.top = half_of(plan.height - n, p->rules);
    }
    return plan;
}

/* ---- The door ------------------------------------------------------------------------------ */

static int resize_rows(const struct preprocess *p, const struct kernels *k, struct image_rows *rows,
                       uint8_t *crop)
{
    int format = rows->format;
    struct view in = {rows, rows->width, rows->height, pixels_formats[format].bytes,
                      PREPARE_NOTHING};
    struct plan plan = make_plan(p, rows->width, rows->height);

    if (p->resize != FORMAT_SHORTEST && p->resize != FORMAT_SQUASH) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "resize mode %d: use a newer clipc", p->resize);
    }
    if (p->rules == FORMAT_HF &&
        format != CLIPC_L) { /* RGB before anything else; gray stays gray */
        in.channels = 3;
        in.prepare = format == CLIPC_RGB ? PREPARE_NOTHING : PREPARE_RGB;
        return resize_bytes(p, k, &in, &plan, crop);
    }
    if (p->rules == FORMAT_OPENAI && rows->palette) {
        return resize_nearest(p, &in, &plan, crop);
    }
    if (format == CLIPC_I16) {
        return resize_deep(p, k, &in, &plan, crop);
    }
    /* Pillow premultiplies only when a pass will follow. */
    if (pixels_formats[format].alpha &&
        (plan.width != rows->width || plan.height != rows->height)) {
        in.prepare = PREPARE_ALPHA;
    }
    return resize_bytes(p, k, &in, &plan, crop);
}

int preprocess_crop(const struct preprocess *p, const struct kernels *k,
                    const struct clipc_image *image, uint8_t *crop)
{
    struct rows_whole whole;

    rows_of_image(&whole, image);
    return resize_rows(p, k, &whole.rows, crop);
}

int preprocess_rows(const struct preprocess *p, const struct kernels *k, struct image_rows *rows,
                    uint8_t *crop)
{
    int status = resize_rows(p, k, rows, crop);

    return status == CLIPC_OK ? rows->class->end(rows) : status;
}

void preprocess_normalise(const struct preprocess *p, const uint8_t *crop, float *pixels)
{
    size_t area = (size_t)p->size * (size_t)p->size;

    for (size_t c = 0; c < 3; c++) {
        float table[256];
        for (int v = 0; v < 256; v++) {
            float x = (float)v / 255.0f;
            x = x - p->mean[c];
            table[v] = x / p->std[c];
        }
        for (size_t i = 0; i < area; i++) {
            pixels[c * area + i] = table[crop[3 * i + c]];
        }
    }
}
