/* convert.c - a source to a weight file, tensor by tensor; peak memory is one tensor. */
#include "convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "../cli/cli.h"
#include "../cli/progress.h"
#include "../measure/gflop.h"
#include "../cli/probe.h"
#include "quantise.h"
#include "records.h"
#include "source.h"
#include "writer.h"

/* Goldens cost a pass in double, at some 2 GFLOP/s: without being asked, no more than half a
 * minute. */
#define GOLDEN_GFLOP 40

struct job {
    struct source source;
    struct writer *writer;
    enum format_dtype dtype; /* of the linear layers; of those of blocks, if it is q8 */
    bool verbose;
    struct quantise_errors errors;
    uint64_t done, total; /* bytes */
    struct progress progress;
    struct goldens goldens;
    struct record records[RECORDS_MAX];
};

/* ---- Tensors ------------------------------------------------------------------------------- */

/* What int8 would spoil has 16 bits beside it: the patch embedding, projections and the token
 * table, which are little work, and the queries and keys of the first block, which make most of the
 * error of texts in every model measured (kernels/README.md). */
static bool bears_int8(const struct weights_spec *spec)
{
    return spec->block && strstr(spec->name, ".00.attn_in.") == NULL;
}

static enum format_dtype stored_as(const struct job *job, const struct weights_spec *spec)
{
    if (!spec->linear) {
        return FORMAT_F32;
    }
    if (job->dtype != FORMAT_Q8 || bears_int8(spec)) {
        return job->dtype;
    }
    return job->source.native == FORMAT_BF16 ? FORMAT_BF16 : FORMAT_F16;
}

static int declare_tensor(void *arg, const struct weights_spec *spec)
{
    struct job *job = arg;
    enum format_dtype dtype = stored_as(job, spec);

    struct format_record shape;

    if (dtype == FORMAT_Q8) {
        return quantise_declare(job->writer, spec, &job->total);
    }
    if (weights_shape(&shape, dtype, spec->layout, spec->rows, spec->cols)) {
        job->total += shape.bytes;
    }
    return writer_declare(job->writer, spec->name, dtype, spec->layout, spec->rows, spec->cols,
                          FORMAT_REQUIRED);
}

/* values: [spec->cols] finite floats to 16 bits; what does not fit, or was bf16 and is too small
 * for f16, is refused: clamped weights would be another model, and the way out is one option.  (f16
 * to bf16 rounds as f32 does, and was asked for.) */
static int round_row(const struct job *job, const struct weights_spec *spec, const float *values,
                     uint16_t *out)
{
    enum format_dtype dtype = stored_as(job, spec);
    bool brain = dtype == FORMAT_BF16;
    const char *name = spec->name, *to = weights_dtype_name(dtype);
    bool again = job->source.native == FORMAT_BF16 && !brain;

    for (size_t i = 0; i < spec->cols; i++) {
        out[i] = brain ? pack_f32_to_bf16(values[i]) : pack_f32_to_f16(values[i]);
        float stored = brain ? pack_bf16_to_f32(out[i]) : pack_f16_to_f32(out[i]);
        if (!isfinite(stored)) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "tensor '%s' holds %g, too large for %s: convert with --dtype f32",
                             name, (double)values[i], to);
        }
        if (again && stored != values[i]) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "tensor '%s' holds %g, a bf16 value that f16 would round a second "
                             "time: convert with --dtype f32 or bf16",
                             name, (double)values[i]);
        }
    }
    return CLIPC_OK;
}

/* One tensor's memory. */
struct buffers {
    unsigned char *data; /* as the file has it */
    float *values;       /* a row */
    uint16_t *halves;    /* the same, rounded */
};

static int fill_tensor(const struct job *job, const struct weights_spec *spec, struct buffers *b)
{
    enum format_dtype dtype = stored_as(job, spec);
    size_t row_bytes = spec->cols * (dtype == FORMAT_F32 ? sizeof *b->values : sizeof *b->halves);

    for (uint32_t r = 0; r < spec->rows; r++) {
        const void *row = b->values;
        int status = job->source.row(&job->source, spec, r, b->values);
        if (status == CLIPC_OK && dtype != FORMAT_F32) {
            status = round_row(job, spec, b->values, b->halves);
            row = b->halves;
        }
        if (status != CLIPC_OK) {
            return status;
        }
        if (spec->layout == FORMAT_PANELS) {
            pack_row(b->data, (enum kernels_dtype)dtype, spec->cols, r, row);
        } else {
            memcpy(b->data + r * row_bytes, row, row_bytes);
        }
    }
    return CLIPC_OK;
}

static int write_tensor(void *arg, const struct weights_spec *spec)
{
    struct job *job = arg;
    enum format_dtype dtype = stored_as(job, spec);
    struct format_record shape;

    if (dtype == FORMAT_Q8) {
        int status = quantise_layer(&job->source, spec, job->writer, job->verbose, &job->errors);
        job->done += pack_bytes(KERNELS_Q8, spec->rows, spec->cols);
        progress_show(&job->progress, job->done >> 20, job->total >> 20);
        return status;
    }
    if (!weights_shape(&shape, dtype, spec->layout, spec->rows, spec->cols) ||
        shape.bytes > SIZE_MAX) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "tensor '%s' of %u x %u: too large, or of an element type (number %d) "
                         "that nothing computes with",
                         spec->name, spec->rows, spec->cols, (int)dtype);
    }
    size_t bytes = (size_t)shape.bytes; /* the padding stays the zeros of base_alloc */
    struct buffers b = {base_alloc(bytes), malloc(spec->cols * sizeof *b.values),
                        malloc(spec->cols * sizeof *b.halves)};
    int status = b.data != NULL && b.values != NULL && b.halves != NULL
                     ? fill_tensor(job, spec, &b)
                     : base_fail(CLIPC_ERROR_MEMORY, "tensor '%s': no memory for %zu bytes",
                                 spec->name, bytes);

    if (status == CLIPC_OK) {
        status = writer_write(job->writer, spec->name, b.data, bytes);
        job->done += bytes;
        progress_show(&job->progress, job->done >> 20, job->total >> 20);
    }
    base_free(b.data);
    free(b.values);
    free(b.halves);
    return status;
}

/* ---- The file ------------------------------------------------------------------------------ */

static int fill(struct job *job, bool goldens)
{
    const struct format_header *h = &job->source.header;
    struct weights w;
    int status;

    if ((status = weights_each_spec(h, declare_tensor, job)) != CLIPC_OK ||
        (status = records_declare(job->records, job->writer)) != CLIPC_OK) {
        return status;
    }
    job->progress = progress_begin("MB");
    status = weights_each_spec(h, write_tensor, job);
    progress_clear(&job->progress);
    if (status == CLIPC_OK && job->errors.layers > 0) {
        cli_note("%zu layers as int8, off by %.2e rms of their weights, the most %s by %.2e",
                 job->errors.layers, sqrt(job->errors.squares / (double)job->errors.layers),
                 job->errors.name, job->errors.worst);
    }
    if (status != CLIPC_OK ||
        (status = records_write(job->records, false, job->writer)) != CLIPC_OK || !goldens ||
        (status = writer_open(job->writer, &w)) != CLIPC_OK) {
        return status;
    }
    status = goldens_compute(&w, &job->goldens);
    weights_close(&w);
    return status == CLIPC_OK ? records_write(job->records, true, job->writer) : status;
}

static int write_file(struct job *job, const char *out, bool goldens)
{
    struct format_header *h = &job->source.header;
    int status = source_note(&job->source, "converted by: clipc %s to %s", clipc_version(),
                             weights_dtype_name(job->dtype));

    h->tokenizer = h->text.layers != 0 ? job->source.vocab.kind : FORMAT_TOKENIZER_NONE;
    if (status == CLIPC_OK && goldens) {
        status = goldens_begin(h, &job->goldens);
    }
    if (status == CLIPC_OK) {
        status = writer_new(out, h, &job->writer);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    records_list(&job->source, goldens ? &job->goldens : NULL, job->records);
    status = fill(job, goldens);
    if (status == CLIPC_OK) {
        status = writer_finish(job->writer);
    } else {
        writer_abort(job->writer);
    }
    return status;
}

/* ---- The source ---------------------------------------------------------------------------- */

static int open_source(const struct convert_request *r, struct source *s)
{
    struct probe p = {PROBE_OTHER, NULL, NULL};

    if (r->shape != NULL) {
        return source_open_synthetic(r->shape, r->seed, r->vocab, s);
    }
    if (!files_exists(r->source)) {
        const char *name = r->source[0] == '/' ? "OWNER/NAME" : r->source;
        return base_fail(CLIPC_ERROR_IO,
                         "%s: No such file or folder (a model of the hub? `clipc pull %s` gets it, "
                         "or its folder: hf download %s --local-dir DIR)",
                         r->source, name, name);
    }
    if (!files_is_folder(r->source)) {
        int status = probe_file(r->source, &p);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    return p.kind == PROBE_CLIPC ? source_open_clipc(r->source, s)
                                 : source_open_checkpoint(r->source, r->arch, r->vocab, s);
}

/* The model's name for people: the request's, the one it has, or the last part of the source's
 * path. */
static void set_name(struct source *s, const struct convert_request *r)
{
    char *real = NULL;

    if (r->name != NULL) {
        snprintf(s->header.name, sizeof s->header.name, "%.63s", r->name);
    } else if (s->header.name[0] == '\0' && r->source != NULL) {
        const char *path = r->source;
        size_t end = strlen(path), begin;
        if (strspn(path, "./") == end && (real = base_real_path(path)) != NULL) {
            path = real; /* "." and ".." are no names */
            end = strlen(path);
        }
        while (end > 1 && path[end - 1] == '/') {
            end--;
        }
        for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--) {
        }
        snprintf(s->header.name, sizeof s->header.name, "%.*s",
                 (int)(end - begin < 63 ? end - begin : 63), path + begin);
        free(real);
    }
}

int convert_run(const struct convert_request *r)
{
    struct job job = {0};
    int status = open_source(r, &job.source);

    if (status != CLIPC_OK) {
        return status;
    }
    struct format_header *h = &job.source.header;
    const char *same = files_same(&job.source.files, r->out);
    job.dtype = r->dtype != 0 ? r->dtype : job.source.native;
    job.verbose = r->verbose;
    set_name(&job.source, r);
    if (r->display_low < r->display_high) {
        h->display_low = r->display_low;
        h->display_high = r->display_high;
    }
    bool cheap = gflop_of(h, GOLDEN_IDS) <= GOLDEN_GFLOP;
    if (job.source.quantised && job.dtype != FORMAT_F32) {
        status = base_fail(CLIPC_ERROR_ARGUMENT,
                           "%s: holds int8 weights, which --dtype %s would round a second time: "
                           "convert the checkpoint that it is from, or with --dtype f32",
                           r->source, weights_dtype_name(job.dtype));
    } else if (same != NULL) {
        status = base_fail(CLIPC_ERROR_ARGUMENT,
                           "%s: is read here (%s) and would be lost: name another file with -o",
                           r->out, same);
    } else {
        status = write_file(&job, r->out,
                            r->goldens == CONVERT_GOLDENS_ALWAYS ||
                                (r->goldens == CONVERT_GOLDENS_CHEAP && cheap));
    }
    goldens_free(&job.goldens);
    source_close(&job.source);
    return status;
}
