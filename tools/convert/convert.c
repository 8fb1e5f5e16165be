/* convert.c - `clipc convert`: a checkpoint to a weight file, tensor by tensor. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../kernels/pack.h"
#include "../measure/golden.h"
#include "writer.h"
#include "../cli/cli.h"
#include "convert.h"
#include "../measure/oracle.h"
#include "../cli/progress.h"
#include "source.h"

/* Goldens cost a pass in double, at some 2 GFLOP/s: without being asked, no more than half a
 * minute. */
#define GOLDEN_GFLOP 40

struct job {
    struct source source;
    struct writer *writer;
    enum format_dtype dtype;
    size_t done, total; /* bytes */
    struct progress progress;
};

static const struct cli_verb verb = {
    "convert", "SOURCE -o FILE [options]", "",
    "Turn a checkpoint into a weight file that clipc maps and runs.  SOURCE is a HuggingFace "
    "CLIPModel\n"
    "folder (model.safetensors or shards, config.json, preprocessor_config.json, vocab.json and\n"
    "merges.txt, or tokenizer.json), one safetensors file in such a folder, or a weight file "
    "whose\n"
    "dtype is to change.  Nothing is rounded twice; FILE appears only when it is complete.\n\n"
    "  clipc convert clip-vit-base-patch32/ -o vit-b-32.clipc\n"
    "  clipc convert --synthetic vit-b-32 -o random.clipc --dtype f16",
    0};

static enum format_dtype stored_as(const struct job *job, const struct weights_spec *spec)
{
    return spec->linear ? job->dtype : FORMAT_F32;
}

static int declare_tensor(void *arg, const struct weights_spec *spec)
{
    struct job *job = arg;
    enum format_dtype dtype = stored_as(job, spec);

    job->total += (size_t)spec->rows * spec->cols * (dtype == FORMAT_F16 ? 2 : 4);
    return writer_declare(job->writer, spec->name, dtype, spec->layout, spec->rows, spec->cols,
                          FORMAT_REQUIRED);
}

/* values: [n] floats to binary16; what does not fit, or was 16-bit before and would change, is
 * refused. */
static int round_row(const struct job *job, const char *name, const float *values, size_t n,
                     uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = pack_f32_to_f16(values[i]);
        if (isfinite(values[i]) && (out[i] & 0x7c00) == 0x7c00) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "tensor '%s' holds %g, too large for f16: convert "
                             "with --dtype f32",
                             name, (double)values[i]);
        }
        if (job->source.native == FORMAT_BF16 && pack_f16_to_f32(out[i]) != values[i]) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "tensor '%s' holds %g, a bf16 value that f16 would "
                             "round a second time: convert with --dtype f32",
                             name, (double)values[i]);
        }
    }
    return CLIPC_OK;
}

static int write_tensor(void *arg, const struct weights_spec *spec)
{
    struct job *job = arg;
    enum format_dtype dtype = stored_as(job, spec);
    size_t element = dtype == FORMAT_F16 ? 2 : 4, row_bytes = spec->cols * element;
    size_t bytes = spec->layout == FORMAT_PANELS
                       ? pack_bytes((enum kernels_dtype)dtype, spec->rows, spec->cols)
                       : spec->rows * row_bytes;
    unsigned char *data = base_alloc(bytes);
    float *values = malloc(spec->cols * sizeof *values);
    uint16_t *halves = malloc(spec->cols * sizeof *halves);
    int status = CLIPC_OK;

    if (bytes == 0) {
        status = base_fail(CLIPC_ERROR_UNSUPPORTED,
                           "tensor '%s' of %u x %u: too large, or of an element type (number %d) "
                           "that nothing computes with",
                           spec->name, spec->rows, spec->cols, (int)dtype);
    } else if (data == NULL || values == NULL || halves == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "tensor '%s': no memory for %zu bytes", spec->name,
                           bytes);
    }
    for (uint32_t r = 0; r < spec->rows && status == CLIPC_OK; r++) {
        const void *row = values;
        status = job->source.row(&job->source, spec, r, values);
        if (status == CLIPC_OK && dtype == FORMAT_F16) {
            status = round_row(job, spec->name, values, spec->cols, halves);
            row = halves;
        }
        if (spec->layout == FORMAT_PANELS) {
            pack_row(data, (enum kernels_dtype)dtype, spec->cols, r, row); /* bytes > 0: it can */
        } else {
            memcpy(data + r * row_bytes, row, row_bytes);
        }
    }
    if (status == CLIPC_OK) {
        status = writer_write(job->writer, spec->name, data, bytes);
        job->done += (size_t)spec->rows * row_bytes;
        progress_show(&job->progress, job->done >> 20, job->total >> 20);
    }
    base_free(data);
    free(values);
    free(halves);
    return status;
}

/* ---- The small records: tokenizer, provenance, goldens ------------------------------------- */

static int declare_bytes(struct job *job, const char *name, size_t n)
{
    return writer_declare(job->writer, name, FORMAT_U8, FORMAT_ROWS, 1, (uint32_t)n, 0);
}

static int declare_small(struct job *job, bool goldens)
{
    const struct vocab *v = &job->source.vocab;
    const struct format_header *h = &job->source.header;
    int32_t ids[GOLDEN_IDS];
    int status = declare_bytes(job, "provenance", strlen(job->source.provenance));

    if (v->n != 0 && status == CLIPC_OK) {
        status = declare_bytes(job, "tokenizer.tokens", v->tokens_bytes);
    }
    if (v->n != 0 && status == CLIPC_OK) {
        status = writer_declare(job->writer, "tokenizer.bytes", FORMAT_I32, FORMAT_ROWS, 2, 256, 0);
    }
    if (v->n_merges != 0 && status == CLIPC_OK) {
        status = writer_declare(job->writer, "tokenizer.merges", FORMAT_I32, FORMAT_ROWS,
                                (uint32_t)v->n_merges, 3, 0);
    }
    if (goldens && status == CLIPC_OK && h->vision.layers != 0) {
        status = writer_declare(job->writer, "golden.image_vector", FORMAT_F32, FORMAT_ROWS, 1,
                                h->embed_dim, 0);
    }
    if (goldens && status == CLIPC_OK && h->text.layers != 0) {
        status = writer_declare(job->writer, "golden.text", FORMAT_I32, FORMAT_ROWS, 1,
                                golden_ids(h, ids), 0);
    }
    if (goldens && status == CLIPC_OK && h->text.layers != 0) {
        status = writer_declare(job->writer, "golden.text_vector", FORMAT_F32, FORMAT_ROWS, 1,
                                h->embed_dim, 0);
    }
    return status;
}

static int write_small(struct job *job)
{
    const struct vocab *v = &job->source.vocab;
    int status = writer_write(job->writer, "provenance", job->source.provenance,
                              strlen(job->source.provenance));

    if (v->n != 0 && status == CLIPC_OK) {
        status = writer_write(job->writer, "tokenizer.tokens", v->tokens, v->tokens_bytes);
    }
    if (v->n != 0 && status == CLIPC_OK) {
        status = writer_write(job->writer, "tokenizer.bytes", v->bytes, sizeof v->bytes);
    }
    if (v->n_merges != 0 && status == CLIPC_OK) {
        status = writer_write(job->writer, "tokenizer.merges", v->merges, v->n_merges * 12);
    }
    return status;
}

static int write_vector(struct job *job, const char *name, const double *v, size_t n)
{
    float *out = malloc(n * sizeof *out);

    if (out == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (float)v[i];
    }
    int status = writer_write(job->writer, name, out, n * sizeof *out);
    free(out);
    return status;
}

/* Vectors of the file as it now lies on disk, by the oracle. */
static int write_goldens(struct job *job)
{
    const struct format_header *h = &job->source.header;
    struct weights w;
    int32_t ids[GOLDEN_IDS];
    double *vector = malloc(h->embed_dim * sizeof *vector);
    float *pixels = malloc((size_t)3 * h->image_size * h->image_size * sizeof *pixels + 1);
    int status = weights_open(writer_path(job->writer), &w);

    if (status == CLIPC_OK && (vector == NULL || pixels == NULL)) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    if (status == CLIPC_OK && h->vision.layers != 0) {
        golden_pixels(h, pixels);
        status = oracle_image(&w, pixels, vector, NULL, NULL);
        if (status == CLIPC_OK) {
            status = write_vector(job, "golden.image_vector", vector, h->embed_dim);
        }
    }
    if (status == CLIPC_OK && h->text.layers != 0) {
        uint32_t n = golden_ids(h, ids);
        status = oracle_text(&w, ids, n, vector, NULL, NULL);
        if (status == CLIPC_OK) {
            status = writer_write(job->writer, "golden.text", ids, n * sizeof *ids);
        }
        if (status == CLIPC_OK) {
            status = write_vector(job, "golden.text_vector", vector, h->embed_dim);
        }
    }
    weights_close(&w);
    free(vector);
    free(pixels);
    return status;
}

/* ---- The verb ------------------------------------------------------------------------------ */

static int convert(struct job *job, const char *out, bool goldens)
{
    struct format_header *h = &job->source.header;
    int status;

    h->tokenizer = job->source.vocab.n != 0 && h->text.layers != 0 ? FORMAT_TOKENIZER_BPE
                                                                   : FORMAT_TOKENIZER_NONE;
    h->vision.dtype = h->vision.layers != 0 ? (uint32_t)job->dtype : 0;
    h->text.dtype = h->text.layers != 0 ? (uint32_t)job->dtype : 0;
    status = source_note(&job->source, "converted by: clipc %s to %s", clipc_version(),
                         job->dtype == FORMAT_F16 ? "f16" : "f32");
    if (status == CLIPC_OK) {
        status = writer_new(out, h, &job->writer);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    cli_unfinished(writer_path(job->writer));
    status = weights_each_spec(h, declare_tensor, job);
    if (status == CLIPC_OK) {
        status = declare_small(job, goldens);
    }
    if (status == CLIPC_OK) {
        job->progress = progress_begin("MB");
        status = weights_each_spec(h, write_tensor, job);
        progress_clear(&job->progress);
    }
    if (status == CLIPC_OK) {
        status = write_small(job);
    }
    if (status == CLIPC_OK && goldens) {
        status = write_goldens(job);
    }
    if (status == CLIPC_OK) {
        status = writer_finish(job->writer);
    } else {
        writer_abort(job->writer);
    }
    cli_unfinished(NULL);
    return status;
}

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);

    return n >= m && strcmp(text + n - m, ending) == 0;
}

static int open_source(const char *path, const char *synthetic, int seed, const char *vocab,
                       struct source *s)
{
    if (synthetic != NULL) {
        return source_open_synthetic(synthetic, (uint64_t)seed, vocab, s);
    }
    return ends_in(path, ".clipc") ? source_open_clipc(path, s) : source_open_hf(path, vocab, s);
}

/* The model's name for people: --name, the name it has, or the last part of the source's path. */
static void set_name(struct source *s, const char *name, const char *path)
{
    if (name == NULL && s->header.name[0] == '\0' && path != NULL) {
        char copy[4096];
        size_t n = (size_t)snprintf(copy, sizeof copy, "%s", path);
        n = n < sizeof copy ? n : sizeof copy - 1;
        while (n > 1 && copy[n - 1] == '/') {
            copy[--n] = '\0';
        }
        name = strrchr(copy, '/') != NULL ? strrchr(copy, '/') + 1 : copy;
        snprintf(s->header.name, sizeof s->header.name, "%.63s", name);
    } else if (name != NULL) {
        snprintf(s->header.name, sizeof s->header.name, "%.63s", name);
    }
}

/* "0.15,0.4" into the header; false when it is not two rising numbers. */
static bool read_display(const char *text, float *low, float *high)
{
    char *end;

    *low = strtof(text, &end);
    if (end == text || *end != ',') {
        return false;
    }
    text = end + 1;
    *high = strtof(text, &end);
    return end != text && *end == '\0' && *low >= -1 && *low < *high && *high <= 1;
}

int cmd_convert(int argc, char **argv)
{
    const char *out = NULL, *dtype = NULL, *vocab = NULL, *synthetic = NULL, *name = NULL,
               *display = NULL;
    int seed = 1;
    bool goldens = false, no_goldens = false;
    const struct cli_option options[] = {
        {"o", CLI_STRING, &out, "FILE", "the weight file to write"},
        {"dtype", CLI_STRING, &dtype, "f32|f16",
         "how to store linear layers (default: as the source)"},
        {"vocab", CLI_STRING, &vocab, "PATH", "vocabulary: a folder, merges.txt or tokenizer.json"},
        {"name", CLI_STRING, &name, "NAME", "the model's name, for people"},
        {"display", CLI_STRING, &display, "LOW,HIGH",
         "range of cosines worth showing (OpenAI's: 0.15,0.4)"},
        {"synthetic", CLI_STRING, &synthetic, "SHAPE",
         "random weights: vit-b-32, vit-b-16, vit-l-14 or vit-l-14-336"},
        {"seed", CLI_INT, &seed, "N", "for --synthetic (default 1)"},
        {"goldens", CLI_FLAG, &goldens, NULL,
         "store self-test vectors even if computing them takes long"},
        {"no-goldens", CLI_FLAG, &no_goldens, NULL, "store none"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    struct job job = {0};
    float low = 0, high = 0;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    const char *path = cli.n_items > 0 ? cli.items[0].value : NULL;
    if (out == NULL || cli.n_items > 1 || (path == NULL) == (synthetic == NULL)) {
        code = cli_usage(&cli, "wants one SOURCE (or --synthetic SHAPE) and -o FILE");
    } else if (dtype != NULL && strcmp(dtype, "f32") != 0 && strcmp(dtype, "f16") != 0) {
        code = cli_usage(&cli, "--dtype is f32 or f16, not '%s'", dtype);
    } else if (display != NULL && !read_display(display, &low, &high)) {
        code =
            cli_usage(&cli, "--display is LOW,HIGH with -1 <= LOW < HIGH <= 1, not '%s'", display);
    } else if (open_source(path, synthetic, seed, vocab, &job.source) != CLIPC_OK) {
        code = cli_error("%s", clipc_errmsg());
    } else {
        job.dtype = dtype == NULL ? job.source.native : dtype[1] == '1' ? FORMAT_F16 : FORMAT_F32;
        job.dtype = job.dtype == FORMAT_BF16 ? FORMAT_F32 : job.dtype;
        set_name(&job.source, name, path);
        if (display != NULL) {
            job.source.header.display_low = low;
            job.source.header.display_high = high;
        }
        bool cheap = oracle_gflop(&job.source.header, GOLDEN_IDS) <= GOLDEN_GFLOP;
        code = convert(&job, out, !no_goldens && (goldens || cheap)) == CLIPC_OK
                   ? CLI_DONE
                   : cli_error("%s", clipc_errmsg());
        source_close(&job.source);
    }
    cli_free(&cli);
    return code;
}
