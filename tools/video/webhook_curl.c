/* webhook_curl.c - webhook.h by libcurl: one connection, kept while the address answers. */
#include "webhook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../lazy/curl.h"
#include "../cli/say.h"
#include "event_queue.h"

enum { TRIES = 5, ANSWER_BYTES = 64 << 10 };
#define TRY_SECONDS    10.0
#define END_SECONDS    10.0
#define FIRST_BACK_OFF 1.0

struct webhook {
    struct event_queue queue;
    CURL *easy;
    CURLU *url;
    struct curl_slist *headers;
    const char *ca_file; /* NULL: the system's */
    char *host;          /* what may be shown: the rest of a URL can be a secret */
    char error[CURL_ERROR_SIZE];
    char said[320];             /* the last sentence about a failure; "" since one arrived */
    size_t answered;            /* bytes of this try's reply */
    uint64_t delivered, failed; /* the thread's */
};

enum outcome { ARRIVED, AGAIN, NEVER };

/* What the reply says is of no interest; it may not be endless. */
static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct webhook *w = arg;

    (void)data;
    w->answered += size * n;
    return w->answered <= ANSWER_BYTES ? size * n : 0;
}

/* Called about once a second: is the time up that there is at the end? */
static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct webhook *w = arg;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return event_queue_left(&w->queue) <= 0;
}

/* A message each time that the reason is another one. */
static void note(struct webhook *w, const char *why)
{
    if (strcmp(w->said, why) != 0) {
        snprintf(w->said, sizeof w->said, "%s", why);
        cli_error("--webhook: %s: %s", w->host, why);
    }
}

static enum outcome judge_status(struct webhook *w, long http, char *why, size_t room)
{
    const char *where = NULL;

    snprintf(why, room, "it answered %ld", http);
    if (http >= 200 && http <= 299) {
        return ARRIVED;
    }
    if (http >= 300 && http <= 399) {
        libcurl.easy_getinfo(w->easy, CURLINFO_REDIRECT_URL, &where);
        snprintf(why, room,
                 "it redirects (%ld) to %.200s, which is not followed: give that address", http,
                 where != NULL ? where : "nowhere");
    }
    return http == 408 || http == 425 || http == 429 || http >= 500 ? AGAIN : NEVER;
}

static enum outcome try_once(struct webhook *w, const char *json, char *why, size_t room)
{
    double left = event_queue_left(&w->queue);
    long http = 0;

    w->answered = 0;
    w->error[0] = '\0';
    libcurl.easy_setopt(w->easy, CURLOPT_POSTFIELDS, json);
    libcurl.easy_setopt(w->easy, CURLOPT_TIMEOUT_MS,
                        (long)(1000 * (left < TRY_SECONDS ? left : TRY_SECONDS)) + 1);
    CURLcode code = libcurl.easy_perform(w->easy);
    libcurl.easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &http);
    /* A reply that is too long, or does not end, has said what it says by its status. */
    if (code == CURLE_OK || (http >= 200 && code != CURLE_SEND_ERROR)) {
        return judge_status(w, http, why, room);
    }
    snprintf(why, room, "%s%s",
             code == CURLE_ABORTED_BY_CALLBACK ? "it did not answer until the end"
             : w->error[0] != '\0'             ? w->error
                                               : libcurl.easy_strerror(code),
             code == CURLE_PEER_FAILED_VERIFICATION && w->ca_file == NULL
                 ? " (--webhook-ca FILE says whom else to trust)"
                 : "");
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                   code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE
               ? NEVER
               : AGAIN;
}

static bool deliver(struct webhook *w, const char *json)
{
    double back_off = FIRST_BACK_OFF;
    char why[320];

    for (int i = 1;; i++, back_off *= 2) {
        enum outcome outcome = try_once(w, json, why, sizeof why);
        if (outcome == ARRIVED) {
            w->said[0] = '\0';
            return true;
        }
        note(w, why);
        if (outcome == NEVER || i == TRIES || !event_queue_pause(&w->queue, back_off)) {
            return false;
        }
    }
}

static void *run_all(void *arg)
{
    struct webhook *w = arg;
    char *json;

    while ((json = event_queue_take(&w->queue)) != NULL) {
        bool arrived = deliver(w, json);
        w->delivered += arrived;
        w->failed += !arrived;
        free(json);
    }
    return NULL;
}

static bool set_up(struct webhook *w)
{
    bool good = lazy_curl_rules(w->easy, true);

    good &= libcurl.easy_setopt(w->easy, CURLOPT_CURLU, w->url) == CURLE_OK;
    if (w->ca_file != NULL) {
        good &= libcurl.easy_setopt(w->easy, CURLOPT_CAINFO, w->ca_file) == CURLE_OK;
    }
    good &= libcurl.easy_setopt(w->easy, CURLOPT_POST, 1L) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_HTTPHEADER, w->headers) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_ERRORBUFFER, w->error) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_WRITEDATA, w) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
    good &= libcurl.easy_setopt(w->easy, CURLOPT_XFERINFODATA, w) == CURLE_OK;
    return good;
}

static void free_all(struct webhook *w)
{
    libcurl.easy_cleanup(w->easy);
    libcurl.url_cleanup(w->url);
    libcurl.slist_free_all(w->headers);
    libcurl.free(w->host);
    free(w);
    libcurl.global_cleanup();
}

/* "Content-Type"; and no "Expect", for which some servers have no answer. */
static bool add_headers(struct webhook *w)
{
    struct curl_slist *more;

    w->headers = libcurl.slist_append(NULL, "Content-Type: application/json");
    more = w->headers != NULL ? libcurl.slist_append(w->headers, "Expect:") : NULL;
    return more != NULL;
}

int webhook_new(const char *url, const char *ca_file, struct webhook **out)
{
    struct webhook *w = NULL;
    int status = lazy_curl();

    *out = NULL;
    if (status == CLIPC_OK && ca_file != NULL && access(ca_file, R_OK) != 0) {
        status = base_fail(CLIPC_ERROR_IO, "--webhook-ca: %s: %s", ca_file, strerror(errno));
    }
    if (status != CLIPC_OK) {
        return status;
    }
    w = calloc(1, sizeof *w);
    if (w == NULL || libcurl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(w);
        return base_fail(CLIPC_ERROR_MEMORY, "--webhook: libcurl does not start");
    }
    w->ca_file = ca_file;
    w->easy = libcurl.easy_init();
    w->url = libcurl.url();
    if (w->easy == NULL || w->url == NULL || !add_headers(w)) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    } else if (libcurl.url_set(w->url, CURLUPART_URL, url, 0) != CURLUE_OK ||
               libcurl.url_get(w->url, CURLUPART_HOST, &w->host, 0) != CURLUE_OK) {
        status = base_fail(CLIPC_ERROR_ARGUMENT, "--webhook: this is no address: %s", url);
    } else if (!set_up(w)) {
        status = base_fail(CLIPC_ERROR_MEMORY, "--webhook: libcurl does not start");
    } else {
        status = event_queue_start(&w->queue, run_all, w);
    }
    if (status != CLIPC_OK) {
        free_all(w);
        return status;
    }
    *out = w;
    return CLIPC_OK;
}

void webhook_event(struct webhook *w, const char *json, size_t n)
{
    event_queue_put(&w->queue, json, n);
}

int webhook_free(struct webhook *w)
{
    uint64_t left_out = event_queue_end(&w->queue, END_SECONDS);
    uint64_t missing = w->failed + left_out;

    if (missing > 0) {
        cli_note("--webhook: %llu of %llu events did not arrive (%llu failed, %llu were left "
                 "out: too many at once, or no time at the end)",
                 (unsigned long long)missing, (unsigned long long)(missing + w->delivered),
                 (unsigned long long)w->failed, (unsigned long long)left_out);
    }
    free_all(w);
    return missing > 0 ? CLI_FAILED : CLI_DONE;
}
