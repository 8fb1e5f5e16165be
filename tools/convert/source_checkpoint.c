/* source_checkpoint.c - a checkpoint as a source: every tensor that the model asks for is there
 * with its shape, and none that it does not ask for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "checkpoint.h"
#include "layout.h"
#include "source.h"
#include "zip.h"

struct opened {
    struct checkpoint checkpoint;
    const struct layout *layout;
};

/* FORMAT_F32, _F16, _BF16, or 0 for what no weights are stored as. */
static enum format_dtype dtype_of(const struct tensor *t)
{
    return strcmp(t->dtype, "F32") == 0    ? FORMAT_F32
           : strcmp(t->dtype, "F16") == 0  ? FORMAT_F16
           : strcmp(t->dtype, "BF16") == 0 ? FORMAT_BF16
                                           : 0;
}

/* values: [n], the elements from `first` on, exactly. */
static void widen(const struct tensor *t, uint64_t first, size_t n, float *values)
{
    enum format_dtype dtype = dtype_of(t);
    unsigned char buffer[2048];
    size_t bytes = t->bits / 8, most = sizeof buffer / bytes;

    for (size_t i = 0; i < n; i += most) {
        size_t part = n - i < most ? n - i : most;
        tensor_copy(t, first + i, part, buffer);
        for (size_t k = 0; k < part; k++) {
            const unsigned char *p = buffer + k * bytes;
            if (dtype == FORMAT_F32) {
                uint32_t word = base_u32(p);
                memcpy(&values[i + k], &word, sizeof word);
            } else {
                values[i + k] = dtype == FORMAT_BF16 ? pack_bf16_to_f32(base_u16(p))
                                                     : pack_f16_to_f32(base_u16(p));
            }
        }
    }
}

/* y = gain (W x + b) is (gain W) x + gain b.  Products of 16-bit numbers are exact in f32, those of
 * f32 are rounded once; kept in 16 bits they would be another model. */
static int scale_row(const struct source *s, const struct weights_spec *spec, uint32_t r,
                     float *values)
{
    const struct opened *o = s->data;
    struct layout_piece piece;
    int status = CLIPC_OK;

    if (o->layout->scale == NULL || !o->layout->scale(s, spec, &piece)) {
        return CLIPC_OK;
    }
    const struct tensor *t = o->checkpoint.tensors[checkpoint_find(&o->checkpoint, piece.name)];
    bool each = spec->layout == FORMAT_VECTOR; /* a bias: one gain for each value */
    float gain = 0;

    if (!each) {
        widen(t, r, 1, &gain);
    }
    for (uint32_t i = 0; i < spec->cols && status == CLIPC_OK; i++) {
        if (each) {
            widen(t, i, 1, &gain);
        }
        values[i] = (float)((double)gain * (double)values[i]);
        status = source_check_finite(o->checkpoint.path, t->name, values + i, 1);
    }
    return status;
}

static int row(const struct source *s, const struct weights_spec *spec, uint32_t r, float *values)
{
    const struct opened *o = s->data;
    uint32_t n = (uint32_t)o->layout->pieces(spec);
    /* Matrices lie below one another, vectors beside one another. */
    uint32_t rows = spec->rows > 1 ? spec->rows / n : 1;
    uint32_t cols = spec->rows > 1 ? spec->cols : spec->cols / n;
    int status = CLIPC_OK;

    for (uint32_t at = 0; at < spec->cols && status == CLIPC_OK; at += cols) {
        struct layout_piece piece;
        o->layout->piece(&s->header, spec, (int)(spec->rows > 1 ? r / rows : at / cols), &piece);
        const struct tensor *t = o->checkpoint.tensors[checkpoint_find(&o->checkpoint, piece.name)];
        struct tensor ours = piece.transposed ? tensor_transposed(t) : *t;
        widen(&ours, ((uint64_t)piece.part * rows + r % rows) * cols, cols, values + at);
        status = source_check_finite(o->checkpoint.path, t->name, values + at, cols);
    }
    if (r + 1 == spec->rows) { /* of large files the memory would hold all, and needs one tensor */
        o->checkpoint.release(&o->checkpoint);
    }
    return status == CLIPC_OK ? scale_row(s, spec, r, values) : status;
}

/* ---- Is it the model that the config describes? -------------------------------------------- */

static void shape_text(const uint64_t *shape, size_t n, char *to, size_t room)
{
    size_t used = (size_t)snprintf(to, room, "[");

    for (size_t i = 0; i < n && used < room; i++) {
        used += (size_t)snprintf(to + used, room - used, "%s%llu", i == 0 ? "" : ", ",
                                 (unsigned long long)shape[i]);
    }
    if (used < room) {
        snprintf(to + used, room - used, "]");
    }
}

struct check {
    const struct source *s;
    const struct opened *o;
    bool *used; /* [n of the checkpoint] the model asks for it */
    enum format_dtype native;
};

static int check_tensor(struct check *c, const struct layout_piece *want, bool linear)
{
    const struct checkpoint *from = &c->o->checkpoint;
    size_t i = checkpoint_find(from, want->name);
    char wanted[100], found[200];

    shape_text(want->shape, want->n_dims, wanted, sizeof wanted);
    if (i == from->n) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: tensor '%s' %s is missing (the nearest name there is '%.100s')",
                         from->path, want->name, wanted, checkpoint_nearest(from, want->name));
    }
    const struct tensor *t = from->tensors[i];
    shape_text(t->shape, t->n_dims, found, sizeof found);
    if (t->n_dims != want->n_dims ||
        memcmp(t->shape, want->shape, want->n_dims * sizeof *want->shape) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%s': expected shape %s, found %s",
                         from->path, want->name, wanted, found);
    }
    enum format_dtype dtype = dtype_of(t);
    if (dtype == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%s': expected F32, F16 or BF16, found %s",
                         from->path, want->name, t->dtype);
    }
    if (linear) {
        c->native = c->native == 0 || c->native == dtype ? dtype : FORMAT_F32;
    }
    c->used[i] = true;
    return CLIPC_OK;
}

static int check_spec(void *arg, const struct weights_spec *spec)
{
    struct check *c = arg;
    const struct layout *layout = c->o->layout;
    struct layout_piece piece;
    int status = CLIPC_OK;

    if (layout->scale != NULL && layout->scale(c->s, spec, &piece)) {
        status = check_tensor(c, &piece, false);
        c->native = FORMAT_F32;
    }
    for (int p = 0; p < layout->pieces(spec) && status == CLIPC_OK; p++) {
        layout->piece(&c->s->header, spec, p, &piece);
        status = check_tensor(c, &piece, spec->linear);
    }
    return status;
}

/* Every tensor of the files is one that the model asks for, or a known leftover. */
static int check_extra(const struct check *c)
{
    const struct checkpoint *from = &c->o->checkpoint;
    const struct format_header *h = &c->s->header;

    for (size_t i = 0; i < from->n; i++) {
        const char *name = from->tensors[i]->name;
        if (!c->used[i] && strcmp(name, "logit_scale") != 0 && strcmp(name, "logit_bias") != 0 &&
            !c->o->layout->leftover(name)) {
            return base_fail(
                CLIPC_ERROR_FORMAT,
                "%s: tensor '%.120s' does not belong to the config's model (a %s of %u "
                "and %u layers): config and checkpoint do not belong together",
                from->path, name, c->o->layout->name, h->vision.layers, h->text.layers);
        }
    }
    return CLIPC_OK;
}

static int check_all(struct source *s, const struct opened *o)
{
    struct check c = {.s = s, .o = o, .used = calloc(o->checkpoint.n + 1, sizeof *c.used)};

    if (c.used == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", o->checkpoint.path);
    }
    int status = weights_each_spec(&s->header, check_spec, &c);
    if (status == CLIPC_OK) {
        status = check_extra(&c);
    }
    s->native = c.native;
    free(c.used);
    return status;
}

/* One number, [] or [1]. */
static int take_number(const struct checkpoint *from, const char *name, float *value)
{
    const struct tensor *t = from->tensors[checkpoint_find(from, name)];
    char found[200];

    shape_text(t->shape, t->n_dims, found, sizeof found);
    if (t->n_dims > 1 || (t->n_dims == 1 && t->shape[0] != 1)) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%s': expected shape [], found %s",
                         from->path, name, found);
    }
    if (dtype_of(t) == 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor '%s': expected F32, F16 or BF16, found %s",
                         from->path, name, t->dtype);
    }
    widen(t, 0, 1, value);
    return CLIPC_OK;
}

/* The natural logarithm of the scale: the published ones are ln 100, and so is that of a tower that
 * is alone, whose other half has the model's. */
static int take_logit_scale(struct source *s, const struct checkpoint *from)
{
    bool alone = s->header.vision.layers == 0 || s->header.text.layers == 0;

    if (alone && checkpoint_find(from, "logit_scale") == from->n) {
        s->header.logit_scale = logf(100);
        return CLIPC_OK;
    }
    if (checkpoint_find(from, "logit_scale") == from->n) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: tensor 'logit_scale' [] is missing", from->path);
    }
    int status = take_number(from, "logit_scale", &s->header.logit_scale);
    if (status == CLIPC_OK && !(fabsf(s->header.logit_scale) <= 80)) {
        status = base_fail(CLIPC_ERROR_FORMAT,
                           "%s: tensor 'logit_scale' is %g: a logarithm from -80 to 80 is expected "
                           "(the published models have 4.6052)",
                           from->path, (double)s->header.logit_scale);
    }
    return status;
}

/* Models that were trained with a sigmoid for each pair have one; the others none. */
static int take_logit_bias(struct source *s, const struct checkpoint *from)
{
    if (checkpoint_find(from, "logit_bias") == from->n) {
        return s->header.score != FORMAT_SIGMOID
                   ? CLIPC_OK
                   : base_fail(CLIPC_ERROR_FORMAT, "%s: tensor 'logit_bias' [] is missing",
                               from->path);
    }
    int status = take_number(from, "logit_bias", &s->header.logit_bias);
    s->header.score = FORMAT_SIGMOID;
    return status == CLIPC_OK
               ? source_check_finite(from->path, "logit_bias", &s->header.logit_bias, 1)
               : status;
}

static void close_checkpoint(struct source *s)
{
    struct opened *o = s->data;

    checkpoint_close(&o->checkpoint);
    free(o);
}

static int open_all(struct source *s, const char *folder, const char *arch, const char *vocab)
{
    struct opened *o = s->data;
    const struct layout_input in = {folder, arch, &o->checkpoint};
    int status = checkpoint_unwrap(&o->checkpoint);

    if (status == CLIPC_OK) {
        status = zip_check(&s->files);
    }
    for (size_t i = 0, n = s->files.n; i < n && status == CLIPC_OK; i++) {
        status = source_note_file(s, s->files.paths[i]);
    }
    o->layout = status == CLIPC_OK ? layout_of(&o->checkpoint) : NULL;
    if (o->layout == NULL) {
        return status == CLIPC_OK ? CLIPC_ERROR_UNSUPPORTED : status;
    }
    if ((status = o->layout->config(&in, s)) != CLIPC_OK ||
        (status = check_all(s, o)) != CLIPC_OK ||
        (status = take_logit_scale(s, &o->checkpoint)) != CLIPC_OK ||
        (status = take_logit_bias(s, &o->checkpoint)) != CLIPC_OK) {
        return status;
    }
    s->header.tokenizer_rules = o->layout->rules;
    return source_take_vocab(s, vocab != NULL ? vocab : folder, vocab != NULL);
}

int source_open_checkpoint(const char *path, const char *arch, const char *vocab, struct source *s)
{
    struct opened *o = calloc(1, sizeof *o);
    char *folder = files_is_folder(path) ? strdup(path) : files_parent(path);
    int status = CLIPC_ERROR_MEMORY;

    memset(s, 0, sizeof *s);
    if (o == NULL || folder == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
        free(o);
    } else if ((status = checkpoint_open(path, &s->files, &o->checkpoint)) != CLIPC_OK) {
        free(o);
        source_close(s);
    } else {
        s->data = o;
        s->close = close_checkpoint;
        s->row = row;
        status = open_all(s, folder, arch, vocab);
        if (status != CLIPC_OK) {
            source_close(s);
        }
    }
    free(folder);
    return status;
}
