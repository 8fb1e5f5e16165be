/* http_work.h - a request on its way through the server; for the files http*.c only. */
#ifndef CLIPC_HTTP_WORK_H
#define CLIPC_HTTP_WORK_H

#include <pthread.h>

#include "http.h"
#include "http_guard.h"

/* One request from its first line to its last byte. */
struct work {
    struct request request;
    struct reply reply;
    struct http *http;
    struct http_peer *peer;
    char *body;
    size_t size, room;
    size_t held; /* of the reply */
    bool bad_path, no_length, seen, whole, too_large, no_room, suspended, ready;
    double queued; /* base_seconds() when it was put into the queue */
    struct work *next; /* in the queue */
};

/* Requests that wait for a thread, first in first out, and the threads that take them. */
struct lane {
    struct http *http;
    bool may_wait; /* for requests that wait for other servers; the rest never queues behind them */
    bool stop;
    struct work *head, **tail;
    int waiting, n_threads;
    pthread_cond_t filled;
    pthread_t *threads;
};

struct http {
    struct http_options options;
    http_is_quick_fn is_quick;
    http_handle_fn handle;
    http_done_fn done;
    void *arg;
    struct MHD_Daemon *daemon;
    struct http_peers peers;
    pthread_mutex_t lock;
    pthread_cond_t drained;
    struct lane lanes[2]; /* the usual one, and the one that may wait */
    size_t held;          /* bytes of bodies and replies; the socket thread's alone */
    int in_flight;
    _Atomic bool draining, started;
    bool guarded;
    char complaint[200]; /* what the library said while it started */
};

/* Starts options.handlers and options.waiters threads (fewer where the system gives fewer, but
 * one). */
int http_queue_start(struct http *h);
/* Ends them when the queue is empty. */
void http_queue_stop(struct http *h);
/* Suspends the connection until a thread has answered; false: the queue is full. */
bool http_queue_add(struct http *h, struct work *w);

/* X-Request-Id.  A given one is kept when it is short and plain: it goes into logs and headers. */
void http_choose_id(struct request *r);

#endif
