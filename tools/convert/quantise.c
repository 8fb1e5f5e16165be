/* quantise.c - weights to int8, one scale for each output, smoothed by what can be known of the
 * activations without a calibration set. */
#include "quantise.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "../cli/cli.h"

/* ---- The source, by name ------------------------------------------------------------------- */

struct wanted {
    const char *name;
    struct weights_spec spec;
};

static int match(void *arg, const struct weights_spec *spec)
{
    struct wanted *w = arg;

    if (strcmp(spec->name, w->name) != 0) {
        return 0;
    }
    w->spec = *spec;
    return 1;
}

/* Part `part` ("ln_1", ".weight") of the block that layer `of` is in. */
static struct weights_spec beside(const struct source *s, const struct weights_spec *of,
                                  const char *part, const char *suffix)
{
    char name[FORMAT_NAME_BYTES];
    const char *dot = strchr(strchr(of->name, '.') + 1, '.'); /* behind "vision.03" */

    snprintf(name, sizeof name, "%.*s.%.16s%.8s", (int)(dot - of->name), of->name, part, suffix);
    struct wanted w = {.name = name};
    weights_each_spec(&s->header, match, &w);
    return w.spec;
}

static int read_vector(const struct source *s, const struct weights_spec *of, const char *part,
                       const char *suffix, float *values)
{
    struct weights_spec spec = beside(s, of, part, suffix);

    return s->row(s, &spec, 0, values);
}

/* ---- Smoothing ----------------------------------------------------------------------------- */

/* Where the inputs of a layer come from: a LayerNorm, or a layer behind one, whose outputs from
 * `first` widths on they are. */
static const struct origin {
    const char *layer, *norm, *before;
    uint32_t first;
} origins[] = {{"attn_in", "ln_1", NULL, 0},
               {"attn_out", "ln_1", "attn_in", 2}, /* means of values */
               {"c_fc", "ln_2", NULL, 0},
               {"c_proj", "ln_2", "c_fc", 0}}; /* after a GELU */

static const struct origin *origin_of(const struct weights_spec *spec)
{
    size_t i = 0;

    while (i < 3 && strstr(spec->name, origins[i].layer) == NULL) {
        i++;
    }
    return &origins[i];
}

/* size[i]: about the largest that input i of the layer becomes.  What LayerNorm makes has mean beta
 * and deviation gamma; of a weighted sum of that, with weights w, they are w.beta and |w gamma|.
 * Three deviations from the mean is far, in a row of some hundred.
 * room: [3][widest row] floats. */
static int input_sizes(const struct source *s, const struct weights_spec *spec, float *room,
                       size_t widest, float *size)
{
    const struct origin *o = origin_of(spec);
    float *gamma = room, *beta = room + widest, *row = room + 2 * widest;
    struct weights_spec norm = beside(s, spec, o->norm, ".weight");
    int status = read_vector(s, spec, o->norm, ".weight", gamma);

    if (status == CLIPC_OK) {
        status = read_vector(s, spec, o->norm, ".bias", beta);
    }
    if (status != CLIPC_OK || o->before == NULL) {
        for (uint32_t i = 0; status == CLIPC_OK && i < spec->cols; i++) {
            size[i] = fabsf(beta[i]) + 3 * fabsf(gamma[i]);
        }
        return status;
    }
    struct weights_spec before = beside(s, spec, o->before, ".weight");
    for (uint32_t i = 0; i < spec->cols && status == CLIPC_OK; i++) {
        double mean = 0, variance = 0;
        status = s->row(s, &before, o->first * norm.cols + i, row);
        for (uint32_t j = 0; j < norm.cols; j++) {
            double w = (double)row[j];
            mean += w * (double)beta[j];
            variance += w * (double)gamma[j] * w * (double)gamma[j];
        }
        size[i] = (float)(fabs(mean) + 3 * sqrt(variance));
    }
    return status;
}

/* smooth[i] = sqrt(|largest weight of input i| / |largest input i|): an input whose values are
 * large gives half of its excess to its weights, so that neither fills the scale that it shares
 * with others: Xiao et al. 2023, "SmoothQuant", equation 4 with alpha 1/2.  Where they take maxima
 * over a calibration set, inputs are guessed from the weights before them. */
static void smooth_from(const float *weight, const float *input, uint32_t n, float *smooth)
{
    for (uint32_t i = 0; i < n; i++) {
        float s = sqrtf(weight[i] / input[i]);
        smooth[i] = s > 0x1p-40f && s < 0x1p40f ? s : 1; /* nothing comes in, or nothing goes out */
    }
}

/* ---- A layer ------------------------------------------------------------------------------- */

struct layer {
    const struct source *s;
    const struct weights_spec *spec;
    int8_t *panels;           /* as the file has them, zeroed */
    float *scale, *smooth;    /* [rows and cols padded] */
    int32_t *sums;            /* [rows padded] */
    float *row, *size, *most; /* [cols] */
    float *room;              /* for input_sizes */
    int8_t *q;                /* [cols] */
    double squares, all;      /* of the errors and of the weights */
    double worst, largest;    /* error and weight */
};

/* most[i]: the largest weight of input i. */
static int column_sizes(struct layer *l)
{
    int status = CLIPC_OK;

    for (uint32_t o = 0; o < l->spec->rows && status == CLIPC_OK; o++) {
        status = l->s->row(l->s, l->spec, o, l->row);
        for (uint32_t i = 0; i < l->spec->cols && status == CLIPC_OK; i++) {
            l->most[i] = fmaxf(l->most[i], fabsf(l->row[i]));
        }
    }
    return status;
}

static int quantise_row(struct layer *l, uint32_t o)
{
    int status = l->s->row(l->s, l->spec, o, l->row);

    for (uint32_t i = 0; i < l->spec->cols && status == CLIPC_OK; i++) {
        l->row[i] /= l->smooth[i];
    }
    if (status != CLIPC_OK) {
        return status;
    }
    l->scale[o] = pack_quantise(l->q, &l->sums[o], l->row, l->spec->cols);
    pack_row(l->panels, KERNELS_Q8, l->spec->cols, o, l->q);
    for (uint32_t i = 0; i < l->spec->cols; i++) {
        double w = (double)l->row[i] * (double)l->smooth[i];
        double error = (double)l->q[i] * (double)l->scale[o] * (double)l->smooth[i] - w;
        l->squares += error * error;
        l->all += w * w;
        l->worst = fmax(l->worst, fabs(error));
        l->largest = fmax(l->largest, fabs(w));
    }
    return CLIPC_OK;
}

static int write_part(struct writer *w, const struct weights_spec *spec, const char *suffix,
                      const void *data, uint32_t n)
{
    char name[FORMAT_NAME_BYTES];

    weights_part_name(name, spec->name, suffix);
    return writer_write(w, name, data, base_round_up(n, KERNELS_PAD) * sizeof(float));
}

static int write_layer(const struct layer *l, struct writer *w)
{
    const struct weights_spec *spec = l->spec;
    int status =
        writer_write(w, spec->name, l->panels, pack_bytes(KERNELS_Q8, spec->rows, spec->cols));

    if (status == CLIPC_OK) {
        status = write_part(w, spec, ".scale", l->scale, spec->rows);
    }
    if (status == CLIPC_OK) {
        status = write_part(w, spec, ".sums", l->sums, spec->rows);
    }
    return status == CLIPC_OK ? write_part(w, spec, ".smooth", l->smooth, spec->cols) : status;
}

static int run_layer(struct layer *l, size_t widest)
{
    int status = column_sizes(l);

    if (status == CLIPC_OK) {
        status = input_sizes(l->s, l->spec, l->room, widest, l->size);
    }
    if (status == CLIPC_OK) {
        smooth_from(l->most, l->size, l->spec->cols, l->smooth);
    }
    for (uint32_t o = 0; o < l->spec->rows && status == CLIPC_OK; o++) {
        status = quantise_row(l, o);
    }
    return status;
}

static void note_errors(const struct layer *l, bool print, struct quantise_errors *errors)
{
    double rms = l->all > 0 ? sqrt(l->squares / l->all) : 0;

    errors->layers++;
    errors->squares += rms * rms;
    if (rms > errors->worst) {
        errors->worst = rms;
        snprintf(errors->name, sizeof errors->name, "%s", l->spec->name);
    }
    if (print) {
        cli_note("%-24s int8: off by %.2e of the largest weight at most, %.2e rms", l->spec->name,
                 l->largest > 0 ? l->worst / l->largest : 0, rms);
    }
}

/* False: no memory, or panels that pack.h does not size. */
static bool take_memory(struct layer *l, size_t rows, size_t cols, size_t widest)
{
    size_t panels = pack_bytes(KERNELS_Q8, l->spec->rows, l->spec->cols);

    l->panels = panels != 0 ? base_alloc(panels) : NULL;
    l->scale = base_alloc(rows * sizeof *l->scale);
    l->sums = base_alloc(rows * sizeof *l->sums);
    l->smooth = base_alloc(cols * sizeof *l->smooth);
    l->row = base_alloc((3 * cols + 3 * widest) * sizeof *l->row);
    l->q = base_alloc(cols);
    if (l->panels == NULL || l->scale == NULL || l->sums == NULL || l->smooth == NULL ||
        l->row == NULL || l->q == NULL) {
        return false;
    }
    l->size = l->row + cols;
    l->most = l->size + cols;
    l->room = l->most + cols;
    return true;
}

static void free_memory(struct layer *l)
{
    base_free(l->panels);
    base_free(l->scale);
    base_free(l->sums);
    base_free(l->smooth);
    base_free(l->row);
    base_free(l->q);
}

int quantise_layer(const struct source *s, const struct weights_spec *spec, struct writer *w,
                   bool print, struct quantise_errors *errors)
{
    size_t rows = base_round_up(spec->rows, KERNELS_PAD);
    size_t cols = base_round_up(spec->cols, KERNELS_PAD), widest = cols > rows ? cols : rows;
    struct layer l = {.s = s, .spec = spec};
    int status = take_memory(&l, rows, cols, widest)
                     ? run_layer(&l, widest)
                     : base_fail(CLIPC_ERROR_MEMORY, "tensor '%s' of %u x %u: out of memory",
                                 spec->name, spec->rows, spec->cols);

    if (status == CLIPC_OK) {
        note_errors(&l, print, errors);
        status = write_layer(&l, w);
    }
    free_memory(&l);
    return status;
}

int quantise_declare(struct writer *w, const struct weights_spec *spec, uint64_t *bytes)
{
    const struct {
        const char *suffix;
        enum format_dtype dtype;
        enum format_layout layout;
        uint32_t rows, cols;
    } parts[] = {{".weight", FORMAT_Q8, FORMAT_PANELS, spec->rows, spec->cols},
                 {".scale", FORMAT_F32, FORMAT_VECTOR, 1, spec->rows},
                 {".sums", FORMAT_I32, FORMAT_VECTOR, 1, spec->rows},
                 {".smooth", FORMAT_F32, FORMAT_VECTOR, 1, spec->cols}};
    int status = CLIPC_OK;

    for (size_t i = 0; i < 4 && status == CLIPC_OK; i++) {
        char name[FORMAT_NAME_BYTES];
        struct format_record shape;
        weights_part_name(name, spec->name, parts[i].suffix);
        if (weights_shape(&shape, parts[i].dtype, parts[i].layout, parts[i].rows, parts[i].cols)) {
            *bytes += shape.bytes;
        }
        status = writer_declare(w, name, parts[i].dtype, parts[i].layout, parts[i].rows,
                                parts[i].cols, FORMAT_REQUIRED);
    }
    return status;
}
