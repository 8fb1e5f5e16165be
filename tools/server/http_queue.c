/* http_queue.c - requests that compute wait here for a thread; the bound is what keeps memory and
 * waiting times bounded under any load.  Two lanes: whoever waits for another server does it on
 * threads of its own, and holds up only its like. */

#include <stdlib.h>

#include "../../src/base/base.h"
#include "../lazy/microhttpd.h"
#include "http_work.h"

/* The lock is held. */
static bool put(struct lane *lane, struct work *w)
{
    if (lane->n_threads == 0 || lane->waiting >= lane->http->options.queue) {
        return false;
    }
    w->next = NULL;
    *lane->tail = w;
    lane->tail = &w->next;
    lane->waiting++;
    pthread_cond_signal(&lane->filled);
    return true;
}

static struct work *take(struct lane *lane)
{
    struct work *w = lane->head;

    lane->head = w->next;
    lane->tail = lane->head == NULL ? &lane->head : lane->tail;
    lane->waiting--;
    return w;
}

static void refuse_busy(struct work *w, const char *why)
{
    reply_message(&w->reply, 503, "%s", why);
    reply_header(&w->reply, "Retry-After", "1");
}

/* false: it goes on in the other lane, and is that one's now. */
static bool answer(struct lane *lane, struct work *w)
{
    struct http *h = lane->http;

    if (request_is_gone(&w->request)) {
        reply_message(&w->reply, HTTP_CLIENT_GONE, "the client went away");
        return true;
    }
    if (base_seconds() - w->queued > h->options.max_wait_s) {
        refuse_busy(w, "this request has waited for its turn too long: try again");
        return true;
    }
    w->request.may_wait = lane->may_wait;
    h->handle(h->arg, &w->request, &w->reply);
    if (!w->reply.later) {
        return true;
    }
    reply_free(&w->reply);
    w->reply = (struct reply){0};
    pthread_mutex_lock(&h->lock);
    bool room = put(&h->lanes[1], w);
    pthread_mutex_unlock(&h->lock);
    if (!room) {
        refuse_busy(w, "too many requests wait already: try again");
    }
    return !room;
}

static void *serve_queue(void *arg)
{
    struct lane *lane = arg;
    struct http *h = lane->http;

    pthread_mutex_lock(&h->lock);
    while (!lane->stop || lane->head != NULL) {
        if (lane->head == NULL) {
            pthread_cond_wait(&lane->filled, &h->lock);
            continue;
        }
        struct work *w = take(lane);
        pthread_mutex_unlock(&h->lock);
        if (answer(lane, w)) {
            w->ready = true;
            libmicrohttpd.resume_connection(w->request.connection);
        }
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

bool http_queue_add(struct http *h, struct work *w)
{
    w->queued = base_seconds();
    pthread_mutex_lock(&h->lock);
    bool room = put(&h->lanes[0], w);
    if (room) { /* before a thread can have taken it: the lock is held */
        w->suspended = true;
        libmicrohttpd.suspend_connection(w->request.connection);
    }
    pthread_mutex_unlock(&h->lock);
    return room;
}

int http_waiting(struct http *h)
{
    pthread_mutex_lock(&h->lock);
    int n = h->lanes[0].waiting + h->lanes[1].waiting;
    pthread_mutex_unlock(&h->lock);
    return n;
}

static void start_lane(struct http *h, struct lane *lane, bool may_wait, int threads)
{
    lane->http = h;
    lane->may_wait = may_wait;
    lane->tail = &lane->head;
    pthread_cond_init(&lane->filled, NULL);
    lane->threads = calloc((size_t)threads + 1, sizeof *lane->threads);
    for (int i = 0; lane->threads != NULL && i < threads; i++) {
        if (pthread_create(&lane->threads[i], NULL, serve_queue, lane) != 0) {
            break;
        }
        lane->n_threads++;
    }
}

int http_queue_start(struct http *h)
{
    start_lane(h, &h->lanes[1], true, h->options.waiters); /* first: the other hands to it */
    start_lane(h, &h->lanes[0], false, h->options.handlers);
    return h->lanes[0].n_threads > 0 && (h->options.waiters == 0 || h->lanes[1].n_threads > 0)
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_MEMORY, "serve: the system gave no threads");
}

static void stop_lane(struct http *h, struct lane *lane)
{
    pthread_mutex_lock(&h->lock);
    lane->stop = true;
    if (lane->http != NULL) {
        pthread_cond_broadcast(&lane->filled);
    }
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < lane->n_threads; i++) {
        pthread_join(lane->threads[i], NULL);
    }
    if (lane->http != NULL) {
        pthread_cond_destroy(&lane->filled);
    }
    free(lane->threads);
}

void http_queue_stop(struct http *h)
{
    stop_lane(h, &h->lanes[0]); /* first: it hands to the other */
    stop_lane(h, &h->lanes[1]);
}
