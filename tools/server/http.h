/* http.h - the listening side: connections in, whole requests out to a route, replies back.  Knows
 * nothing of models.  By libmicrohttpd: one thread turns all sockets; requests that compute go
 * through a bounded queue to threads of their own, so that a slow one never holds up another. */
#ifndef CLIPC_HTTP_H
#define CLIPC_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

struct http;

struct http_options {
    const char *host; /* address or name to listen on */
    int port;         /* 0: any that is free; http_port tells */
    size_t max_body;  /* bytes; more is 413 */
    size_t max_held;  /* bytes of all bodies and replies at once; more are 503 */
    int queue;        /* requests that may wait; more are 503 at once */
    int handlers;     /* threads that run `handle` */
    int waiters;      /* threads more, for requests that wait for other servers */
    int connections;  /* open at once; more are closed */
    int deadline_s;   /* seconds for a client to send a whole request; then it is cut */
    int max_wait_s;   /* seconds in the queue after which a request is 503, not computed */
    const char *tls_cert, *tls_key; /* PEM; NULL: no TLS */
};

/* Called on the socket thread when a request's head has come: true when it computes nothing and
 * `handle` may run right there (/healthz). */
typedef bool (*http_is_quick_fn)(void *arg, const char *method, const char *path);
/* Fills the reply; called on any thread.  A reply that is `later` is none: the request is handled
 * once more, on a thread where request->may_wait. */
typedef void (*http_handle_fn)(void *arg, const struct request *request, struct reply *reply);
/* After the reply's last byte, or when the client went away (status 0). */
typedef void (*http_done_fn)(void *arg, const struct request *request, int status, size_t bytes);

/* Was the library built with TLS? */
bool http_can_tls(void);

/* Listens and returns; 0, or a negative clipc_status with a message. */
int http_start(const struct http_options *options, http_is_quick_fn is_quick, http_handle_fn handle,
               http_done_fn done, void *arg, struct http **http);
int http_port(const struct http *http);
/* Requests that wait for a thread now. */
int http_waiting(struct http *http);

/* No new connections; what is in flight ends (for at most `seconds`), then everything is freed. */
void http_stop(struct http *http, int seconds);

#endif
