#include "preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* What happens to a row of the image before it is resized. */
enum prepare { PREPARE_NOTHING, PREPARE_RGB, PREPARE_ALPHA };

/* What is resized: rows of the image, prepared to `channels` bytes a pixel (or one of 16 bits). */
struct view {
    const struct clipc_image *image;
    size_t width, height, channels;
    enum prepare prepare;
};

/* ---- Sizes and the crop: torchvision's and HuggingFace's rules ----------------------------- */

/* Where the crop lies in the resized picture, which is never computed outside it. */
struct plan {
    size_t width, height; /* of the whole picture resized */
    size_t left, top;     /* of the crop, size x size */
};

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

/* ---- Coefficients: Pillow's precompute_coeffs (libImaging/Resample.c) ---------------------- */

static double bicubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1) {
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* One axis: for each output position its inputs and their weights. */
struct axis {
    struct kernels_taps *taps; /* [n] */
    double *weights;           /* [n, most] in double, sum 1 */
    int32_t *coeffs;           /* [n, most] times 2^22 */
    size_t n, most;            /* most: taps of the widest */
};

static void axis_free(struct axis *a)
{
    free(a->taps);
    free(a->weights);
    free(a->coeffs);
}

/* Outputs [first, first + n) of `in` inputs resized to `out`. */
static int axis_make(struct axis *a, enum format_filter filter, size_t in, size_t out, size_t first,
                     size_t n)
{
    double scale = (double)in / (double)out, stretch = scale < 1 ? 1 : scale;
    double support = (filter == FORMAT_BICUBIC ? 2 : 1) * stretch, inverse = 1 / stretch;

    memset(a, 0, sizeof *a);
    a->n = n;
    a->most = (size_t)ceil(support) * 2 + 1;
    a->taps = calloc(n, sizeof *a->taps);
    a->weights = calloc(n * a->most, sizeof *a->weights);
    a->coeffs = calloc(n * a->most, sizeof *a->coeffs);
    if (a->taps == NULL || a->weights == NULL || a->coeffs == NULL) {
        axis_free(a);
        return base_fail(CLIPC_ERROR_MEMORY, "resize: no memory for %zu x %zu coefficients", n,
                         a->most);
    }
    for (size_t i = 0; i < n; i++) {
        double center = ((double)(first + i) + 0.5) * scale, sum = 0;
        double low = center - support + 0.5, high = center + support + 0.5;
        size_t from = low < 0 ? 0 : (size_t)low, to = high > (double)in ? in : (size_t)high;
        double *w = a->weights + i * a->most;
        for (size_t x = from; x < to; x++) {
            double at = ((double)x - center + 0.5) * inverse;
            w[x - from] = filter == FORMAT_BICUBIC ? bicubic(at) : bilinear(at);
            sum += w[x - from];
        }
        for (size_t x = 0; x < to - from; x++) {
            w[x] = sum != 0 ? w[x] / sum : w[x];
            a->coeffs[i * a->most + x] =
                (int32_t)(w[x] < 0 ? w[x] * (1 << 22) - 0.5 : w[x] * (1 << 22) + 0.5);
        }
        a->taps[i] =
            (struct kernels_taps){(uint32_t)from, (uint32_t)(to - from), (uint32_t)(i * a->most)};
    }
    return CLIPC_OK;
}

/* ---- Pixels on the way: alpha and CMYK ----------------------------------------------------- */

/* a * b / 255, rounded: Pillow's MULDIV255. */
static uint8_t muldiv255(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

static void premultiply(uint8_t *row, size_t n, size_t channels)
{
    for (size_t i = 0; i < n; i++, row += channels) {
        for (size_t c = 0; c + 1 < channels; c++) {
            row[c] = muldiv255(row[c], row[channels - 1]);
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

/* One row of any format to RGB, as Pillow's convert("RGB"). */
static void to_rgb(const uint8_t *from, size_t n, int format, uint8_t *to)
{
    for (size_t i = 0; i < n; i++, to += 3) {
        switch (format) {
        case CLIPC_RGB:
            memcpy(to, from + 3 * i, 3);
            break;
        case CLIPC_RGBA:
            memcpy(to, from + 4 * i, 3);
            break;
        case CLIPC_L:
            memset(to, from[i], 3);
            break;
        case CLIPC_LA:
            memset(to, from[2 * i], 3);
            break;
        case CLIPC_CMYK: {
            unsigned nk = 255u - from[4 * i + 3];
            for (size_t c = 0; c < 3; c++) {
                to[c] = (uint8_t)(nk - muldiv255(from[4 * i + c], nk));
            }
            break;
        }
        default: { /* mode I: clipped, not scaled */
            uint16_t v = ((const uint16_t *)(const void *)from)[i];
            memset(to, v > 255 ? 255 : v, 3);
        }
        }
    }
}

/* ---- The resize: rows of the horizontal pass pass through a ring, so that scratch is bounded  */

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

static const uint8_t *view_row(const struct view *v, size_t y)
{
    return (const uint8_t *)v->image->data + y * v->image->stride;
}

/* Input row `y`, cropped and passed horizontally, into `to`. */
static void horizontal(struct resizer *s, size_t y, uint8_t *to)
{
    const uint8_t *from = view_row(&s->in, y);
    size_t channels = s->in.channels;

    if (s->in.prepare == PREPARE_RGB) {
        to_rgb(from, s->in.width, s->in.image->format, s->row);
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
}

/* Output row `i` of the crop. */
static void output_row(struct resizer *s, size_t i, uint8_t *to)
{
    size_t bytes = s->n * s->in.channels;

    if (s->skip_y) {
        horizontal(s, s->top + i, to);
        return;
    }
    const struct kernels_taps *t = &s->y.taps[i];
    if (t->first > s->first) { /* rows that no later output needs move out */
        size_t drop = t->first - s->first, keep = s->next > t->first ? s->next - t->first : 0;
        memmove(s->rows, s->rows + drop * bytes, keep * bytes);
        s->first = t->first;
        s->next = s->next > t->first ? s->next : t->first;
    }
    for (; s->next < t->first + t->n; s->next++) {
        horizontal(s, s->next, s->rows + (s->next - s->first) * bytes);
    }
    s->k->resize_vertical(to, s->rows, bytes, bytes, t->n, s->y.coeffs + t->offset);
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
static int crop_bytes(const struct preprocess *p, const struct kernels *k, const struct view *in,
                      const struct plan *plan, uint8_t *crop)
{
    int format = in->prepare == PREPARE_RGB ? CLIPC_RGB : in->image->format;
    struct resizer s;
    int status = resizer_make(&s, p, k, in, plan);
    uint8_t *row = status == CLIPC_OK ? malloc(s.n * in->channels) : NULL;

    if (status == CLIPC_OK && row == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "resize: out of memory");
    }
    for (size_t i = 0; status == CLIPC_OK && i < s.n; i++) {
        output_row(&s, i, row);
        if (in->prepare == PREPARE_ALPHA) {
            unpremultiply(row, s.n, in->channels);
        }
        to_rgb(row, s.n, format, crop + i * s.n * 3);
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

static int crop_nearest(const struct preprocess *p, const struct view *in, const struct plan *plan,
                        uint8_t *crop)
{
    size_t *xs = NULL, *ys = NULL, n = (size_t)p->size;
    int status = nearest_indices(in->width, plan->width, plan->left, n, &xs);

    if (status == CLIPC_OK) {
        status = nearest_indices(in->height, plan->height, plan->top, n, &ys);
    }
    for (size_t y = 0; status == CLIPC_OK && y < n; y++) {
        for (size_t x = 0; x < n; x++) {
            to_rgb(view_row(in, ys[y]) + xs[x] * in->channels, 1, in->image->format,
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
    const uint16_t *from = (const uint16_t *)(const void *)view_row(&s->in, y);

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

static int crop_deep(const struct preprocess *p, const struct kernels *k, const struct view *in,
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

/* ---- The door ------------------------------------------------------------------------------ */

int preprocess_crop(const struct preprocess *p, const struct kernels *k,
                    const struct clipc_image *image, uint8_t *crop)
{
    static const size_t channels[] = {3, 4, 1, 2, 4, 2};
    int format = image->format;
    struct view in = {image, image->width, image->height, channels[format], PREPARE_NOTHING};
    struct plan plan = make_plan(p, image->width, image->height);

    if (p->resize != FORMAT_SHORTEST && p->resize != FORMAT_SQUASH) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "resize mode %d: use a newer clipc", p->resize);
    }
    if (p->rules == FORMAT_HF &&
        format != CLIPC_L) { /* RGB before anything else; gray stays gray */
        in.channels = 3;
        in.prepare = format == CLIPC_RGB ? PREPARE_NOTHING : PREPARE_RGB;
        return crop_bytes(p, k, &in, &plan, crop);
    }
    if (p->rules == FORMAT_OPENAI && image->palette) {
        return crop_nearest(p, &in, &plan, crop);
    }
    if (format == CLIPC_I16) {
        return crop_deep(p, k, &in, &plan, crop);
    }
    /* Pillow premultiplies only when a pass will follow. */
    if ((format == CLIPC_RGBA || format == CLIPC_LA) &&
        (plan.width != image->width || plan.height != image->height)) {
        in.prepare = PREPARE_ALPHA;
    }
    return crop_bytes(p, k, &in, &plan, crop);
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
