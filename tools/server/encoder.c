/* encoder.c - the batcher of tools/cli behind calls that take several items and wait for all. */
#include "encoder.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/base/base.h"
#include "../../src/session.h"

struct encoder {
    clipc_session *session;
    struct batch *batch;
    size_t pixels_each, dim;
    double wait_seconds;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int expected; /* requests that decode now */
    struct histogram seconds;
};

/* Others that decode now may join the batch, if they hurry. */
static void wait_for_others(struct encoder *e)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(e->wait_seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&e->lock);
    while (e->expected > 0 && pthread_cond_timedwait(&e->changed, &e->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&e->lock);
}

/* The result of one job; of several that fail, the first one's status and sentence stay. */
static void take(struct encoder *e, struct batch_job *job, float *vector, int *status,
                 char message[256])
{
    int one = batch_wait(e->batch, job, vector, NULL);

    if (one != CLIPC_OK && *status == CLIPC_OK) {
        *status = one == BATCH_CANCELLED ? CLIPC_ERROR_MEMORY : one;
        snprintf(message, 256, "%s",
                 one == BATCH_CANCELLED ? "this server is ending" : clipc_errmsg());
    }
}

/* vectors: [n, dim] of items: [n].  Never waits for room while it holds results that nobody has
 * taken: requests that did so could wait for one another for ever. */
static int encode(struct encoder *e, const struct batch_item *items, size_t n, float *vectors)
{
    struct batch_job **jobs = calloc(n, sizeof(struct batch_job *));
    double begun = base_seconds();
    size_t submitted = 0, taken = 0;
    int status = CLIPC_OK;
    char message[256];

    if (jobs == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for this request now: try again");
    }
    while (submitted < n && status == CLIPC_OK) {
        int code = batch_submit(e->batch, &items[submitted], taken == submitted, &jobs[submitted]);
        if (code != CLIPC_OK) {
            status = CLIPC_ERROR_MEMORY;
            snprintf(message, sizeof message, "this server is ending");
        } else if (jobs[submitted] != NULL) {
            submitted++;
        } else {
            take(e, jobs[taken], vectors + taken * e->dim, &status, message);
            taken++;
        }
    }
    if (e->wait_seconds > 0) {
        wait_for_others(e);
    }
    for (; taken < submitted; taken++) {
        take(e, jobs[taken], vectors + taken * e->dim, &status, message);
    }
    free(jobs);
    pthread_mutex_lock(&e->lock);
    histogram_add(&e->seconds, base_seconds() - begun);
    pthread_mutex_unlock(&e->lock);
    return status == CLIPC_OK ? CLIPC_OK : base_fail(status, "%s", message);
}

int encoder_pixels(struct encoder *e, const float *pixels, size_t n, float *vectors)
{
    struct batch_item *items = calloc(n, sizeof *items);

    if (items == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for this request now: try again");
    }
    for (size_t i = 0; i < n; i++) {
        items[i].kind = BATCH_PIXELS;
        items[i].data = pixels + i * e->pixels_each;
        items[i].n = e->pixels_each;
    }
    int status = encode(e, items, n, vectors);
    free(items);
    return status;
}

int encoder_ids(struct encoder *e, const int32_t *ids, size_t stride, const size_t *lengths,
                size_t n, float *vectors)
{
    struct batch_item *items = calloc(n, sizeof *items);

    if (items == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for this request now: try again");
    }
    for (size_t i = 0; i < n; i++) {
        items[i].kind = BATCH_TOKENS;
        items[i].data = ids + i * stride;
        items[i].n = lengths[i];
    }
    int status = encode(e, items, n, vectors);
    free(items);
    return status;
}

int encoder_preprocess(const struct encoder *e, struct image_rows *rows, int rules, float *pixels)
{
    return session_rows_pixels(e->session, rows, rules, pixels);
}

void encoder_expect(struct encoder *e, int change)
{
    pthread_mutex_lock(&e->lock);
    e->expected += change;
    if (e->expected == 0) {
        pthread_cond_broadcast(&e->changed);
    }
    pthread_mutex_unlock(&e->lock);
}

void encoder_read_figures(struct encoder *e, struct encoder_figures *figures)
{
    batch_read_figures(e->batch, &figures->batch);
    pthread_mutex_lock(&e->lock);
    figures->seconds = e->seconds;
    pthread_mutex_unlock(&e->lock);
}

int encoder_new(const clipc_model *model, const struct encoder_options *options,
                struct encoder **encoder)
{
    struct encoder *e = calloc(1, sizeof *e);
    const struct clipc_options session = {.size = sizeof session,
                                          .threads = options->threads,
                                          .batch = options->batch,
                                          .kernels = options->kernels};
    const struct batch_options batch = {.image = {.size = sizeof batch.image}};
    struct clipc_model_info info = {.size = sizeof info};

    if (e == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    clipc_model_info(model, &info);
    e->dim = (size_t)info.dim;
    e->pixels_each = 3 * (size_t)info.image_size * (size_t)info.image_size;
    e->wait_seconds = options->batch_wait_ms / 1e3;
    int status = clipc_session_new(model, &session, &e->session);
    if (status == CLIPC_OK) {
        status = batch_new(model, e->session, &batch, &e->batch);
    }
    if (status != CLIPC_OK) {
        encoder_free(e);
        return status;
    }
    *encoder = e;
    return CLIPC_OK;
}

void encoder_free(struct encoder *e)
{
    if (e != NULL) {
        batch_free(e->batch);
        clipc_session_free(e->session);
        pthread_cond_destroy(&e->changed);
        pthread_mutex_destroy(&e->lock);
        free(e);
    }
}
