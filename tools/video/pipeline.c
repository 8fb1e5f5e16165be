/* pipeline.c - the queue of frames on their way: handed in by one thread, answered by another. */
#include "pipeline.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "similar.h"

/* What is known of a frame when its pixels are gone. */
struct entry {
    size_t source;
    uint64_t number, dropped;
    double time, arrived;
    char *path;
    bool last, lost, broken, skipped;
    char error[512];
    struct batch_job *job;     /* NULL: broken, lost, the last, or skipped */
    struct reader_frame *kept; /* NULL: given back already */
};

struct pipeline {
    struct readers *readers;
    struct batch *batch;
    float *rows; /* [n_sources, dim], the last of each */
    size_t dim;
    struct similar *similar; /* NULL: every frame is encoded */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct entry *entries; /* [room], a ring: n of them from `first` on */
    size_t room, first, n;
    bool ended; /* nothing more is handed in */
    bool keep_images;
};

static void give_back(void *arg, const void *image)
{
    struct pipeline *p = arg;
    struct reader_frame *f;

    /* A frame begins with its image. */
    memcpy(&f, &image, sizeof f);
    if (!p->keep_images) {
        readers_give_back(p->readers, f);
    }
}

/* ---- The thread that hands frames in --------------------------------------------------------- */

static struct entry describe(struct reader_frame *f)
{
    struct entry e = {.source = f->source,
                      .number = f->frame.number,
                      .dropped = f->dropped,
                      .time = f->frame.time,
                      .arrived = f->frame.arrived,
                      .path = f->frame.path,
                      .last = f->last,
                      .lost = f->lost,
                      .broken = f->frame.broken};

    f->frame.path = NULL;
    if (e.broken) {
        snprintf(e.error, sizeof e.error, "%s", f->frame.error);
    }
    return e;
}

static void append(struct pipeline *p, const struct entry *e)
{
    pthread_mutex_lock(&p->lock);
    while (p->n == p->room) {
        pthread_cond_wait(&p->changed, &p->lock);
    }
    p->entries[(p->first + p->n++) % p->room] = *e;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static void *hand_in(void *arg)
{
    struct pipeline *p = arg;
    struct reader_frame *f;

    while ((f = readers_take(p->readers)) != NULL) {
        struct entry e = describe(f);
        struct batch_item item = {.kind = BATCH_IMAGE, .data = &f->frame.image};
        e.skipped = !e.broken && !e.last && p->similar != NULL &&
                    similar_is(p->similar, f->source, &f->frame.image);
        bool pictured = !e.broken && !e.last;
        if (pictured && !e.skipped && batch_submit(p->batch, &item, true, &e.job) != CLIPC_OK) {
            free(e.path);
            break;
        }
        if (pictured && p->keep_images) {
            e.kept = f;
        } else if (e.job == NULL) {
            readers_give_back(p->readers, f);
        }
        append(p, &e);
    }
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- The caller's thread --------------------------------------------------------------------- */

/* The oldest entry, waiting for it; false at the end. */
static bool oldest(struct pipeline *p, struct entry *e)
{
    pthread_mutex_lock(&p->lock);
    while (p->n == 0 && !p->ended) {
        pthread_cond_wait(&p->changed, &p->lock);
    }
    bool there = p->n > 0;
    if (there) {
        *e = p->entries[p->first];
        p->first = (p->first + 1) % p->room;
        p->n--;
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return there;
}

static int answer(struct pipeline *p, struct entry *e, pipeline_fn fn, void *arg)
{
    struct pipeline_answer a = {.source = e->source,
                                .number = e->number,
                                .time = e->time,
                                .path = e->path,
                                .error = e->broken ? e->error : NULL,
                                .last = e->last,
                                .lost = e->lost,
                                .skipped = e->skipped,
                                .dropped = e->dropped};
    float *row = p->rows + e->source * p->dim;

    if (e->job != NULL) {
        if (batch_wait(p->batch, e->job, row, NULL) == CLIPC_OK) {
            a.embedding = row;
        } else {
            snprintf(e->error, sizeof e->error, "%s", clipc_errmsg());
            a.error = e->error;
        }
    }
    if (e->skipped) {
        a.embedding = row;
    }
    a.latency = base_seconds() - e->arrived;
    a.image = e->kept != NULL ? &e->kept->frame.image : NULL;
    readers_done(p->readers, e->source);
    return fn(arg, &a);
}

void pipeline_run(struct pipeline *p, pipeline_fn fn, void *arg)
{
    struct entry e;
    bool stopped = false;

    while (oldest(p, &e)) {
        if (stopped) { /* only to have it out of the way */
            if (e.job != NULL) {
                batch_wait(p->batch, e.job, p->rows, NULL);
            }
        } else if (answer(p, &e, fn, arg) != 0) {
            stopped = true;
            readers_stop(p->readers);
            batch_cancel(p->batch);
        }
        if (e.kept != NULL) {
            readers_give_back(p->readers, e.kept);
        }
        free(e.path);
    }
}

uint64_t pipeline_dropped(struct pipeline *p)
{
    return readers_dropped(p->readers);
}

static int start(struct pipeline *p)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    p->has_thread = pthread_create(&p->thread, NULL, hand_in, p) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return p->has_thread ? CLIPC_OK : base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread");
}

int pipeline_read(const clipc_session *session, const struct readers_source *sources, size_t n,
                  bool keep_images, struct readers **readers)
{
    struct clipc_session_info info = {.size = sizeof info};
    bool live = false;

    clipc_session_info(session, &info);
    size_t waiting = keep_images ? 2 * (size_t)info.batch : 0; /* for their vectors */
    for (size_t i = 0; i < n; i++) {
        live |= sources[i].address.live || sources[i].realtime;
    }
    return readers_start(sources, n, FRAMES_AHEAD + waiting, live, readers);
}

int pipeline_new(const clipc_model *model, clipc_session *session,
                 const struct pipeline_options *options, struct readers *readers, size_t n_sources,
                 struct pipeline **out)
{
    struct clipc_session_info info = {.size = sizeof info};
    struct batch_options own = options->batch;
    struct pipeline *p = calloc(1, sizeof *p);
    int status;

    *out = NULL;
    if (p == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    p->readers = readers;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    clipc_session_info(session, &info);
    p->room = 4 * (size_t)info.batch;
    p->entries = calloc(p->room, sizeof *p->entries);
    p->dim = (size_t)clipc_dim(model);
    p->rows = calloc(n_sources * p->dim, sizeof *p->rows);
    p->keep_images = options->keep_images;
    own.prepared = give_back;
    own.prepared_arg = p;
    status = p->entries == NULL || p->rows == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                                                   : batch_new(model, session, &own, &p->batch);
    if (status == CLIPC_OK && options->skip_similar > 0) {
        status = similar_new(model, own.preprocess, options->skip_similar, n_sources, &p->similar);
    }
    if (status == CLIPC_OK) {
        status = start(p);
    }
    if (status != CLIPC_OK) {
        pipeline_free(p);
        return status;
    }
    *out = p;
    return CLIPC_OK;
}

static int ignore(void *arg, const struct pipeline_answer *answer)
{
    (void)arg;
    (void)answer;
    return 1;
}

void pipeline_free(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    if (p->has_thread) {
        readers_stop(p->readers);
        pipeline_run(p, ignore, NULL); /* what is still on its way */
        pthread_join(p->thread, NULL);
    }
    batch_free(p->batch);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p->entries);
    free(p->rows);
    similar_free(p->similar);
    free(p);
}
