/* batch_work.c - the items of one group to vectors: images decoded and preprocessed one by one,
 * then images, texts and token ids each encoded in one call. */
#include "batch_work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

int batch_work_new(struct batch_work *w, const clipc_model *model, clipc_session *session,
                   const struct batch_options *options, struct batch_group *groups, size_t n_groups)
{
    struct clipc_model_info info = {.size = sizeof info};
    struct clipc_session_info made = {.size = sizeof made};
    bool good = true;

    clipc_model_info(model, &info);
    clipc_session_info(session, &made);
    w->session = session;
    w->options = *options;
    w->batch = (size_t)made.batch;
    w->dim = (size_t)info.dim;
    w->pixel_floats = 3 * (size_t)info.image_size * (size_t)info.image_size;
    w->context = (size_t)info.context_length;
    w->list = calloc(w->batch, sizeof *w->list);
    w->texts = calloc(w->batch, sizeof *w->texts);
    w->ids = calloc(w->batch, (w->context + 1) * sizeof *w->ids);
    good = w->list != NULL && w->texts != NULL && w->ids != NULL;
    for (size_t i = 0; i < n_groups; i++) {
        groups[i].jobs = calloc(w->batch, sizeof *groups[i].jobs);
        groups[i].pixels = base_alloc(w->batch * w->pixel_floats * sizeof(float));
        groups[i].rows = calloc(w->batch, w->dim * sizeof(float));
        good = good && groups[i].jobs != NULL && groups[i].pixels != NULL && groups[i].rows != NULL;
    }
    return good
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_MEMORY,
                           "out of memory for a batch of %zu; ask for a smaller --batch", w->batch);
}

void batch_work_free(struct batch_work *w, struct batch_group *groups, size_t n_groups)
{
    for (size_t i = 0; i < n_groups; i++) {
        free(groups[i].jobs);
        base_free(groups[i].pixels);
        free(groups[i].rows);
    }
    free(w->list);
    free(w->texts);
    free(w->ids);
}

void batch_group_clear(struct batch_group *g)
{
    g->n = g->taken = g->prepared = g->given = 0;
    g->wanted = g->done = false;
}

void batch_begin(struct batch_job *job, const struct batch_item *item, struct batch_group *group,
                 size_t index)
{
    job->item = *item;
    job->group = group;
    job->index = index;
    job->status = CLIPC_OK;
    job->seconds = 0;
}

/* The sentence of this thread's last failure, with the item's name in front unless it has it. */
static void fail(struct batch_job *job, int status, bool named)
{
    const char *name = named ? NULL : job->item.name;

    job->status = status;
    snprintf(job->error, sizeof job->error, "%.300s%s%s", name != NULL ? name : "",
             name != NULL ? ": " : "", clipc_errmsg());
}

/* ---- Preparing ----------------------------------------------------------------------------- */

static bool is_image(const struct batch_job *job)
{
    return job->item.kind != BATCH_TEXT && job->item.kind != BATCH_TOKENS;
}

/* An image's pixels: 0, or a negative clipc_status. */
static int preprocess(const struct batch_work *w, const struct batch_item *item, float *pixels)
{
    int rules = w->options.preprocess;

    if (item->kind == BATCH_IMAGE) {
        return clipc_session_preprocess(w->session, item->data, rules, 0, pixels);
    }
    if (item->kind == BATCH_BYTES) {
        return clipc_session_preprocess_bytes(w->session, item->data, item->n, &w->options.image,
                                              rules, 0, pixels);
    }
    return clipc_session_preprocess_file(w->session, item->data, &w->options.image, rules, 0,
                                         pixels);
}

void batch_prepare(const struct batch_work *w, struct batch_job *job)
{
    float *pixels = job->group->pixels + job->index * w->pixel_floats;
    double begun = base_seconds();

    if (!is_image(job)) {
        return;
    }
    if (w->pixel_floats == 0) {
        fail(job, base_fail(CLIPC_ERROR_UNSUPPORTED, "this model has no image tower"), false);
    } else if (job->item.kind == BATCH_PIXELS) {
        memcpy(pixels, job->item.data, w->pixel_floats * sizeof *pixels);
    } else {
        int status = preprocess(w, &job->item, pixels);
        if (status != CLIPC_OK) {
            fail(job, status, job->item.kind == BATCH_PATH);
        }
    }
    job->seconds = base_seconds() - begun;
    if (w->options.prepared != NULL) {
        w->options.prepared(w->options.prepared_arg, job->item.data);
    }
}

/* ---- Encoding ------------------------------------------------------------------------------ */

/* Items [first, first + n) of the list, which are all of one kind (and token rows of one length):
 * images: pixels [.., 3, image_size, image_size] in the order of the list; rows: [.., dim]. */
static void encode_rows(struct batch_work *w, const float *pixels, size_t first, size_t n,
                        float *rows)
{
    const struct batch_item *item = &w->list[first]->item;
    float *to = rows + first * w->dim;
    int status;

    if (item->kind == BATCH_TEXT) {
        status = clipc_encode_texts(w->session, w->texts + first, n, to);
    } else if (item->kind == BATCH_TOKENS) {
        status = clipc_encode_tokens(w->session, w->ids + first * item->n, n, item->n, to);
    } else {
        status = clipc_encode_pixels(w->session, pixels + first * w->pixel_floats, n, to);
    }
    if (status != CLIPC_OK && status != CLIPC_ERROR_NUMBER && n > 1) {
        /* Which one is it?  Each says so alone. */
        for (size_t i = 0; i < n; i++) {
            encode_rows(w, pixels, first + i, 1, rows);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct batch_job *job = w->list[first + i];
        bool finite = true;
        for (size_t d = 0; status == CLIPC_ERROR_NUMBER && d < w->dim; d++) {
            finite = finite && isfinite(to[i * w->dim + d]);
        }
        job->row = to + i * w->dim;
        if (status != CLIPC_OK && !(status == CLIPC_ERROR_NUMBER && finite)) {
            fail(job, status, false);
        }
    }
}

static bool same_call(const struct batch_job *a, const struct batch_job *b)
{
    return is_image(a) ? is_image(b)
                       : a->item.kind == b->item.kind &&
                             (a->item.kind == BATCH_TEXT || a->item.n == b->item.n);
}

/* Put job into the list at `at`, and what it is encoded from beside the others'. */
static void gather(struct batch_work *w, struct batch_job *job, size_t at)
{
    w->list[at] = job;
    if (job->item.kind == BATCH_TEXT) {
        w->texts[at] = (struct clipc_text){job->item.data, job->item.n};
    } else if (job->item.kind == BATCH_TOKENS) {
        memcpy(w->ids + at * job->item.n, job->item.data, job->item.n * sizeof *w->ids);
    } else if (at != job->index) { /* over the place of one that failed, or of a text */
        memcpy(job->group->pixels + at * w->pixel_floats,
               job->group->pixels + job->index * w->pixel_floats,
               w->pixel_floats * sizeof *job->group->pixels);
    }
}

/* Token rows that no call takes, before they are copied. */
static void check_tokens(const struct batch_work *w, struct batch_job *job)
{
    if (job->item.kind == BATCH_TOKENS && job->status == CLIPC_OK &&
        (job->item.n == 0 || job->item.n > w->context)) {
        fail(job,
             w->context == 0 ? base_fail(CLIPC_ERROR_UNSUPPORTED, "this model has no text tower")
                             : base_fail(CLIPC_ERROR_ARGUMENT, "%zu ids in a row; want 1 to %zu",
                                         job->item.n, w->context),
             false);
    }
}

void batch_encode(struct batch_work *w, struct batch_group *g)
{
    size_t used = 0; /* rows given to calls so far */

    for (size_t i = 0; i < g->n; i++) {
        check_tokens(w, &g->jobs[i]);
        g->jobs[i].row = NULL;
    }
    for (size_t i = 0; i < g->n; i++) {
        size_t n = 0;
        if (g->jobs[i].status != CLIPC_OK || g->jobs[i].row != NULL) {
            continue;
        }
        double begun = base_seconds();
        for (size_t j = i; j < g->n; j++) {
            if (g->jobs[j].status == CLIPC_OK && g->jobs[j].row == NULL &&
                same_call(&g->jobs[i], &g->jobs[j])) {
                gather(w, &g->jobs[j], n++);
            }
        }
        encode_rows(w, g->pixels, 0, n, g->rows + used * w->dim);
        used += n;
        for (size_t j = 0; j < n; j++) {
            w->list[j]->seconds += (base_seconds() - begun) / (double)n;
        }
    }
}

int batch_result(const struct batch_work *w, const struct batch_job *job, float *embedding,
                 double *seconds)
{
    if (seconds != NULL) {
        *seconds = job->seconds;
    }
    if (job->status < 0) {
        return base_fail(job->status, "%s", job->error);
    }
    if (job->status == CLIPC_OK) {
        memcpy(embedding, job->row, w->dim * sizeof *embedding);
    }
    return job->status;
}
