/* fetch_curl.c - fetch.h by libcurl: all URLs of one call at once, each hop of a redirect a
 * transfer of its own, so that every one passes the rules.  What a server sends is counted here:
 * announced lengths lie, and libcurl's own limits came late (7.88 keeps headers without end). */

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/clipc.h"
#include "../lazy/curl.h"
#include "fetch_rules.h"
#include "request.h"

enum { HEAD_BYTES = 64 << 10, AT_ONCE = 8, POLL_MS = 200, MAX_URL = 8192 };

static const char not_decoded[] = "Data pointed by URL could not be decoded into image.";
static const char not_valid[] = "Provided image URL is invalid";

struct fetcher {
    struct fetch_options options;
    pthread_mutex_t lock;
    size_t held;
};

struct job {
    struct fetcher *f;
    CURLM *multi;
    struct transfer *all; /* [n] */
    size_t n, running;
    size_t bytes; /* of all pictures so far */
    double until;
    int status; /* of the first that failed, 0 so far */
    const char *why;
};

struct transfer {
    struct job *job;
    CURL *easy;
    CURLU *url; /* where it is now */
    struct fetched *out;
    size_t head_bytes, dropped;
    int redirects;
};

static bool fail(struct job *job, int status, const char *why)
{
    if (job->status == 0) {
        job->status = status;
        job->why = why;
    }
    return false;
}

/* ---- Memory: counted for the transfer, for the request and for all requests ------------------ */

static bool hold(struct fetcher *f, size_t more)
{
    pthread_mutex_lock(&f->lock);
    bool room = more <= f->options.max_held && f->held <= f->options.max_held - more;
    f->held += room ? more : 0;
    pthread_mutex_unlock(&f->lock);
    return room;
}

static void let_go(struct fetcher *f, size_t n)
{
    pthread_mutex_lock(&f->lock);
    f->held -= n;
    pthread_mutex_unlock(&f->lock);
}

static bool grow(struct transfer *t, size_t wanted)
{
    struct fetcher *f = t->job->f;
    size_t room = t->out->room < 16384 ? 16384 : t->out->room, more;

    while (room < wanted) {
        room *= 2;
    }
    more = room - t->out->room;
    if (!hold(f, more)) {
        return false;
    }
    unsigned char *data = realloc(t->out->data, room);
    if (data == NULL) {
        let_go(f, more);
        return false;
    }
    t->out->data = data;
    t->out->room = room;
    return true;
}

void fetch_free(struct fetcher *f, struct fetched *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].data != NULL) {
            let_go(f, all[i].room);
            free(all[i].data);
        }
        all[i] = (struct fetched){NULL, 0, 0};
    }
}

/* ---- libcurl's callbacks --------------------------------------------------------------------- */

/* What a reply that is no picture brings is read and dropped, for a while. */
static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    struct job *job = t->job;
    long http = 0;

    n *= size;
    libcurl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
    if (http < 200 || http > 299) {
        t->dropped += n;
        return t->dropped <= HEAD_BYTES ? n : 0;
    }
    if (n > job->f->options.max_bytes - job->bytes) {
        fail(job, 413,
             "The pictures behind the URLs are larger than this server takes "
             "(--max-body)");
        return 0;
    }
    if (t->out->size + n > t->out->room && !grow(t, t->out->size + n)) {
        fail(job, 503, "the pictures of other requests fill this server's memory: try again");
        return 0;
    }
    memcpy(t->out->data + t->out->size, data, n);
    t->out->size += n;
    job->bytes += n;
    return n;
}

static size_t on_head(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;

    (void)data;
    t->head_bytes += size * n;
    return t->head_bytes <= HEAD_BYTES ? size * n : 0;
}

/* The one place that cannot be gone around: the name is resolved, the connection not yet made. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct transfer *t = arg;

    (void)purpose;
    if (!fetch_check_address(&t->job->f->options, &a->addr)) {
        fail(t->job, 400,
             "The URL leads to an address or a port that this server does not fetch "
             "from.");
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype, a->protocol);
}

/* ---- One hop --------------------------------------------------------------------------------- */

static bool set_up(struct transfer *t)
{
    const struct fetch_options *o = &t->job->f->options;
    bool good = lazy_curl_rules(t->easy, o->plain_http);

    /* $http_proxy would make the connection for us, and to where it likes. */
    good &= libcurl.easy_setopt(t->easy, CURLOPT_PROXY, "") == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
    good &= libcurl.easy_setopt(t->easy, CURLOPT_CURLU, t->url) == CURLE_OK;
    if (o->ca_file != NULL) {
        good &= libcurl.easy_setopt(t->easy, CURLOPT_CAINFO, o->ca_file) == CURLE_OK;
    }
    return good;
}

/* What the rules say of the URL as libcurl has read it; NULL: nothing. */
static const char *check_url(const struct transfer *t)
{
    char *scheme = NULL, *host = NULL, *user = NULL;
    const char *why = not_valid;

    if (libcurl.url_get(t->url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        libcurl.url_get(t->url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        why = fetch_check_url(&t->job->f->options, scheme, host);
    }
    if (why == NULL && libcurl.url_get(t->url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        why = "A URL with a user's name is not fetched.";
    }
    libcurl.free(scheme);
    libcurl.free(host);
    libcurl.free(user);
    return why;
}

/* Sets off to `url`; false after noting why not. */
static bool go(struct transfer *t, const char *url)
{
    struct job *job = t->job;
    const char *why = not_valid;

    if (strlen(url) <= MAX_URL && libcurl.url_set(t->url, CURLUPART_URL, url, 0) == CURLUE_OK) {
        why = check_url(t);
    }
    if (why != NULL) {
        return fail(job, 400, why);
    }
    if (!set_up(t) || libcurl.multi_add_handle(job->multi, t->easy) != CURLM_OK) {
        return fail(job, 503, "no memory for this picture now: try again");
    }
    job->running++;
    return true;
}

/* A transfer has ended: with a picture, a redirect or an error. */
static void end_hop(struct transfer *t, CURLcode code)
{
    struct job *job = t->job;
    char *next = NULL;
    long http = 0;

    libcurl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
    libcurl.easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &next);
    char *copy = next == NULL ? NULL : strdup(next); /* the transfer's own, and that goes on */
    libcurl.multi_remove_handle(job->multi, t->easy);
    job->running--;
    if (code == CURLE_OK && copy != NULL) {
        if (t->redirects++ == job->f->options.redirects) {
            fail(job, 400, not_decoded);
        } else {
            go(t, copy);
        }
    } else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        fail(job, 400, not_valid);
    } else if (code != CURLE_OK || http < 200 || http > 299) {
        fail(job, 400, not_decoded);
    } else if (t->out->size == 0) {
        fail(job, 400, "Empty image payload.");
    }
    free(copy);
}

/* ---- All of one call ------------------------------------------------------------------------- */

static void run(struct job *job, fetch_given_up_fn given_up, const void *arg)
{
    int still = 0, left;

    while (job->running > 0 && job->status == 0) {
        double seconds = job->until - base_seconds();
        const CURLMsg *message;
        if (seconds <= 0) {
            fail(job, 400, "The pictures behind the URLs did not come in time.");
        } else if (given_up(arg)) {
            fail(job, HTTP_CLIENT_GONE, "the client went away");
        } else if (libcurl.multi_perform(job->multi, &still) != CURLM_OK ||
                   libcurl.multi_poll(job->multi, NULL, 0,
                                      still == 0                ? 0
                                      : seconds * 1e3 < POLL_MS ? (int)(seconds * 1e3) + 1
                                                                : POLL_MS,
                                      NULL) != CURLM_OK) {
            fail(job, 503, "no memory for this picture now: try again");
        }
        while ((message = libcurl.multi_info_read(job->multi, &left)) != NULL) {
            struct transfer *t;
            CURLcode code = message->data.result;
            if (message->msg == CURLMSG_DONE &&
                libcurl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK) {
                end_hop(t, code);
            }
        }
    }
}

static void begin(struct job *job, const char *const *urls, struct fetched *out)
{
    for (size_t i = 0; i < job->n && job->status == 0; i++) {
        struct transfer *t = &job->all[i];
        if (urls[i] != NULL) {
            *t = (struct transfer){job, libcurl.easy_init(), libcurl.url(), &out[i], 0, 0, 0};
            if (t->easy == NULL || t->url == NULL) {
                fail(job, 503, "no memory for this picture now: try again");
            } else {
                go(t, urls[i]);
            }
        }
    }
}

int fetch_all(struct fetcher *f, const char *const *urls, size_t n, fetch_given_up_fn given_up,
              const void *arg, struct fetched *out, char *why)
{
    struct job job = {.f = f, .multi = libcurl.multi_init(), .n = n};

    job.until = base_seconds() + f->options.seconds;
    job.all = calloc(n, sizeof *job.all);
    memset(out, 0, n * sizeof *out);
    if (job.multi == NULL || job.all == NULL) {
        fail(&job, 503, "no memory for this picture now: try again");
    } else {
        libcurl.multi_setopt(job.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)AT_ONCE);
        begin(&job, urls, out);
        run(&job, given_up, arg);
    }
    for (size_t i = 0; job.all != NULL && i < n; i++) {
        if (job.all[i].easy != NULL) {
            libcurl.multi_remove_handle(job.multi, job.all[i].easy);
            libcurl.easy_cleanup(job.all[i].easy);
        }
        libcurl.url_cleanup(job.all[i].url);
    }
    free(job.all);
    libcurl.multi_cleanup(job.multi);
    if (job.status != 0) {
        strcpy(why, job.why);
    }
    return job.status;
}

/* ---- The fetcher ----------------------------------------------------------------------------- */

int fetcher_new(const struct fetch_options *options, struct fetcher **fetcher)
{
    struct fetcher *f = NULL;
    int status = lazy_curl();

    *fetcher = NULL;
    if (status != CLIPC_OK) {
        return status;
    }
    f = calloc(1, sizeof *f);
    if (f == NULL || libcurl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(f);
        return base_fail(CLIPC_ERROR_MEMORY, "serve: libcurl does not start");
    }
    f->options = *options;
    pthread_mutex_init(&f->lock, NULL);
    *fetcher = f;
    return CLIPC_OK;
}

void fetcher_free(struct fetcher *f)
{
    if (f != NULL) {
        pthread_mutex_destroy(&f->lock);
        libcurl.global_cleanup();
        free(f);
    }
}
