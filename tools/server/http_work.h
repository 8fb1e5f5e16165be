/* http_work.h - a request on its way through the server; for http.c and http_queue.c only. */
#ifndef CLIPC_HTTP_WORK_H
#define CLIPC_HTTP_WORK_H

#include <pthread.h>

#include "http.h"
#include "http_guard.h"

enum { HTTP_CLIENT_GONE = 499 };

/* One request from its first line to its last byte. */
struct work {
    struct request request;
    struct reply reply;
    struct http *http;
    struct http_peer *peer;
    char *body;
    size_t size, room;
    bool seen, too_large, no_room, suspended, ready, close;
    struct work *next; /* in the queue */
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
    pthread_cond_t filled, drained;
    struct work *head, **tail; /* requests that wait */
    size_t held;               /* bytes of bodies; the socket thread's alone */
    int waiting, in_flight, n_threads;
    bool draining, stop, guarded;
    pthread_t *threads;
};

/* Starts options.handlers threads (fewer where the system gives fewer, but one). */
int http_queue_start(struct http *h);
/* Ends them when the queue is empty. */
void http_queue_stop(struct http *h);
/* Suspends the connection until a thread has answered; false: the queue is full. */
bool http_queue_add(struct http *h, struct work *w);

#endif
