/* readers.c - threads that decode, and the queues between them and whoever takes. */
#include "readers.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "sample.h"

/* Seconds until a source that was lost is connected again. */
#define LEAST_WAIT 1.0
#define MOST_WAIT  60.0

struct reader {
    struct readers *all;
    struct readers_source source;
    size_t index;
    struct reader_frame *frames; /* [n_frames] */
    struct reader_frame **idle;  /* [n_idle], nobody's */
    struct reader_frame **queue; /* [n_queue], oldest first */
    size_t n_frames, n_idle, n_queue;
    uint64_t dropped;
    uint64_t numbers; /* of a live source: the next frame's */
    bool live, ended; /* ended: the last frame is in the queue, or was taken */
    bool busy;        /* one_each: a frame was taken, and is not done */
    bool started;
    pthread_t thread;
};

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t idle;  /* for readers: a frame came back */
    pthread_cond_t ready; /* for takers: a frame is there, or the end */
    struct reader *list;  /* [n] */
    size_t n, turn;
    int stop[2]; /* a pipe: closing its second end ends all waiting */
    bool one_each, stopped;
};

/* ---- Under the lock ------------------------------------------------------------------------ */

/* A frame that nobody uses; NULL when stopped. */
static struct reader_frame *get_idle(struct reader *r)
{
    while (r->n_idle == 0 && !r->all->stopped) {
        pthread_cond_wait(&r->all->idle, &r->all->lock);
    }
    return r->all->stopped ? NULL : r->idle[--r->n_idle];
}

static struct reader_frame *pop(struct reader *r)
{
    struct reader_frame *f = r->queue[0];

    r->n_queue--;
    memmove(r->queue, r->queue + 1, r->n_queue * sizeof(struct reader_frame *));
    return f;
}

static void push(struct reader *r, struct reader_frame *f)
{
    while (r->live && !f->last && !f->lost && r->n_queue > 0) {
        r->idle[r->n_idle++] = pop(r);
        r->dropped++;
    }
    f->source = r->index;
    f->dropped = r->dropped;
    r->queue[r->n_queue++] = f;
    r->ended |= f->last;
    pthread_cond_signal(&r->all->ready);
}

/* ---- Threads ------------------------------------------------------------------------------- */

/* Wait until base_seconds() is `until`; false when stopped. */
static bool sleep_until(const struct readers *all, double until)
{
    double left;

    while ((left = until - base_seconds()) > 0) {
        struct pollfd p = {all->stop[0], POLLIN, 0};
        if (poll(&p, 1, (int)fmin(ceil(left * 1e3), 60000)) > 0) {
            return false;
        }
    }
    return true;
}

/* The next frame that the samples want, into f->frame: 1, 0 or negative as video_next. */
static int read_frame(struct reader *r, struct video *video, struct sample *sample,
                      struct reader_frame *f, double began)
{
    int got;

    do {
        got = video_next(video, &f->frame);
        f->frame.arrived = base_seconds();
        if (got == 1 && r->source.address.live) {
            f->frame.time = f->frame.arrived - began;
            f->frame.number = r->numbers++; /* also across connections */
        }
    } while (got == 1 && !sample_wants(sample, &f->frame));
    return got;
}

/* Frames of an open video until its end; as video_next's last answer. */
static int read_all(struct reader *r, struct video *video, double began)
{
    struct sample sample = {.every = r->source.every, .fps = r->source.fps};
    bool paced = r->source.realtime && r->source.address.kind != ADDRESS_STDIN;

    for (;;) {
        pthread_mutex_lock(&r->all->lock);
        struct reader_frame *f = get_idle(r);
        pthread_mutex_unlock(&r->all->lock);
        int got = f == NULL ? 0 : read_frame(r, video, &sample, f, began);
        if (got == 1 && paced && !sleep_until(r->all, began + f->frame.time)) {
            got = 0;
        }
        if (got == 1 && paced) {
            f->frame.arrived = base_seconds();
        }
        pthread_mutex_lock(&r->all->lock);
        if (got == 1) {
            f->lost = false;
            push(r, f);
        } else if (f != NULL) {
            r->idle[r->n_idle++] = f;
        }
        pthread_mutex_unlock(&r->all->lock);
        if (got != 1) {
            return got;
        }
    }
}

/* From opening it to its end: 0, or a negative clipc_status with its sentence. */
static int read_once(struct reader *r, double began)
{
    struct video *video;
    int status = video_open(&r->source.address, &r->source.video, &video);

    if (status != CLIPC_OK) {
        return status;
    }
    status = read_all(r, video, began);
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s", clipc_errmsg());
    video_close(video); /* which may have a sentence of its own */
    return status < 0 ? base_fail(status, "%s", sentence) : status;
}

/* What is no frame: the end, or a loss after which `seconds` pass. */
static void tell(struct reader *r, bool last, int status, double seconds)
{
    const struct address *a = &r->source.address;

    pthread_mutex_lock(&r->all->lock);
    struct reader_frame *f = get_idle(r);
    if (f != NULL) {
        f->last = last;
        f->lost = !last;
        f->frame.broken = !last || status < 0;
        if (last) {
            snprintf(f->frame.error, sizeof f->frame.error, "%s", clipc_errmsg());
        } else {
            snprintf(f->frame.error, sizeof f->frame.error, "%.300s%s; again in %g s",
                     status < 0 ? clipc_errmsg() : a->place, status < 0 ? "" : ": it ended",
                     seconds);
        }
        push(r, f);
    }
    pthread_mutex_unlock(&r->all->lock);
}

static void *read_source(void *arg)
{
    struct reader *r = arg;
    double began = base_seconds(), wait = LEAST_WAIT;
    int status;

    for (;;) {
        uint64_t before = r->numbers;
        status = read_once(r, began);
        if (!r->source.address.live || r->numbers == 0) {
            break;
        }
        wait = r->numbers > before ? LEAST_WAIT : fmin(2 * wait, MOST_WAIT);
        tell(r, false, status, wait);
        if (!sleep_until(r->all, base_seconds() + wait)) {
            break;
        }
    }
    tell(r, true, status, 0);
    return NULL;
}

/* ---- Calls --------------------------------------------------------------------------------- */

static int prepare(struct reader *r, struct readers *all, const struct readers_source *source,
                   size_t frames)
{
    r->all = all;
    r->index = (size_t)(r - all->list);
    r->source = *source;
    r->source.video.stop = all->stop[0];
    r->live = source->address.live || source->realtime;
    r->n_frames = frames;
    r->frames = calloc(r->n_frames, sizeof *r->frames);
    r->idle = calloc(r->n_frames, sizeof(struct reader_frame *));
    r->queue = calloc(r->n_frames, sizeof(struct reader_frame *));
    if (r->frames == NULL || r->idle == NULL || r->queue == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    while (r->n_idle < r->n_frames) {
        r->idle[r->n_idle] = &r->frames[r->n_idle];
        r->n_idle++;
    }
    return CLIPC_OK;
}

/* All readers with all signals blocked: those are for the program's own threads. */
static int start_threads(struct readers *all)
{
    sigset_t set, old;
    int error = 0;

    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, &old);
    for (size_t i = 0; i < all->n && error == 0; i++) {
        struct reader *r = &all->list[i];
        error = pthread_create(&r->thread, NULL, read_source, r);
        r->started = error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error == 0 ? CLIPC_OK
                      : base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread for a source");
}

int readers_start(const struct readers_source *sources, size_t n, size_t frames, bool one_each,
                  struct readers **out)
{
    struct readers *all = calloc(1, sizeof *all);
    int status = CLIPC_OK;

    *out = NULL;
    if (all == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    all->one_each = one_each;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->idle, NULL);
    pthread_cond_init(&all->ready, NULL);
    all->list = calloc(n, sizeof *all->list);
    if (pipe(all->stop) != 0) {
        all->stop[0] = all->stop[1] = -1;
        status = base_fail(CLIPC_ERROR_IO, "no pipe: %s", strerror(errno));
    } else {
        fcntl(all->stop[0], F_SETFD, FD_CLOEXEC);
        fcntl(all->stop[1], F_SETFD, FD_CLOEXEC);
    }
    if (all->list == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; status == CLIPC_OK && i < n; i++) {
        all->n = i + 1;
        status = prepare(&all->list[i], all, &sources[i], frames);
    }
    if (status == CLIPC_OK) {
        status = start_threads(all);
    }
    if (status != CLIPC_OK) {
        readers_free(all);
        return status;
    }
    *out = all;
    return CLIPC_OK;
}

void readers_stop(struct readers *all)
{
    pthread_mutex_lock(&all->lock);
    if (!all->stopped && all->stop[1] >= 0) {
        close(all->stop[1]);
    }
    all->stopped = true;
    pthread_cond_broadcast(&all->idle);
    pthread_cond_broadcast(&all->ready);
    pthread_mutex_unlock(&all->lock);
}

void readers_free(struct readers *all)
{
    if (all == NULL) {
        return;
    }
    readers_stop(all);
    for (size_t i = 0; i < all->n; i++) {
        struct reader *r = &all->list[i];
        if (r->started) {
            pthread_join(r->thread, NULL);
        }
        for (size_t k = 0; r->frames != NULL && k < r->n_frames; k++) {
            frame_free(&r->frames[k].frame);
        }
        free(r->frames);
        free(r->idle);
        free(r->queue);
    }
    if (all->stop[0] >= 0) {
        close(all->stop[0]);
    }
    pthread_cond_destroy(&all->idle);
    pthread_cond_destroy(&all->ready);
    pthread_mutex_destroy(&all->lock);
    free(all->list);
    free(all);
}

/* The first frame from the source whose turn it is on; *all_ended: none will ever come. */
static struct reader_frame *take_now(struct readers *all, bool *all_ended)
{
    *all_ended = true;
    for (size_t i = 0; i < all->n; i++) {
        struct reader *r = &all->list[(all->turn + i) % all->n];
        *all_ended = *all_ended && r->ended && r->n_queue == 0;
        if (r->n_queue > 0 && !r->busy) {
            r->busy = all->one_each;
            all->turn = (all->turn + i + 1) % all->n;
            return pop(r);
        }
    }
    return NULL;
}

struct reader_frame *readers_take(struct readers *all)
{
    struct reader_frame *f = NULL;
    bool all_ended = false;

    pthread_mutex_lock(&all->lock);
    while (!all->stopped && (f = take_now(all, &all_ended)) == NULL && !all_ended) {
        pthread_cond_wait(&all->ready, &all->lock);
    }
    pthread_mutex_unlock(&all->lock);
    return f;
}

void readers_done(struct readers *all, size_t source)
{
    pthread_mutex_lock(&all->lock);
    all->list[source].busy = false;
    pthread_cond_signal(&all->ready);
    pthread_mutex_unlock(&all->lock);
}

void readers_give_back(struct readers *all, struct reader_frame *f)
{
    struct reader *r = &all->list[f->source];

    pthread_mutex_lock(&all->lock);
    r->idle[r->n_idle++] = f;
    pthread_cond_broadcast(&all->idle);
    pthread_mutex_unlock(&all->lock);
}

uint64_t readers_dropped(struct readers *all)
{
    uint64_t n = 0;

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        n += all->list[i].dropped;
    }
    pthread_mutex_unlock(&all->lock);
    return n;
}
