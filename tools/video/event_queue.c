/* event_queue.c - a ring of lines, its thread, and an end that comes in time. */
#include "event_queue.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/base/base.h"

int event_queue_start(struct event_queue *q, void *(*run)(void *), void *arg)
{
    pthread_condattr_t attributes;
    sigset_t all, old;

    memset(q, 0, sizeof *q);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&q->thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) {
        pthread_cond_destroy(&q->changed);
        pthread_mutex_destroy(&q->lock);
        return base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread");
    }
    return CLIPC_OK;
}

void event_queue_put(struct event_queue *q, const char *json, size_t n)
{
    char *line = malloc(n + 1);

    if (line != NULL) {
        memcpy(line, json, n);
        line[n] = '\0';
    }
    pthread_mutex_lock(&q->lock);
    if (line == NULL || q->n == EVENT_QUEUE_ROOM) {
        q->dropped++;
        free(line);
    } else {
        q->lines[(q->first + q->n++) % EVENT_QUEUE_ROOM] = line;
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
}

/* Under the lock. */
static bool is_late(const struct event_queue *q)
{
    return q->ending && base_seconds() >= q->until;
}

static void drop(struct event_queue *q)
{
    for (; q->n > 0; q->n--, q->dropped++) {
        free(q->lines[q->first]);
        q->first = (q->first + 1) % EVENT_QUEUE_ROOM;
    }
}

char *event_queue_take(struct event_queue *q)
{
    char *line = NULL;

    pthread_mutex_lock(&q->lock);
    while (q->n == 0 && !q->ending) {
        pthread_cond_wait(&q->changed, &q->lock);
    }
    if (is_late(q)) {
        drop(q);
    }
    if (q->n > 0) {
        line = q->lines[q->first];
        q->first = (q->first + 1) % EVENT_QUEUE_ROOM;
        q->n--;
    }
    pthread_mutex_unlock(&q->lock);
    return line;
}

double event_queue_left(struct event_queue *q)
{
    pthread_mutex_lock(&q->lock);
    double left = q->ending ? q->until - base_seconds() : INFINITY;
    pthread_mutex_unlock(&q->lock);
    return left > 0 ? left : 0;
}

bool event_queue_pause(struct event_queue *q, double seconds)
{
    double until = base_seconds() + seconds;

    pthread_mutex_lock(&q->lock);
    while (base_seconds() < until && !is_late(q)) {
        double end = q->ending && q->until < until ? q->until : until;
        struct timespec t = {.tv_sec = (time_t)end, .tv_nsec = (long)((end - floor(end)) * 1e9)};
        pthread_cond_timedwait(&q->changed, &q->lock, &t);
    }
    bool late = is_late(q);
    pthread_mutex_unlock(&q->lock);
    return !late;
}

void event_queue_drop(struct event_queue *q)
{
    pthread_mutex_lock(&q->lock);
    drop(q);
    pthread_mutex_unlock(&q->lock);
}

uint64_t event_queue_end(struct event_queue *q, double seconds)
{
    pthread_mutex_lock(&q->lock);
    q->until = base_seconds() + seconds;
    q->ending = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    drop(q);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    return q->dropped;
}
