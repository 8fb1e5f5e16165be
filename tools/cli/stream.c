/* stream.c - inputs to vectors in order: a queue of what is in the batcher, and of what failed
 * before it came there. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "load.h"
#include "progress.h"

/* One input on its way. */
struct entry {
    struct input input;
    struct clipc_image image; /* of INPUT_STDIN */
    struct batch_job *job;    /* NULL: input.error says why not */
};

struct stream {
    const struct cli *cli;
    clipc_model *model;
    clipc_session *session;
    int side; /* of the square that the image tower sees */
    struct batch *batch;
    float *row;            /* [dim] */
    struct entry *entries; /* [room], a ring */
    size_t room, first, n;
    bool held;  /* an entry behind the others is read, and waits for room in the batcher */
    bool ended; /* no more inputs */
};

const clipc_model *stream_model(const struct stream *stream)
{
    return stream->model;
}

clipc_session *stream_session(const struct stream *stream)
{
    return stream->session;
}

void stream_close(struct stream *s)
{
    if (s != NULL) {
        batch_free(s->batch);
        free(s->entries);
        free(s->row);
        clipc_session_free(s->session);
        clipc_close(s->model);
        free(s);
    }
}

static int prepare(struct stream *s)
{
    struct clipc_session_info info = {.size = sizeof info};
    struct clipc_model_info model = {.size = sizeof model};

    clipc_session_info(s->session, &info);
    clipc_model_info(s->model, &model);
    s->side = model.image_size;
    struct batch_options options = {.image = load_options(s->cli, s->side),
                                    .preprocess = s->cli->session.preprocess,
                                    .workers = info.threads - 1};
    if (batch_new(s->model, s->session, &options, &s->batch) != CLIPC_OK) {
        return cli_error("%s", clipc_errmsg());
    }
    /* As many as the batcher holds, and failed ones among them. */
    s->room = 4 * (size_t)info.batch;
    s->entries = calloc(s->room, sizeof *s->entries);
    s->row = calloc((size_t)clipc_dim(s->model), sizeof *s->row);
    return s->entries != NULL && s->row != NULL ? CLI_DONE : cli_error("out of memory");
}

struct stream *stream_open(const struct cli *cli)
{
    struct stream *s = calloc(1, sizeof *s);

    if (s == NULL) {
        cli_error("out of memory");
        return NULL;
    }
    s->cli = cli;
    s->model = cli_open_model(cli);
    s->session = s->model != NULL ? cli_open_session(cli, s->model) : NULL;
    if (s->session == NULL || prepare(s) != CLI_DONE) {
        stream_close(s);
        return NULL;
    }
    return s;
}

static void break_entry(struct entry *e)
{
    e->input.error = strdup(clipc_errmsg());
}

static struct batch_item item_of(const struct entry *e)
{
    const struct input *i = &e->input;

    switch (i->kind) {
    case INPUT_TEXT:
        return (struct batch_item){BATCH_TEXT, i->data, i->length, NULL};
    case INPUT_PIXELS:
        return (struct batch_item){BATCH_PIXELS, i->data, 0, i->name};
    case INPUT_TOKENS:
        return (struct batch_item){BATCH_TOKENS, i->data, i->length / sizeof(int32_t), i->name};
    case INPUT_STDIN:
        return (struct batch_item){BATCH_IMAGE, &e->image, 0, "standard input"};
    case INPUT_IMAGE:
    case INPUT_BROKEN:
        break;
    }
    return (struct batch_item){BATCH_PATH, i->data, 0, i->data};
}

/* Give the entry to the batcher, unless it failed before; false when there is no room. */
static bool hand_in(struct stream *s, struct entry *e)
{
    struct batch_item item = item_of(e);

    if (e->input.kind == INPUT_STDIN && e->image.data == NULL &&
        load_image(s->cli, "-", s->side, &e->image) != CLIPC_OK) {
        break_entry(e);
        return true;
    }
    if (e->input.kind == INPUT_BROKEN) {
        return true;
    }
    batch_submit(s->batch, &item, false, &e->job);
    return e->job != NULL;
}

/* Read as many inputs as are there and find room; waits for one only when there is nothing else to
 * do.  CLI_FAILED after a message when memory is out. */
static int take_in(struct stream *s, struct inputs *inputs)
{
    while (!s->ended && s->n < s->room) {
        struct entry *e = &s->entries[(s->first + s->n) % s->room];
        if (!s->held) {
            bool ready = inputs_ready(inputs);
            if (!ready && s->n > 0) {
                break;
            }
            if (!ready) {
                fflush(stdout); /* whoever writes to us may wait for our answer */
            }
            memset(e, 0, sizeof *e);
            int got = inputs_next(inputs, &e->input);
            s->ended = got <= 0;
            if (got <= 0) {
                return got < 0 ? cli_error("%s", clipc_errmsg()) : CLI_DONE;
            }
            s->held = true;
        }
        if (!hand_in(s, e)) {
            break;
        }
        s->held = false;
        s->n++;
    }
    return CLI_DONE;
}

/* The oldest input's result to fn. */
static int give_out(struct stream *s, stream_fn fn, void *arg, bool *failed)
{
    struct entry *e = &s->entries[s->first];
    struct encoded out = {.input = &e->input, .error = e->input.error};
    char error[512] = "out of memory";

    if (e->job != NULL) {
        if (!batch_is_done(s->batch, e->job)) {
            fflush(stdout);
        }
        if (batch_wait(s->batch, e->job, s->row, &out.seconds) == CLIPC_OK) {
            out.embedding = s->row;
        } else {
            snprintf(error, sizeof error, "%s", clipc_errmsg());
            out.error = error;
        }
    } else if (out.error == NULL) {
        out.error = error;
    }
    if (out.error != NULL) {
        *failed = true;
        cli_error("%s", out.error);
    }
    int stop = fn(arg, &out);
    clipc_image_free(&e->image);
    input_free(&e->input);
    s->first = (s->first + 1) % s->room;
    s->n--;
    return stop;
}

/* Drop what is still on its way. */
static void drop(struct stream *s)
{
    batch_cancel(s->batch);
    for (size_t i = 0; i < s->n + s->held; i++) {
        struct entry *e = &s->entries[(s->first + i) % s->room];
        if (e->job != NULL) {
            batch_wait(s->batch, e->job, s->row, NULL);
        }
        clipc_image_free(&e->image);
        input_free(&e->input);
    }
    s->n = 0;
    s->held = false;
}

int stream_run(struct stream *s, struct inputs *inputs, stream_fn fn, void *arg)
{
    struct progress progress = progress_begin("inputs");
    size_t done = 0, left_out;
    bool failed = false, stop = false;

    s->ended = false;
    for (;;) {
        if (take_in(s, inputs) != CLI_DONE) {
            failed = true;
        }
        if (s->n == 0) {
            break;
        }
        progress_clear(&progress);
        stop = give_out(s, fn, arg, &failed) != 0 || ferror(stdout);
        if (stop) {
            drop(s);
            break;
        }
        progress_show(&progress, ++done, inputs_total(inputs));
    }
    progress_clear(&progress);
    left_out = inputs_left_out(inputs);
    if (left_out > 0) {
        fprintf(stderr, "clipc: %zu %s left out\n", left_out,
                left_out == 1 ? "file that is not a picture" : "files that are not pictures");
    }
    return failed || stop ? CLI_FAILED : CLI_DONE;
}
