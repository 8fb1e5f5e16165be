#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/base/threads.h"
#include "progress.h"

/* An image that comes on stdin, or in a file, is at most this long. */
#define MAX_IMAGE_BYTES ((size_t)512 << 20)

struct slot {
    const struct input *input;
    int row; /* in pixels or texts, and then in embeddings; -1: failed */
    char error[512];
};

struct encoder {
    const struct cli *cli;
    clipc_model *model;
    clipc_session *session;
    struct threads_pool *pool; /* decodes the images of a batch side by side */
    size_t dim, batch, pixel_floats;
    struct slot *slots;            /* [batch] */
    float *pixels;                 /* [batch, 3, size, size] */
    struct clipc_text *texts;      /* [batch] */
    float *image_rows, *text_rows; /* [batch, dim] */
};

const clipc_model *encode_model(const struct encoder *encoder)
{
    return encoder->model;
}

clipc_session *encode_session(struct encoder *encoder)
{
    return encoder->session;
}

void encode_close(struct encoder *e)
{
    if (e != NULL) {
        threads_pool_free(e->pool);
        free(e->slots);
        base_free(e->pixels);
        free(e->texts);
        free(e->image_rows);
        free(e->text_rows);
        clipc_session_free(e->session);
        clipc_close(e->model);
        free(e);
    }
}

static int encode_buffers(struct encoder *e)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct clipc_session_info session = {.size = sizeof session};

    clipc_model_info(e->model, &info);
    clipc_session_info(e->session, &session);
    e->dim = (size_t)info.dim;
    e->batch = (size_t)session.batch;
    e->pixel_floats = 3 * (size_t)info.image_size * (size_t)info.image_size;
    e->slots = calloc(e->batch, sizeof *e->slots);
    e->pixels = base_alloc(e->batch * e->pixel_floats * sizeof(float));
    e->texts = calloc(e->batch, sizeof *e->texts);
    e->image_rows = calloc(e->batch, e->dim * sizeof(float));
    e->text_rows = calloc(e->batch, e->dim * sizeof(float));
    if (e->slots == NULL || e->pixels == NULL || e->texts == NULL || e->image_rows == NULL ||
        e->text_rows == NULL) {
        cli_error("out of memory for a batch of %zu; ask for a smaller --batch", e->batch);
        return -1;
    }
    if (threads_pool_new(session.threads, 0, &e->pool) != CLIPC_OK) {
        cli_error("%s", clipc_errmsg());
        return -1;
    }
    return 0;
}

struct encoder *encode_open(const struct cli *cli)
{
    struct encoder *e = calloc(1, sizeof *e);

    if (e == NULL) {
        cli_error("out of memory");
        return NULL;
    }
    e->cli = cli;
    e->model = cli_open_model(cli);
    e->session = e->model != NULL ? cli_open_session(cli, e->model) : NULL;
    if (e->session == NULL || encode_buffers(e) != 0) {
        encode_close(e);
        return NULL;
    }
    return e;
}

/* Decode and preprocess one image into its row of pixels; slot->row becomes -1 on failure. */
static void decode_task(void *arg, size_t i, int worker)
{
    struct encoder *e = arg;
    struct slot *slot = &e->slots[i];
    struct clipc_image_options options = {.size = sizeof options, .apply_exif = e->cli->exif};
    struct clipc_image image = {0};
    int status;

    (void)worker;
    if (slot->row < 0 || slot->input->kind == INPUT_TEXT) {
        return;
    }
    if (slot->input->kind == INPUT_STDIN) {
        unsigned char *bytes = NULL;
        size_t n = 0;
        status = base_read_file("-", MAX_IMAGE_BYTES, &bytes, &n);
        if (status == CLIPC_OK) {
            status = clipc_image_decode(bytes, n, &options, &image);
        }
        base_free(bytes);
    } else {
        status = clipc_image_read(slot->input->data, &options, &image);
    }
    if (status == CLIPC_OK) {
        status = clipc_preprocess(e->model, &image, e->cli->session.preprocess, 0,
                                  e->pixels + (size_t)slot->row * e->pixel_floats);
    }
    if (status != CLIPC_OK) {
        snprintf(slot->error, sizeof slot->error, "%s%s",
                 slot->input->kind == INPUT_STDIN ? "standard input: " : "", clipc_errmsg());
        slot->row = -1;
    }
    clipc_image_free(&image);
}

/* Give each of n inputs its row among the images or the texts. */
static void fill_slots(struct encoder *e, const struct input *inputs, size_t n, size_t *n_images,
                       size_t *n_texts)
{
    *n_images = *n_texts = 0;
    for (size_t i = 0; i < n; i++) {
        struct slot *slot = &e->slots[i];
        slot->input = &inputs[i];
        slot->error[0] = '\0';
        if (inputs[i].kind == INPUT_BROKEN) {
            slot->row = -1;
            snprintf(slot->error, sizeof slot->error, "%s", inputs[i].error);
        } else if (inputs[i].kind == INPUT_TEXT) {
            slot->row = (int)*n_texts;
            e->texts[(*n_texts)++] = (struct clipc_text){inputs[i].data, inputs[i].length};
        } else {
            slot->row = (int)(*n_images)++;
        }
    }
}

/* All rows of one kind failed for the same reason (no such tower, no tokenizer, no memory). */
static void fail_kind(struct encoder *e, size_t n, bool text)
{
    for (size_t i = 0; i < n; i++) {
        if (e->slots[i].row >= 0 && (e->slots[i].input->kind == INPUT_TEXT) == text) {
            e->slots[i].row = -1;
            snprintf(e->slots[i].error, sizeof e->slots[i].error, "%s", clipc_errmsg());
        }
    }
}

static void encode_batch(struct encoder *e, const struct input *inputs, size_t n)
{
    size_t n_images, n_texts;

    fill_slots(e, inputs, n, &n_images, &n_texts);
    if (n_images > 0 && e->pixel_floats > 0) {
        threads_parallel_for(e->pool, n, decode_task, e);
    }
    /* Rows of images that failed hold old pixels: computed, never shown.  The others keep theirs.
     */
    if (n_images > 0 &&
        clipc_encode_pixels(e->session, e->pixels, n_images, e->image_rows) != CLIPC_OK) {
        fail_kind(e, n, false);
    }
    if (n_texts > 0 &&
        clipc_encode_texts(e->session, e->texts, n_texts, e->text_rows) != CLIPC_OK) {
        fail_kind(e, n, true);
    }
}

int encode_inputs(struct encoder *e, const struct inputs *inputs, encode_fn fn, void *arg)
{
    struct progress progress = progress_begin("inputs");
    bool failed = false, stop = false;

    for (size_t i = 0, n; i < inputs->n && !stop; i += n) {
        double before = base_seconds();
        n = inputs->n - i < e->batch ? inputs->n - i : e->batch;
        encode_batch(e, inputs->items + i, n);
        double share = (base_seconds() - before) / (double)n;
        progress_clear(&progress);
        for (size_t j = 0; j < n && !stop; j++) {
            const struct slot *slot = &e->slots[j];
            struct encoded out = {.input = slot->input, .seconds = share};
            if (slot->row >= 0) {
                out.embedding = (slot->input->kind == INPUT_TEXT ? e->text_rows : e->image_rows) +
                                (size_t)slot->row * e->dim;
            } else {
                out.error = slot->error;
                failed = true;
                cli_error("%s", slot->error);
            }
            stop = fn(arg, &out) != 0;
        }
        progress_show(&progress, i + n, inputs->n);
    }
    progress_clear(&progress);
    return failed || stop ? CLI_FAILED : CLI_DONE;
}
