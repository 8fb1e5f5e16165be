/* http_tries.c - http_fetch: the hops of a redirect, each through the rules; each failure is
 * judged: again, from the start, or never. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "http_transfer.h"

enum { TRIES = 5, HOPS = 6, WHY_ROOM = 512 };
#define FIRST_BACK_OFF 0.5
#define LONGEST_WAIT   120.0
#define PROGRESS_BYTES ((uint64_t)1 << 20) /* a try that brought so much counts as a success */

enum outcome { DONE, AGAIN, NEVER };

/* ---- What it means --------------------------------------------------------------------------- */

static enum outcome judge_status(struct http *h, char *why, double *wait, int *status)
{
    long http = h->reply.status;
    curl_off_t after = 0;

    if (http == 404 || http == 410) {
        *status = CLIPC_ERROR_ARGUMENT;
        snprintf(why, WHY_ROOM, "there is no such thing (it answered %ld)", http);
        return NEVER;
    }
    if (http == 401 || http == 403) {
        snprintf(why, WHY_ROOM,
                 h->options.token != NULL
                     ? "it answered %ld to the token of $HF_TOKEN: no such model, or one whose "
                       "terms its owner wants accepted on its page"
                     : "it answered %ld: no such model, or one that wants a token in $HF_TOKEN",
                 http);
        /* An address that the hub signed for a while may have run out: it gives a new one. */
        return h->at_hub ? NEVER : AGAIN;
    }
    snprintf(why, WHY_ROOM, "it answered %ld", http);
    if (http == 416 && h->get->from > 0) {
        h->get->fresh = true;
        return AGAIN;
    }
    if (http == 408 || http == 425 || http == 429 || http >= 500) {
        libcurl.easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
        *wait = after > 0 ? (double)after : *wait;
        return AGAIN;
    }
    return NEVER;
}

static enum outcome judge(struct http *h, CURLcode code, char *why, double *wait, int *status)
{
    if (h->refused == HTTP_FRESH) {
        h->get->fresh = true;
        snprintf(why, WHY_ROOM, "it sent other bytes than those asked for");
        return AGAIN;
    }
    if (h->refused != 0) {
        *status = h->refused;
        snprintf(why, WHY_ROOM, "%s", base_errmsg());
        return NEVER;
    }
    if (h->reply.status >= 300 || (code == CURLE_OK && !http_is_content(h))) {
        return judge_status(h, why, wait, status);
    }
    if (code == CURLE_OK) {
        return DONE;
    }
    snprintf(why, WHY_ROOM, "%s",
             code == CURLE_OPERATION_TIMEDOUT && h->reply.status != 0
                 ? "it sends less than a kilobyte a second"
             : h->error[0] != '\0' ? h->error
                                   : libcurl.easy_strerror(code));
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                   code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_OUT_OF_MEMORY ||
                   code == CURLE_SSL_CACERT_BADFILE
               ? NEVER
               : AGAIN;
}

/* All hops of one try. */
static enum outcome try_once(struct http *h, char *why, double *wait, int *status)
{
    char *next = NULL, *url = strdup(h->get->url);
    const char *wrong = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int hops = 0;

    h->taken = 0;
    h->reply.linked_etag[0] = '\0';
    h->reply.linked_size = HTTP_UNKNOWN;
    while (url != NULL && (wrong = http_aim(h, url)) == NULL) {
        code = http_transfer(h);
        next = NULL;
        libcurl.easy_getinfo(h->easy, CURLINFO_REDIRECT_URL, &next);
        if (h->reply.status < 300 || h->reply.status > 399 || next == NULL) {
            break;
        }
        char *copy = hops++ < HOPS ? strdup(next) : NULL;
        if (copy == NULL) {
            snprintf(why, WHY_ROOM, "it redirects more than %d times", HOPS);
            free(url);
            return NEVER;
        }
        free(url);
        url = copy;
    }
    if (wrong != NULL) {
        snprintf(why, WHY_ROOM, "it leads to %.300s, %s", url, wrong);
    }
    free(url);
    return wrong != NULL ? NEVER : judge(h, code, why, wait, status);
}

static void pause_for(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

    while (nanosleep(&t, &t) != 0 && errno == EINTR) {
    }
}

int http_fetch(struct http *h, struct http_get *get)
{
    double back_off = FIRST_BACK_OFF;
    char why[WHY_ROOM];

    h->get = get;
    snprintf(h->at, sizeof h->at, "%s", h->host);
    for (int tries = 1;; tries++) {
        double wait = back_off;
        int status = get->prepare(get->arg, get);
        if (status != 0) {
            return status;
        }
        get->fresh = false;
        status = CLIPC_ERROR_IO;
        enum outcome outcome = try_once(h, why, &wait, &status);
        if (outcome == DONE) {
            return CLIPC_OK;
        }
        if (h->taken >= PROGRESS_BYTES) {
            tries = 1;
            wait = back_off = FIRST_BACK_OFF;
        }
        if (outcome == NEVER) {
            return base_fail(status, "%s: %s", h->at, why);
        }
        if (tries == TRIES) {
            return base_fail(status, "%s: %s, %d times", h->at, why, TRIES);
        }
        if (wait > LONGEST_WAIT) {
            return base_fail(status, "%s: %s, and asks for %.0f s of patience: try again then",
                             h->at, why, wait);
        }
        cli_note("%s: %s; trying again in %.1f s", h->at, why, wait);
        pause_for(wait);
        back_off *= 2;
    }
}
