/* batch.c - the batcher's queue and its threads.  What is done with the items of one batch, outside
 * the lock, stands in batch_work.c.
 *
 * There are two groups, each a batch of items with their pixels and rows.  Items go to the open
 * group.  A group is encoded when it is full or wanted, in the order of opening, and is free again
 * when all its results are taken.  At most one group is not full, the last. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "../../src/base/base.h"
#include "batch.h"
#include "batch_work.h"

enum { GROUPS = 2 };

struct batch {
    struct batch_work work;
    pthread_mutex_t lock;
    pthread_cond_t prepare; /* for workers: an item waits to be prepared, or the end */
    pthread_cond_t encode;  /* for the encoder: the same, or a group may be complete */
    pthread_cond_t done;    /* for waiters: a group's results are there */
    pthread_cond_t room;    /* for submitters: a group is free */
    struct batch_group groups[GROUPS];
    struct batch_group *queue[GROUPS]; /* [n_queue], not encoded yet, oldest first */
    size_t n_queue;
    struct batch_figures figures;
    bool cancelled, stop;
    pthread_t encoder, *workers; /* [n_workers] */
    int n_workers;
    bool has_encoder;
};

/* ---- Under the lock ------------------------------------------------------------------------ */

/* The next job to prepare, in order; NULL when there is none. */
static struct batch_job *next_job(struct batch *b)
{
    for (size_t i = 0; i < b->n_queue; i++) {
        struct batch_group *g = b->queue[i];
        if (g->taken < g->n) {
            return &g->jobs[g->taken++];
        }
    }
    return NULL;
}

static void prepare(struct batch *b, struct batch_job *job)
{
    bool cancelled = b->cancelled;

    pthread_mutex_unlock(&b->lock);
    if (cancelled) {
        job->status = BATCH_CANCELLED;
    } else {
        batch_prepare(&b->work, job);
    }
    pthread_mutex_lock(&b->lock);
    if (++job->group->prepared == job->group->n) {
        pthread_cond_signal(&b->encode);
    }
}

/* The oldest group, out of the queue, when it can be encoded now. */
static struct batch_group *complete_group(struct batch *b)
{
    struct batch_group *g = b->n_queue > 0 ? b->queue[0] : NULL;

    if (g == NULL || g->prepared < g->n || !(g->wanted || g->n == b->work.batch || b->cancelled)) {
        return NULL;
    }
    b->n_queue--;
    for (size_t i = 0; i < b->n_queue; i++) {
        b->queue[i] = b->queue[i + 1];
    }
    return g;
}

static void count(struct batch_figures *f, const struct batch_group *g, double seconds)
{
    size_t bucket = 0;

    while (bucket < BATCH_BUCKETS - 1 && g->n > (size_t)1 << bucket) {
        bucket++;
    }
    f->sizes[bucket]++;
    f->batches++;
    f->seconds += seconds;
    for (size_t i = 0; i < g->n; i++) {
        enum batch_kind kind = g->jobs[i].item.kind;
        *(kind == BATCH_TEXT || kind == BATCH_TOKENS ? &f->texts : &f->images) += 1;
    }
}

static void encode(struct batch *b, struct batch_group *g)
{
    bool cancelled = b->cancelled;
    double start = base_seconds();

    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; cancelled && i < g->n; i++) {
        g->jobs[i].status = BATCH_CANCELLED;
    }
    if (!cancelled) {
        batch_encode(&b->work, g);
    }
    double seconds = base_seconds() - start;
    pthread_mutex_lock(&b->lock);
    if (!cancelled) {
        count(&b->figures, g, seconds);
    }
    g->done = true;
    pthread_cond_broadcast(&b->done);
}

/* The group that takes the next item: the last, while it is not full, else a free one. */
static struct batch_group *open_group(struct batch *b)
{
    if (b->n_queue > 0 && b->queue[b->n_queue - 1]->n < b->work.batch) {
        return b->queue[b->n_queue - 1];
    }
    for (size_t i = 0; i < GROUPS; i++) {
        struct batch_group *g = &b->groups[i];
        if (g->n == 0) {
            return b->queue[b->n_queue++] = g;
        }
    }
    return NULL;
}

/* ---- Threads ------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct batch *b = arg;
    struct batch_job *job;

    pthread_mutex_lock(&b->lock);
    while (!b->stop) {
        if ((job = next_job(b)) != NULL) {
            prepare(b, job);
        } else {
            pthread_cond_wait(&b->prepare, &b->lock);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* Encodes; while there is nothing to encode, prepares. */
static void *encode_all(void *arg)
{
    struct batch *b = arg;
    struct batch_group *group;
    struct batch_job *job;

    pthread_mutex_lock(&b->lock);
    for (;;) {
        if ((group = complete_group(b)) != NULL) {
            encode(b, group);
        } else if ((job = next_job(b)) != NULL) {
            prepare(b, job);
        } else if (b->stop) {
            break;
        } else {
            pthread_cond_wait(&b->encode, &b->lock);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static int start_threads(struct batch *b, int workers)
{
    sigset_t all, old;

    /* Signals are for the program's own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    b->has_encoder = pthread_create(&b->encoder, NULL, encode_all, b) == 0;
    while (b->has_encoder && b->n_workers < workers &&
           pthread_create(&b->workers[b->n_workers], NULL, work, b) == 0) {
        b->n_workers++; /* with fewer than asked for it is slower, no more */
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return b->has_encoder
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread for the batcher");
}

/* ---- Calls --------------------------------------------------------------------------------- */

int batch_new(const clipc_model *model, clipc_session *session, const struct batch_options *options,
              struct batch **out)
{
    struct batch *b = calloc(1, sizeof *b);
    int workers = options->workers, status = CLIPC_ERROR_MEMORY;

    *out = NULL;
    if (b == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->prepare, NULL);
    pthread_cond_init(&b->encode, NULL);
    pthread_cond_init(&b->done, NULL);
    pthread_cond_init(&b->room, NULL);
    status = batch_work_new(&b->work, model, session, options, b->groups, GROUPS);
    if (status == CLIPC_OK) {
        /* More than there are items at once would only wait. */
        int most = (int)(GROUPS * b->work.batch);
        workers = workers < most ? workers : most;
        b->workers = calloc((size_t)workers + 1, sizeof *b->workers);
        status = b->workers == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                                    : start_threads(b, workers);
    }
    if (status != CLIPC_OK) {
        batch_free(b);
        return status;
    }
    *out = b;
    return CLIPC_OK;
}

void batch_free(struct batch *b)
{
    if (b == NULL) {
        return;
    }
    batch_cancel(b);
    pthread_mutex_lock(&b->lock);
    b->stop = true;
    pthread_cond_broadcast(&b->prepare);
    pthread_cond_broadcast(&b->encode);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->n_workers; i++) {
        pthread_join(b->workers[i], NULL);
    }
    if (b->has_encoder) {
        pthread_join(b->encoder, NULL);
    }
    pthread_cond_destroy(&b->prepare);
    pthread_cond_destroy(&b->encode);
    pthread_cond_destroy(&b->done);
    pthread_cond_destroy(&b->room);
    pthread_mutex_destroy(&b->lock);
    batch_work_free(&b->work, b->groups, GROUPS);
    free(b->workers);
    free(b);
}

int batch_submit(struct batch *b, const struct batch_item *item, bool wait, struct batch_job **job)
{
    struct batch_group *group = NULL;

    *job = NULL;
    pthread_mutex_lock(&b->lock);
    while (!b->cancelled && (group = open_group(b)) == NULL && wait) {
        pthread_cond_wait(&b->room, &b->lock);
    }
    if (!b->cancelled && group != NULL) {
        *job = &group->jobs[group->n];
        batch_begin(*job, item, group, group->n++);
        pthread_cond_signal(&b->prepare);
        pthread_cond_signal(&b->encode);
    }
    int status = b->cancelled ? BATCH_CANCELLED : CLIPC_OK;
    pthread_mutex_unlock(&b->lock);
    return status;
}

bool batch_is_done(struct batch *b, const struct batch_job *job)
{
    pthread_mutex_lock(&b->lock);
    bool done = job->group->done;
    pthread_mutex_unlock(&b->lock);
    return done;
}

int batch_wait(struct batch *b, struct batch_job *job, float *embedding, double *seconds)
{
    struct batch_group *g = job->group;

    pthread_mutex_lock(&b->lock);
    if (!g->wanted && !g->done) {
        g->wanted = true;
        pthread_cond_signal(&b->encode);
    }
    while (!g->done) {
        pthread_cond_wait(&b->done, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);

    int status = batch_result(&b->work, job, embedding, seconds);

    pthread_mutex_lock(&b->lock);
    if (++g->given == g->n) {
        batch_group_clear(g);
        pthread_cond_broadcast(&b->room);
    }
    pthread_mutex_unlock(&b->lock);
    return status;
}

void batch_read_figures(struct batch *b, struct batch_figures *figures)
{
    pthread_mutex_lock(&b->lock);
    *figures = b->figures;
    pthread_mutex_unlock(&b->lock);
}

void batch_cancel(struct batch *b)
{
    pthread_mutex_lock(&b->lock);
    b->cancelled = true;
    pthread_cond_signal(&b->encode);
    pthread_cond_broadcast(&b->room);
    pthread_mutex_unlock(&b->lock);
}
