/* trace.c - `clipc trace`: every intermediate activation, for people who study the model. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../src/base/base.h"
#include "../cli/cli.h"
#include "verbs.h"
#include "../cli/load.h"
#include "../cli/npy.h"
#include "../cli/json_put.h"

static const struct cli_verb verb = {
    "trace", "(--image PATH | --text T | --pixels FILE.npy | --tokens FILE.npy) [options]",
    "Run one image or text through the model and show every activation on the way: its shape, "
    "mean,\n"
    "smallest, largest and first values.  With -o each is written as DIR/NAME.npy.  A block's are\n"
    "0_in, 1_ln_1, 2_attn_out, 3_after_attn_residual, 4_ln_2, 5_fc, 6_act, 7_mlp_out, 8_out.\n\n"
    "  clipc trace --text \"a photo of a cat\"\n"
    "  clipc trace --image cat.jpg -o activations",
    CLI_MODEL | (CLI_COMPUTE & ~CLI_BATCH) | CLI_JSON};

struct job {
    struct cli *cli;
    const char *folder;
    struct json_records records;
    bool failed;
};

static void show(struct job *job, const char *name, const float *x, size_t rows, size_t width,
                 size_t stride)
{
    double sum = 0, low = INFINITY, high = -INFINITY;
    size_t first = width < 4 ? width : 4;

    for (size_t i = 0; i < rows * width; i++) {
        double v = (double)x[i / width * stride + i % width];
        sum += v;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    sum /= (double)(rows * width);
    if (job->cli->json) {
        json_records_next(&job->records);
        printf("{\"name\": \"%s\", \"shape\": [%zu, %zu], \"mean\": ", name, rows, width);
        json_put_float(stdout, sum);
        fputs(", \"min\": ", stdout);
        json_put_float(stdout, low);
        fputs(", \"max\": ", stdout);
        json_put_float(stdout, high);
        fputs(", \"first\": ", stdout);
        json_put_floats(stdout, x, first);
        putchar('}');
        return;
    }
    printf("%-36s %5zu x %-5zu %10.4f %10.4f %10.4f  ", name, rows, width, sum, low, high);
    for (size_t i = 0; i < first; i++) {
        printf(" %.5g", (double)x[i]);
    }
    putchar('\n');
}

static int save(const struct job *job, const char *name, const float *x, size_t rows, size_t width,
                size_t stride)
{
    /* Golden files of a single pooled row are [1, width], all others [1, rows, width]. */
    bool pooled = rows == 1 && strstr(name, ".9") != NULL;
    size_t shape[3] = {1, rows, width};
    char path[4200];
    struct npy_writer *w;
    int status;

    if ((size_t)snprintf(path, sizeof path, "%s/%s.npy", job->folder, name) >= sizeof path) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "%s: path too long", job->folder);
    }
    status = npy_open(path, NPY_F4, 1, pooled ? shape + 2 : shape + 1, pooled ? 1 : 2, &w);
    for (size_t r = 0; status == CLIPC_OK && r < rows; r++) {
        status = npy_append(w, x + r * stride, width * sizeof(float));
        if (status != CLIPC_OK) {
            npy_abort(w);
        }
    }
    return status == CLIPC_OK ? npy_close(w, 1) : status;
}

static void on_activation(void *arg, const char *name, const float *x, size_t rows, size_t width,
                          size_t stride)
{
    struct job *job = arg;

    show(job, name, x, rows, width, stride);
    if (job->folder != NULL && !job->failed &&
        save(job, name, x, rows, width, stride) != CLIPC_OK) {
        cli_error("%s", clipc_errmsg());
        job->failed = true;
    }
}

/* ---- The four kinds of input --------------------------------------------------------------- */

static int run_image(const struct cli *cli, clipc_session *s, const char *path, float *out)
{
    struct clipc_image image = {0};
    int status = load_image(cli, path, 0, &image);

    if (status == CLIPC_OK) {
        status = clipc_encode_images(s, &image, 1, out);
    }
    clipc_image_free(&image);
    return status;
}

static int run_array(clipc_session *s, const struct clipc_model_info *info, const char *path,
                     bool pixels, float *out)
{
    struct npy a;
    size_t row, image = 3 * (size_t)info->image_size * (size_t)info->image_size;
    int status = npy_read(path, &a);

    if (status != CLIPC_OK) {
        return status;
    }
    row = a.n_dims > 1 && a.shape[0] > 0 ? a.count / a.shape[0] : a.count;
    if (pixels && (a.floats == NULL || row != image)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: want float32 [n, 3, %d, %d]", path,
                           info->image_size, info->image_size);
    } else if (!pixels && (a.whole == NULL || row == 0 || row > (size_t)info->context_length)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "%s: want whole numbers [n, at most %d]", path,
                           info->context_length);
    } else if (pixels) {
        status = clipc_encode_pixels(s, a.floats, 1, out);
    } else {
        int32_t ids[CLIPC_MAX_CONTEXT];
        for (size_t i = 0; i < row; i++) {
            ids[i] = a.whole[i] < 0 || a.whole[i] > INT32_MAX ? -1 : (int32_t)a.whole[i];
        }
        status = clipc_encode_tokens(s, ids, 1, row, out);
    }
    npy_free(&a);
    return status;
}

struct options {
    const char *image, *text, *pixels, *tokens, *folder;
    bool full_context;
};

static int run(struct cli *cli, const struct options *o)
{
    struct job job = {.cli = cli, .folder = o->folder};
    struct clipc_model_info info = {.size = sizeof info};
    clipc_model *model = cli_open_model(cli);
    clipc_session *session = NULL;
    float *out = NULL;
    int status = CLIPC_ERROR_MEMORY;

    cli->session.trace = on_activation;
    cli->session.trace_arg = &job;
    cli->session.full_context = o->full_context;
    cli->session.batch = 1;
    if (o->folder != NULL && mkdir(o->folder, 0777) != 0 && errno != EEXIST) {
        clipc_close(model);
        return cli_error("%s: %s", o->folder, strerror(errno));
    }
    session = model != NULL ? cli_open_session(cli, model) : NULL;
    if (session != NULL) {
        clipc_model_info(model, &info);
        out = malloc((size_t)info.dim * sizeof *out);
        if (cli->json) {
            json_records_begin(&job.records, stdout, 0);
        } else {
            printf("%-36s %13s %10s %10s %10s   first values\n", "activation", "rows x width",
                   "mean", "min", "max");
        }
        struct clipc_text text = {o->text, o->text != NULL ? strlen(o->text) : 0};
        status = out == NULL         ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                 : o->image != NULL  ? run_image(cli, session, o->image, out)
                 : o->text != NULL   ? clipc_encode_texts(session, &text, 1, out)
                 : o->pixels != NULL ? run_array(session, &info, o->pixels, true, out)
                                     : run_array(session, &info, o->tokens, false, out);
        if (cli->json) {
            json_records_end(&job.records);
        }
        if (status != CLIPC_OK) {
            cli_error("%s", clipc_errmsg());
        }
    }
    free(out);
    clipc_session_free(session);
    clipc_close(model);
    return status == CLIPC_OK && !job.failed ? CLI_DONE : CLI_FAILED;
}

int cmd_trace(int argc, char **argv)
{
    struct options o = {0};
    const struct cli_option options[] = {
        {"image", CLI_STRING, &o.image, "PATH", "an image"},
        {"text", CLI_STRING, &o.text, "T", "a text"},
        {"pixels", CLI_STRING, &o.pixels, "FILE.npy", "ready pixels (the first image of them)"},
        {"tokens", CLI_STRING, &o.tokens, "FILE.npy", "ready token ids (the first row of them)"},
        {"o|output", CLI_OUTPUT, &o.folder, "DIR", "write each activation there"},
        {"full-context", CLI_FLAG, &o.full_context, NULL,
         "compute every position of a text, not only those up to its end"},
        {NULL, CLI_FLAG, NULL, NULL, NULL}};
    struct cli cli;
    int code = cli_parse(&cli, &verb, options, argc, argv);

    if (code != CLI_GO_ON) {
        return code;
    }
    if ((o.image != NULL) + (o.text != NULL) + (o.pixels != NULL) + (o.tokens != NULL) != 1 ||
        cli.n_items > 0) {
        code = cli_usage(&cli, "wants one of --image, --text, --pixels, --tokens");
    } else {
        code = run(&cli, &o);
    }
    cli_free(&cli);
    return code;
}
