/* http_guard.c - refuses ambiguous heads; cuts clients that do not come to an end.  The library's
 * own time limit counts from the last byte, so a byte a second would keep a connection for ever. */
#include "http_guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "../../src/base/base.h"
#include "../lazy/microhttpd.h"

struct head {
    int lengths, encodings, hosts;
    bool digits, chunked, names;
};

/* A name as RFC 9110, 5.6.2 has it.  Of a folded line the library makes a part of the name. */
static bool is_name(const char *name)
{
    static const char *const framing[] = {"Content-Length", "Transfer-Encoding"};

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(framing[i]);
        if (strncasecmp(name, framing[i], n) == 0 && name[n] != '\0') {
            return false;
        }
    }
    return name[0] != '\0' && strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
}

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct head *head = arg;

    (void)kind;
    head->names &= is_name(name);
    if (strcasecmp(name, "Content-Length") == 0) {
        head->lengths++;
        head->digits = value != NULL && value[0] != '\0' &&
                       strspn(value, "0123456789") == strlen(value) && strlen(value) < 19;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        head->encodings++;
        head->chunked = value != NULL && strcasecmp(value, "chunked") == 0;
    } else if (strcasecmp(name, "Host") == 0) {
        head->hosts++;
    }
    return MHD_YES;
}

const char *http_guard_head(struct MHD_Connection *connection)
{
    struct head head = {.digits = true, .chunked = true, .names = true};

    libmicrohttpd.get_connection_values(connection, MHD_HEADER_KIND, count_header, &head);
    return head.lengths > 1                           ? "more than one Content-Length"
           : head.encodings > 1                       ? "more than one Transfer-Encoding"
           : head.hosts > 1                           ? "more than one Host"
           : head.lengths == 1 && head.encodings == 1 ? "both Content-Length and Transfer-Encoding"
           : !head.digits                             ? "a Content-Length that is not a number"
           : !head.names                              ? "a header whose name is none"
           : !head.chunked                            ? "a Transfer-Encoding other than chunked"
                                                      : NULL;
}

/* Four times a second is fine enough for limits of seconds. */
static void *reap(void *arg)
{
    struct http_peers *peers = arg;

    pthread_mutex_lock(&peers->lock);
    while (!peers->stop) {
        double now = base_seconds();
        for (struct http_peer *p = peers->first; p != NULL; p = p->next) {
            if (p->until > 0 && now > p->until) {
                p->until = 0;
                shutdown(p->fd, SHUT_RDWR); /* the library sees the end and frees it */
            }
        }
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 250000000;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&peers->changed, &peers->lock, &at);
    }
    pthread_mutex_unlock(&peers->lock);
    return NULL;
}

int http_peers_start(struct http_peers *peers, int sending_s, int idle_s)
{
    memset(peers, 0, sizeof *peers);
    peers->sending_s = sending_s;
    peers->idle_s = idle_s;
    pthread_mutex_init(&peers->lock, NULL);
    pthread_cond_init(&peers->changed, NULL);
    if (pthread_create(&peers->reaper, NULL, reap, peers) != 0) {
        return base_fail(CLIPC_ERROR_MEMORY, "serve: the system gave no thread");
    }
    return CLIPC_OK;
}

void http_peers_stop(struct http_peers *peers)
{
    pthread_mutex_lock(&peers->lock);
    peers->stop = true;
    pthread_cond_signal(&peers->changed);
    pthread_mutex_unlock(&peers->lock);
    pthread_join(peers->reaper, NULL);
    pthread_cond_destroy(&peers->changed);
    pthread_mutex_destroy(&peers->lock);
}

struct http_peer *http_peers_add(struct http_peers *peers, int fd)
{
    struct http_peer *peer = malloc(sizeof *peer);

    if (peer != NULL) {
        pthread_mutex_lock(&peers->lock);
        *peer = (struct http_peer){.fd = fd,
                                   .until = base_seconds() + peers->sending_s,
                                   .next = peers->first,
                                   .link = &peers->first};
        if (peers->first != NULL) {
            peers->first->link = &peer->next;
        }
        peers->first = peer;
        pthread_mutex_unlock(&peers->lock);
    }
    return peer;
}

void http_peers_remove(struct http_peers *peers, struct http_peer *peer)
{
    if (peer != NULL) {
        pthread_mutex_lock(&peers->lock);
        *peer->link = peer->next;
        if (peer->next != NULL) {
            peer->next->link = peer->link;
        }
        pthread_mutex_unlock(&peers->lock);
        free(peer);
    }
}

void http_peers_mark(struct http_peers *peers, struct http_peer *peer, enum http_peer_state state,
                     size_t bytes)
{
    if (peer != NULL) {
        double now = base_seconds();
        pthread_mutex_lock(&peers->lock);
        peer->until = state == HTTP_PEER_SERVED ? 0
                      : state == HTTP_PEER_IDLE ? now + peers->idle_s
                                                : now + peers->sending_s + bytes / HTTP_SLOWEST;
        pthread_mutex_unlock(&peers->lock);
    }
}
