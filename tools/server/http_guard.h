/* http_guard.h - what libmicrohttpd lets pass and we do not: ambiguous heads, and clients that send
 * for ever. */
#ifndef CLIPC_HTTP_GUARD_H
#define CLIPC_HTTP_GUARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/* NULL, or why this head is refused (400): more than one Content-Length, Transfer-Encoding or Host,
 * both of the first two, a length that is not digits, an encoding that is not "chunked",
 * a name with a blank.  Each is how requests are smuggled past a proxy (RFC 9112, 5.1, 6.1, 6.3 and
 * 11.2). */
const char *http_guard_head(struct MHD_Connection *connection);

/* Open connections, each with the time by which its client must have done something. */
enum http_peer_state { HTTP_PEER_IDLE, HTTP_PEER_SENDING, HTTP_PEER_SERVED, HTTP_PEER_READING };
struct http_peer {
    int fd;
    double until;  /* base_seconds(); when it is over the socket is shut.  0: no limit */
    void *request; /* the one that has begun and is not over, or NULL; the socket thread's alone */
    struct http_peer *next, **link;
};
struct http_peers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t reaper;
    struct http_peer *first;
    int sending_s, idle_s;
    bool stop;
};

int http_peers_start(struct http_peers *peers, int sending_s, int idle_s);
void http_peers_stop(struct http_peers *peers);
/* NULL when memory is out: then its requests are not taken. */
struct http_peer *http_peers_add(struct http_peers *peers, int fd);
void http_peers_remove(struct http_peers *peers, struct http_peer *peer);
/* IDLE: the next request may take its time to begin.  SENDING: it has begun, and must be whole
 * soon. SERVED: it is ours to answer now.  READING: it has so many bytes to read, and the time to
 * send plus a second for each HTTP_SLOWEST of them. */
enum { HTTP_SLOWEST = 64 << 10 };
void http_peers_mark(struct http_peers *peers, struct http_peer *peer, enum http_peer_state state,
                     size_t bytes);

#endif
