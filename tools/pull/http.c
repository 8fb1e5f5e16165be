/* http.c - one transfer of http.h, by libcurl: its address is checked, its headers and its bytes
 * are taken within bounds. */
#include "http_transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/base/base.h"

enum { DROPPED_BYTES = 64 << 10, SLOWEST = 1000, MAX_URL = 16384 };

/* ---- What comes ------------------------------------------------------------------------------ */

/* "NAME: value\r\n" of a head: the value, cut, without blanks around it; false: another header. */
static bool header(const char *line, size_t n, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);

    if (n <= length || line[length] != ':' || strncasecmp(line, name, length) != 0) {
        return false;
    }
    line += length + 1;
    n -= length + 1;
    for (; n > 0 && (*line == ' ' || *line == '\t'); n--) {
        line++;
    }
    while (n > 0 && (unsigned char)line[n - 1] <= ' ') {
        n--;
    }
    if (n >= room || memchr(line, '\0', n) != NULL) {
        n = 0;
    }
    memcpy(value, line, n);
    value[n] = '\0';
    return true;
}

static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
    struct http *h = arg;
    char value[200];
    unsigned long long first, last, total;

    n *= size;
    h->head_bytes += n;
    if (header(line, n, "ETag", value, sizeof value)) {
        strcpy(h->reply.etag, value[0] == '"' ? value : ""); /* W/"..." is of no use to Range */
    } else if (h->at_hub && header(line, n, "X-Linked-ETag", value, sizeof value)) {
        strcpy(h->reply.linked_etag, value);
    } else if (h->at_hub && header(line, n, "X-Linked-Size", value, sizeof value) &&
               sscanf(value, "%llu", &total) == 1) {
        h->reply.linked_size = total;
    } else if (header(line, n, "Content-Range", value, sizeof value) &&
               sscanf(value, "bytes %llu-%llu/%llu", &first, &last, &total) == 3 && first <= last &&
               last + 1 == total) {
        h->reply.first = first;
        h->reply.total = total;
    }
    return h->head_bytes <= DROPPED_BYTES ? n : 0;
}

/* A 200 or 206 is about to be handed on. */
static int begin(struct http *h)
{
    curl_off_t length = -1;

    h->begun = true;
    libcurl.easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (h->reply.status == 200) {
        h->reply.first = 0;
        h->reply.total = length >= 0 ? (uint64_t)length : HTTP_UNKNOWN;
    } else if (h->reply.total == HTTP_UNKNOWN || h->reply.first != h->get->from) {
        return HTTP_FRESH;
    }
    return h->get->begin(h->get->arg, &h->reply);
}

bool http_is_content(const struct http *h)
{
    return h->reply.status == 200 || (h->reply.status == 206 && h->get->from > 0);
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct http *h = arg;

    n *= size;
    libcurl.easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &h->reply.status);
    if (!http_is_content(h)) {
        h->dropped += n;
        return h->dropped <= DROPPED_BYTES ? n : 0;
    }
    if (!h->begun) {
        h->refused = begin(h);
    }
    if (h->refused == 0) {
        h->refused = h->get->take(h->get->arg, data, n);
    }
    h->taken += n;
    return h->refused == 0 ? n : 0;
}

/* ---- One hop --------------------------------------------------------------------------------- */

static bool same(CURLU *url, CURLUPart part, const char *as)
{
    char *text = NULL;
    bool yes = libcurl.url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               strcasecmp(text, as) == 0;

    libcurl.free(text);
    return yes;
}

const char *http_aim(struct http *h, const char *text)
{
    char *user = NULL;
    const char *why = NULL;

    if (strlen(text) > MAX_URL || libcurl.url_set(h->url, CURLUPART_URL, text, 0) != CURLUE_OK) {
        return "which is no address of http";
    }
    if (libcurl.url_get(h->url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        why = "which has a user's name in it";
    } else if (!same(h->url, CURLUPART_SCHEME, "https") &&
               (strcmp(h->scheme, "http") != 0 || !same(h->url, CURLUPART_SCHEME, "http"))) {
        why = strcmp(h->scheme, "http") == 0 ? "which is neither https nor http"
                                             : "which is not https";
    }
    libcurl.free(user);
    h->at_hub = same(h->url, CURLUPART_SCHEME, h->scheme) &&
                same(h->url, CURLUPART_HOST, h->host) && same(h->url, CURLUPART_PORT, h->port);
    return why;
}

/* Adds a line to *list; false: no memory, and the list is as it was. */
static bool add(struct curl_slist **list, const char *name, const char *value)
{
    size_t room = strlen(name) + strlen(value) + 3;
    char *line = malloc(room);
    struct curl_slist *longer = NULL;

    if (line != NULL) {
        snprintf(line, room, "%s%s", name, value);
        longer = libcurl.slist_append(*list, line);
        *list = longer != NULL ? longer : *list;
    }
    free(line);
    return longer != NULL;
}

static bool add_headers(const struct http *h, struct curl_slist **list)
{
    const struct http_get *g = h->get;
    char range[40];
    bool good = add(list, "Accept: ", "*/*");

    if (h->options.token != NULL && h->at_hub) {
        good = good && add(list, "Authorization: Bearer ", h->options.token);
    }
    if (g->from > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)g->from);
        good = good && add(list, "Range: bytes=", range) &&
               (g->etag[0] == '\0' || add(list, "If-Range: ", g->etag));
    }
    return good;
}

static bool set_up(struct http *h)
{
    const struct http_options *o = &h->options;
    bool good = lazy_curl_rules(h->easy, strcmp(h->scheme, "http") == 0);

    good &= libcurl.easy_setopt(h->easy, CURLOPT_CURLU, h->url) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->error) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_WRITEDATA, h) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_HEADERDATA, h) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT, (long)o->seconds) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_LOW_SPEED_TIME, (long)o->seconds) == CURLE_OK;
    good &= libcurl.easy_setopt(h->easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST) == CURLE_OK;
    if (o->ca_file != NULL) {
        good &= libcurl.easy_setopt(h->easy, CURLOPT_CAINFO, o->ca_file) == CURLE_OK;
    }
    return good;
}

CURLcode http_transfer(struct http *h)
{
    struct curl_slist *headers = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    char *host = NULL;

    h->reply.status =
        0; /* what is linked was said by the hub's hop, before that to the files' host */
    h->reply.first = h->reply.total = HTTP_UNKNOWN;
    h->reply.etag[0] = '\0';
    h->head_bytes = h->dropped = 0;
    h->begun = false;
    h->refused = 0;
    h->error[0] = '\0';
    h->at[0] = '\0';
    if (libcurl.url_get(h->url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        snprintf(h->at, sizeof h->at, "%s", host);
    }
    libcurl.free(host);
    if (set_up(h) && add_headers(h, &headers) &&
        libcurl.easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK) {
        code = libcurl.easy_perform(h->easy);
        libcurl.easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &h->reply.status);
        if (code == CURLE_OK && http_is_content(h) && !h->begun) {
            h->refused = begin(h); /* of an empty body */
        }
    }
    libcurl.easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
    libcurl.slist_free_all(headers);
    return code;
}

/* ---- The beginning and the end --------------------------------------------------------------- */

static int read_endpoint(struct http *h)
{
    char *user = NULL;
    const char *text = h->options.endpoint;
    bool good = libcurl.url_set(h->url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                libcurl.url_get(h->url, CURLUPART_SCHEME, &h->scheme, 0) == CURLUE_OK &&
                libcurl.url_get(h->url, CURLUPART_HOST, &h->host, 0) == CURLUE_OK &&
                libcurl.url_get(h->url, CURLUPART_PORT, &h->port, CURLU_DEFAULT_PORT) == CURLUE_OK;

    if (good && libcurl.url_get(h->url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        good = false;
    }
    libcurl.free(user);
    return good && (strcmp(h->scheme, "https") == 0 || strcmp(h->scheme, "http") == 0)
               ? CLIPC_OK
               : base_fail(
                     CLIPC_ERROR_ARGUMENT,
                     "%.200s: this is no address of a hub: https://HOST, no user's name in it",
                     text);
}

int http_new(const struct http_options *options, struct http **out)
{
    int status = lazy_curl();
    struct http *h = NULL;

    *out = NULL;
    if (status != CLIPC_OK) {
        return status;
    }
    h = calloc(1, sizeof *h);
    if (h == NULL || libcurl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        return base_fail(CLIPC_ERROR_MEMORY, "pull: libcurl does not start");
    }
    h->options = *options;
    h->easy = libcurl.easy_init();
    h->url = libcurl.url();
    status = h->easy != NULL && h->url != NULL
                 ? read_endpoint(h)
                 : base_fail(CLIPC_ERROR_MEMORY, "pull: out of memory");
    if (status != CLIPC_OK) {
        http_free(h);
        return status;
    }
    *out = h;
    return CLIPC_OK;
}

void http_free(struct http *h)
{
    if (h != NULL) {
        libcurl.easy_cleanup(h->easy);
        libcurl.url_cleanup(h->url);
        libcurl.free(h->scheme);
        libcurl.free(h->host);
        libcurl.free(h->port);
        free(h);
        libcurl.global_cleanup();
    }
}
