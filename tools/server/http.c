/* http.c - libmicrohttpd behind http.h: one epoll thread collects whole requests; those that
 * compute wait, suspended, in a bounded queue for a handler's thread, and are resumed with their
 * reply. */
#include "http.h"

#include <errno.h>

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../lazy/microhttpd.h"
#include "http_work.h"

enum { IDLE_SECONDS = 60, HEAD_BYTES = 64 << 10 };

/* ---- The library's callbacks --------------------------------------------------------------- */

/* Of what began on this connection, all is over. */
static void end_request(struct http *h, struct http_peer *peer, int status)
{
    struct work *w = peer == NULL ? NULL : peer->request;

    if (w == NULL) {
        return;
    }
    peer->request = NULL;
    if (w->seen) {
        h->done(h->arg, &w->request, status, w->reply.size);
    }
    http_peers_mark(&h->peers, peer, HTTP_PEER_IDLE, 0);
    reply_free(&w->reply);
    h->held -= w->room + w->held;
    free(w->body);
    free(w);
    pthread_mutex_lock(&h->lock);
    h->in_flight--;
    pthread_cond_signal(&h->drained);
    pthread_mutex_unlock(&h->lock);
}

/* NULL, without memory, becomes the end of the connection in on_access. */
static void *begin_request(void *arg, const char *uri, struct MHD_Connection *connection)
{
    struct http *h = arg;
    const union MHD_ConnectionInfo *info =
        libmicrohttpd.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_peer *peer = info == NULL ? NULL : info->socket_context;
    struct work *w = peer == NULL ? NULL : calloc(1, sizeof *w);

    if (w != NULL) {
        end_request(h, peer, 0);
        peer->request = w;
        w->bad_path = strstr(uri, "%00") != NULL; /* unescaped, it would end the path */
        w->http = h;
        w->peer = peer;
        w->request.connection = connection;
        w->request.fd = peer->fd;
        w->request.started = base_seconds();
        http_peers_mark(&h->peers, peer, HTTP_PEER_SENDING, 0);
        pthread_mutex_lock(&h->lock);
        h->in_flight++;
        pthread_mutex_unlock(&h->lock);
    }
    return w;
}

static enum MHD_Result send_reply(struct work *w)
{
    http_peers_mark(&w->http->peers, w->peer, HTTP_PEER_READING, w->reply.size);
    if (!w->reply.fixed) { /* until the client has read it */
        w->held = w->reply.size;
        w->http->held += w->held;
    }
    struct MHD_Response *response = libmicrohttpd.create_response_from_buffer(
        w->reply.size, w->reply.body,
        w->reply.fixed ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);

    if (response == NULL) {
        return MHD_NO;
    }
    if (!w->reply.fixed) {
        w->reply.body = NULL; /* the response's own now */
    }
    if (w->reply.type != NULL) {
        libmicrohttpd.add_response_header(response, "Content-Type", w->reply.type);
    }
    libmicrohttpd.add_response_header(response, "X-Request-Id", w->request.id);
    for (size_t i = 0; i < w->reply.n_headers; i++) {
        libmicrohttpd.add_response_header(response, w->reply.headers[i].name,
                                          w->reply.headers[i].value);
    }
    if (!w->whole || w->http->draining) {
        libmicrohttpd.add_response_header(response, "Connection", "close");
    }
    enum MHD_Result queued =
        libmicrohttpd.queue_response(w->request.connection, (unsigned)w->reply.status, response);
    libmicrohttpd.destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct work *w, int status, const char *why)
{
    reply_message(&w->reply, status, "%s", why);
    if (status == 503) {
        reply_header(&w->reply, "Retry-After", "1");
    }
    return send_reply(w);
}

/* Keep what came of the body; false: cut the connection. */
static bool keep_body(struct work *w, const char *data, size_t n)
{
    size_t limit = w->http->options.max_body;

    if (w->no_room || w->size + n > limit) { /* counted, because chunks announce no length */
        w->too_large |= !w->no_room;
        w->size += n;
        return w->size <= 2 * limit; /* swallowed for a while, to be able to say so */
    }
    if (w->size + n + 1 > w->room) {
        size_t room = w->room < 4096 ? 4096 : w->room;
        while (room < w->size + n + 1) {
            room *= 2;
        }
        char *body = NULL;
        if (w->http->held + room - w->room <= w->http->options.max_held) {
            body = realloc(w->body, room);
        }
        if (body == NULL) {
            w->no_room = true;
            w->size += n;
            return true;
        }
        w->http->held += room - w->room;
        w->body = body;
        w->room = room;
    }
    memcpy(w->body + w->size, data, n);
    w->size += n;
    w->body[w->size] = '\0';
    return true;
}

static enum MHD_Result head_came(struct work *w, const char *url, const char *method)
{
    const char *why = http_guard_head(w->request.connection);
    const char *length = request_header(&w->request, "Content-Length");

    w->seen = true;
    w->request.method = method;
    w->request.path = url;
    http_choose_id(&w->request);
    if (why != NULL || w->bad_path) {
        return refuse(w, 400, why != NULL ? why : "a path with U+0000 in it");
    }
    if (w->http->draining) {
        return refuse(w, 503, "this server is ending");
    }
    /* After a header without a name the library reads no more of them: what follows a POST that
     * seems to have no body may be its body, and never the next request. */
    w->no_length = strcmp(method, "POST") == 0 && length == NULL &&
                   request_header(&w->request, "Transfer-Encoding") == NULL;
    if (length != NULL && strtoull(length, NULL, 10) > w->http->options.max_body) {
        return refuse(w, 413, "the body is larger than this server takes (--max-body)");
    }
    return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **slot)
{
    struct http *h = arg;
    struct work *w = *slot;

    (void)version;
    (void)connection;
    if (w == NULL) {
        return MHD_NO;
    }
    if (!w->seen) {
        return head_came(w, url, method);
    }
    if (w->ready) {
        return send_reply(w);
    }
    if (*upload_size != 0) {
        bool kept = keep_body(w, upload, *upload_size);
        *upload_size = 0;
        return kept ? MHD_YES : MHD_NO;
    }
    if (w->suspended) {
        return MHD_YES; /* woken for another reason: the reply is not there yet */
    }
    w->whole = !w->no_length; /* what is said from here on leaves the connection usable */
    http_peers_mark(&h->peers, w->peer, HTTP_PEER_SERVED, 0);
    if (w->too_large) {
        return refuse(w, 413, "the body is larger than this server takes (--max-body)");
    }
    if (w->no_room || h->held > h->options.max_held) {
        return refuse(w, 503, "other requests fill the memory of this server: try again");
    }
    w->request.body = w->body == NULL ? "" : w->body;
    w->request.size = w->size;
    if (h->is_quick(h->arg, method, url)) {
        h->handle(h->arg, &w->request, &w->reply);
        return send_reply(w);
    }
    return http_queue_add(h, w) ? MHD_YES
                                : refuse(w, 503, "too many requests wait already: try again");
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode code)
{
    struct http *h = arg;
    struct work *w = *slot;

    (void)connection;
    if (w != NULL) {
        end_request(h, w->peer, code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? w->reply.status : 0);
        *slot = NULL;
    }
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *h = arg;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            libmicrohttpd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *slot = info == NULL ? NULL : http_peers_add(&h->peers, info->connect_fd);
    } else {
        /* Of a request whose query is too long for its memory the library never says that it is
         * completed (0.9.75): it is over with its connection. */
        end_request(h, *slot, 0);
        http_peers_remove(&h->peers, *slot);
        *slot = NULL;
    }
}

/* What clients send wrong is their affair, and answered; why it does not start is ours. */
static void on_log(void *arg, const char *format, va_list ap)
{
    struct http *h = arg;

    if (!h->started) {
        vsnprintf(h->complaint, sizeof h->complaint, format, ap);
        h->complaint[strcspn(h->complaint, "\n")] = '\0';
    }
}

/* Of a library that is not there http_start tells. */
bool http_can_tls(void)
{
    return lazy_microhttpd() != CLIPC_OK ||
           libmicrohttpd.is_feature_supported(MHD_FEATURE_TLS) == MHD_YES;
}

/* ---- Start and stop ------------------------------------------------------------------------ */

static int resolve(const struct http_options *o, struct addrinfo **found)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    char port[16];

    snprintf(port, sizeof port, "%d", o->port);
    int code = getaddrinfo(o->host, port, &hints, found);
    return code == 0 ? CLIPC_OK
                     : base_fail(CLIPC_ERROR_ARGUMENT, "serve: cannot listen on '%s': %s", o->host,
                                 gai_strerror(code));
}

static struct MHD_Daemon *start_daemon(struct http *h, const struct addrinfo *address)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)(size_t)h->options.tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)(size_t)h->options.tls_key},
        {MHD_OPTION_END, 0, NULL}};

    if (h->options.tls_cert == NULL) {
        tls[0] = tls[2];
    } else {
        flags |= MHD_USE_TLS;
    }
    if (address->ai_family == AF_INET6) {
        flags |= MHD_USE_IPv6;
    }
    return libmicrohttpd.start_daemon(
        flags, (uint16_t)h->options.port, NULL, NULL, on_access, h, MHD_OPTION_EXTERNAL_LOGGER,
        on_log, h, MHD_OPTION_SOCK_ADDR, address->ai_addr, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)h->options.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_URI_LOG_CALLBACK, begin_request, h, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static int not_started(const struct http *h)
{
    const char *why = h->complaint[0] != '\0' ? h->complaint : strerror(errno);

    if (strstr(why, "TLS") != NULL) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "serve: no TLS with these --tls-cert and --tls-key: a certificate in PEM "
                         "and the key that belongs to it, not encrypted, are wanted");
    }
    return base_fail(CLIPC_ERROR_IO, "serve: cannot listen on %s, port %d: %s", h->options.host,
                     h->options.port, why);
}

static void free_http(struct http *h)
{
    http_queue_stop(h);
    if (h->daemon != NULL) {
        libmicrohttpd.stop_daemon(h->daemon);
    }
    if (h->guarded) {
        http_peers_stop(&h->peers);
    }
    pthread_cond_destroy(&h->drained);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int http_start(const struct http_options *options, http_is_quick_fn is_quick, http_handle_fn handle,
               http_done_fn done, void *arg, struct http **http)
{
    struct http *h = calloc(1, sizeof *h);
    struct addrinfo *address = NULL;

    if (h == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "serve: out of memory");
    }
    h->options = *options;
    h->is_quick = is_quick;
    h->handle = handle;
    h->done = done;
    h->arg = arg;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->drained, NULL);
    *http = h; /* before any thread that may ask for it */
    int status = lazy_microhttpd();
    if (status == CLIPC_OK) {
        status = resolve(options, &address);
    }
    if (status == CLIPC_OK) {
        status = http_queue_start(h);
    }
    if (status == CLIPC_OK) {
        status = http_peers_start(&h->peers, options->deadline_s, IDLE_SECONDS);
        h->guarded = status == CLIPC_OK;
    }
    if (status == CLIPC_OK && (h->daemon = start_daemon(h, address)) == NULL) {
        status = not_started(h);
    }
    h->started = status == CLIPC_OK;
    if (address != NULL) {
        freeaddrinfo(address);
    }
    if (status != CLIPC_OK) {
        *http = NULL;
        free_http(h);
    }
    return status;
}

int http_port(const struct http *h)
{
    const union MHD_DaemonInfo *info =
        libmicrohttpd.get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info == NULL ? 0 : info->port;
}

void http_stop(struct http *h, int seconds)
{
    struct timespec until;
    int listening = libmicrohttpd.quiesce_daemon(h->daemon);

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&h->lock);
    h->draining = true;
    while (h->in_flight > 0 && pthread_cond_timedwait(&h->drained, &h->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&h->lock);
    if (listening != -1) {
        close(listening);
    }
    free_http(h);
}
