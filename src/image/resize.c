/* resize.c - Pillow's resize (libImaging/Resample.c) of a crop: a horizontal pass, then a
 * vertical one over a ring of its rows; the nearest pixel for palettes; 16-bit gray in double. */
#include "resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "pixels.h"
#include "../base/base.h"

/* ---- Pixels on the way: alpha ---------------------------------------------------------------- */

static void premultiply(uint8_t *row, size_t n, size_t channels)
{
    for (size_t i = 0; i < n; i++, row += channels) {
        for (size_t c = 0; c + 1 < channels; c++) {
            row[c] = pixels_muldiv255(row[c], row[channels - 1]);
        }
    }
}

static void unpremultiply(uint8_t *row, size_t n, size_t channels)
{
    for (size_t i = 0; i < n; i++, row += channels) {
        unsigned alpha = row[channels - 1];
        for (size_t c = 0; alpha != 0 && alpha != 255 && c + 1 < channels; c++) {
            unsigned v = 255u * row[c] / alpha;
            row[c] = (uint8_t)(v > 255 ? 255 : v);
        }
    }
}

/* ---- Two passes ---------------------------------------------------------------------------- */

/* Rows of the horizontal pass go through a ring of as many as one output row needs, so that scratch
 * is bounded whatever the image's height. */
struct resizer {
    const struct kernels *k;
    struct axis x, y;
    struct view in;
    bool skip_x, skip_y; /* a side that keeps its size has no pass */
    size_t left, top;    /* of the crop, in the resized picture */
    size_t n;            /* side of the crop */
    uint8_t *rows;       /* [y.most, n, channels]: the rows that one output row needs */
    uint8_t *row;        /* [width, channels]: a prepared input row, or NULL */
    size_t next;         /* first input row that is not in `rows` */
    size_t first;        /* input row that rows[0] holds */
};

/* Input row `y`, cropped and passed horizontally, into `to`.  0, or why there is no such row. */
static int horizontal(struct resizer *s, size_t y, uint8_t *to)
{
    const uint8_t *from = rows_get(s->in.rows, y);
    size_t channels = s->in.channels;

    if (from == NULL) {
        return s->in.rows->status;
    }
    if (s->in.prepare == PREPARE_RGB) {
        pixels_row_to_rgb(from, s->in.width, s->in.rows->format, s->row);
        from = s->row;
    } else if (s->in.prepare == PREPARE_ALPHA) {
        memcpy(s->row, from, s->in.width * channels);
        premultiply(s->row, s->in.width, channels);
        from = s->row;
    }
    if (s->skip_x) {
        memcpy(to, from + s->left * channels, s->n * channels);
    } else {
        s->k->resize_horizontal(to, from, s->n, channels, s->x.taps, s->x.coeffs);
    }
    return CLIPC_OK;
}

/* Output row `i` of the crop: 0, or a negative clipc_status. */
static int output_row(struct resizer *s, size_t i, uint8_t *to)
{
    size_t bytes = s->n * s->in.channels;

    if (s->skip_y) {
        return horizontal(s, s->top + i, to);
    }
    const struct kernels_taps *t = &s->y.taps[i];
    if (t->first > s->first) { /* rows that no later output needs move out */
        size_t drop = t->first - s->first, keep = s->next > t->first ? s->next - t->first : 0;
        memmove(s->rows, s->rows + drop * bytes, keep * bytes);
        s->first = t->first;
        s->next = s->next > t->first ? s->next : t->first;
    }
    for (; s->next < t->first + t->n; s->next++) {
        int status = horizontal(s, s->next, s->rows + (s->next - s->first) * bytes);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    s->k->resize_vertical(to, s->rows, bytes, bytes, t->n, s->y.coeffs + t->offset);
    return CLIPC_OK;
}

static int resizer_make(struct resizer *s, const struct preprocess *p, const struct kernels *k,
                        const struct view *in, const struct plan *plan)
{
    size_t n = (size_t)p->size;
    int status = CLIPC_OK;

    memset(s, 0, sizeof *s);
    s->k = k;
    s->in = *in;
    s->n = n;
    s->left = plan->left;
    s->top = plan->top;
    s->skip_x = plan->width == in->width;
    s->skip_y = plan->height == in->height;
    if (!s->skip_x) {
        status = axis_make(&s->x, p->filter, in->width, plan->width, plan->left, n);
    }
    if (status == CLIPC_OK && !s->skip_y) {
        status = axis_make(&s->y, p->filter, in->height, plan->height, plan->top, n);
        s->first = s->next = status == CLIPC_OK ? s->y.taps[0].first : 0;
    }
    if (status == CLIPC_OK) {
        s->rows = malloc((s->y.most + 1) * n * in->channels);
        s->row = malloc(in->prepare != PREPARE_NOTHING ? in->width * in->channels : 1);
        if (s->rows == NULL || s->row == NULL) {
            status = base_fail(CLIPC_ERROR_MEMORY, "resize: no memory for a strip of the image");
        }
    }
    return status;
}

static void resizer_free(struct resizer *s)
{
    axis_free(&s->x);
    axis_free(&s->y);
    free(s->rows);
    free(s->row);
}

/* Bytes: through the two passes, then to RGB. */
int resize_bytes(const struct preprocess *p, const struct kernels *k, const struct view *in,
                 const struct plan *plan, uint8_t *crop)
{
    int format = in->prepare == PREPARE_RGB ? CLIPC_RGB : in->rows->format;
    struct resizer s;
    int status = resizer_make(&s, p, k, in, plan);
    uint8_t *row = status == CLIPC_OK ? malloc(s.n * in->channels) : NULL;

    if (status == CLIPC_OK && row == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "resize: out of memory");
    }
    for (size_t i = 0; status == CLIPC_OK && i < s.n; i++) {
        status = output_row(&s, i, row);
        if (status == CLIPC_OK && in->prepare == PREPARE_ALPHA) {
            unpremultiply(row, s.n, in->channels);
        }
        if (status == CLIPC_OK) {
            pixels_row_to_rgb(row, s.n, format, crop + i * s.n * 3);
        }
    }
    free(row);
    resizer_free(&s);
    return status;
}

/* Pillow's NEAREST takes the input at scale / 2, then steps by scale, adding up in double. */
static int nearest_indices(size_t in, size_t out, size_t first, size_t n, size_t **result)
{
    double scale = (double)in / (double)out, at = scale * 0.5;

    *result = malloc(n * sizeof **result);
    if (*result == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "resize: out of memory");
    }
    for (size_t i = 0; i < first + n; i++, at += scale) {
        if (i >= first) {
            size_t index = (size_t)at;
            (*result)[i - first] = index < in ? index : in - 1;
        }
    }
    return CLIPC_OK;
}

int resize_nearest(const struct preprocess *p, const struct view *in, const struct plan *plan,
                   uint8_t *crop)
{
    size_t *xs = NULL, *ys = NULL, n = (size_t)p->size;
    int status = nearest_indices(in->width, plan->width, plan->left, n, &xs);

    if (status == CLIPC_OK) {
        status = nearest_indices(in->height, plan->height, plan->top, n, &ys);
    }
    for (size_t y = 0; status == CLIPC_OK && y < n; y++) {
        const uint8_t *row = rows_get(in->rows, ys[y]);
        status = row != NULL ? CLIPC_OK : in->rows->status;
        for (size_t x = 0; row != NULL && x < n; x++) {
            pixels_row_to_rgb(row + xs[x] * in->channels, 1, in->rows->format,
                              crop + (y * n + x) * 3);
        }
    }
    free(xs);
    free(ys);
    return status;
}

/* Mode I: 32-bit whole numbers; each pass sums in double and rounds half away from zero. */
static double round_away(double v)
{
    return v >= 0 ? floor(v + 0.5) : -floor(0.5 - v);
}

static void deep_row(const struct resizer *s, size_t y, double *to)
{
    const uint16_t *from = (const uint16_t *)(const void *)rows_get(s->in.rows, y);

    for (size_t i = 0; i < s->n; i++) {
        if (s->skip_x) {
            to[i] = from[s->left + i];
            continue;
        }
        const struct kernels_taps *t = &s->x.taps[i];
        double sum = 0;
        for (size_t j = 0; j < t->n; j++) {
            sum += from[t->first + j] * s->x.weights[t->offset + j];
        }
        to[i] = round_away(sum);
    }
}

int resize_deep(const struct preprocess *p, const struct kernels *k, const struct view *in,
                const struct plan *plan, uint8_t *crop)
{
    struct resizer s;
    size_t n = (size_t)p->size;
    int status = resizer_make(&s, p, k, in, plan);
    double *row = malloc(2 * n * sizeof *row);

    if (status == CLIPC_OK && row == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "resize: out of memory");
    }
    for (size_t i = 0; status == CLIPC_OK && i < n; i++) {
        size_t taps = s.skip_y ? 1 : s.y.taps[i].n,
               first = s.skip_y ? s.top + i : s.y.taps[i].first;
        double *sums = row + n;
        memset(sums, 0, n * sizeof *sums);
        for (size_t t = 0; t < taps; t++) {
            double weight = s.skip_y ? 1 : s.y.weights[s.y.taps[i].offset + t];
            deep_row(&s, first + t, row);
            for (size_t x = 0; x < n; x++) {
                sums[x] += row[x] * weight;
            }
        }
        for (size_t x = 0; x < n; x++) {
            double v = round_away(sums[x]);
            memset(crop + (i * n + x) * 3, v < 0 ? 0 : v > 255 ? 255 : (int)v, 3);
        }
    }
    free(row);
    resizer_free(&s);
    return status;
}
