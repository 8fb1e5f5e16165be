/* http_queue.c - requests that compute wait here for a thread; the bound is what keeps memory and
 * waiting times bounded under any load. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../src/base/base.h"
#include "http_work.h"

/* The client closed its side before its answer was begun: nobody waits for it. */
static bool client_gone(const struct work *w)
{
    char byte;

    return w->peer != NULL && recv(w->peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void *serve_queue(void *arg)
{
    struct http *h = arg;

    pthread_mutex_lock(&h->lock);
    while (!h->stop || h->head != NULL) {
        struct work *w = h->head;
        if (w == NULL) {
            pthread_cond_wait(&h->filled, &h->lock);
            continue;
        }
        h->head = w->next;
        h->tail = h->head == NULL ? &h->head : h->tail;
        h->waiting--;
        pthread_mutex_unlock(&h->lock);
        if (client_gone(w)) {
            reply_message(&w->reply, HTTP_CLIENT_GONE, "the client went away");
        } else {
            h->handle(h->arg, &w->request, &w->reply);
        }
        w->ready = true;
        MHD_resume_connection(w->request.connection);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

bool http_queue_add(struct http *h, struct work *w)
{
    bool room;

    pthread_mutex_lock(&h->lock);
    room = h->waiting < h->options.queue;
    if (room) {
        w->suspended = true;
        MHD_suspend_connection(w->request.connection);
        *h->tail = w;
        h->tail = &w->next;
        h->waiting++;
        pthread_cond_signal(&h->filled);
    }
    pthread_mutex_unlock(&h->lock);
    return room;
}

int http_waiting(struct http *h)
{
    pthread_mutex_lock(&h->lock);
    int n = h->waiting;
    pthread_mutex_unlock(&h->lock);
    return n;
}

int http_queue_start(struct http *h)
{
    h->threads = calloc((size_t)h->options.handlers, sizeof *h->threads);
    for (int i = 0; h->threads != NULL && i < h->options.handlers; i++) {
        if (pthread_create(&h->threads[i], NULL, serve_queue, h) != 0) {
            break;
        }
        h->n_threads++;
    }
    return h->n_threads > 0 ? CLIPC_OK
                            : base_fail(CLIPC_ERROR_MEMORY, "serve: the system gave no threads");
}

void http_queue_stop(struct http *h)
{
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_broadcast(&h->filled);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < h->n_threads; i++) {
        pthread_join(h->threads[i], NULL);
    }
    free(h->threads);
}
