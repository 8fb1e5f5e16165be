/* http.h - one GET after another from a hub and from where it redirects to, by libcurl: tried again
 * when that may help, within bounds.
 *
 * What a server says is not believed.  Only http(s) is spoken, and http only when the hub's own
 * address is; the token goes to the hub's scheme, host and port and nowhere else; heads and bodies
 * of errors are cut at 64 KiB; who sends less than a kilobyte a second is given up. */
#ifndef CLIPC_PULL_HTTP_H
#define CLIPC_PULL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_UNKNOWN UINT64_MAX /* of sizes */

enum { HTTP_FRESH = 1 }; /* what http_get.begin says besides 0 and a negative clipc_status */

struct http_options {
    const char *endpoint; /* "https://HOST[/PATH]", without a slash at the end */
    const char *token;    /* NULL: none */
    const char *ca_file;  /* certificates to trust (PEM) instead of the system's; NULL: those */
    int seconds;          /* without progress, and to connect */
};

/* Of a 200 or 206: what is about to come. */
struct http_reply {
    long status;
    uint64_t first, total; /* the body is bytes `first` to the end of `total`, or HTTP_UNKNOWN */
    char etag[200];        /* a strong one, or "" */
    char linked_etag[200]; /* that the hub itself gave, "": none: of large files the SHA-256, */
    uint64_t linked_size;  /* and how many bytes; HTTP_UNKNOWN */
};

struct http_get {
    const char *url;
    uint64_t from;  /* ask for the bytes from here on; 0: all */
    char etag[200]; /* and only of this version; "": of any */
    bool fresh;     /* prepare: what there was was of no use */
    /* Before each try: sets `from` and `etag`.  0, or a negative clipc_status. */
    int (*prepare)(void *arg, struct http_get *get);
    /* Once a try, before its bytes.  0; HTTP_FRESH: not the bytes that were asked for, try again
     * from the beginning; or a negative clipc_status, which ends it. */
    int (*begin)(void *arg, const struct http_reply *reply);
    int (*take)(void *arg, const char *bytes, size_t n);
    void *arg;
};

struct http;

/* 0, or a negative clipc_status: no libcurl, no memory, an endpoint that is none. */
int http_new(const struct http_options *options, struct http **http);
void http_free(struct http *http);

/* 0 when a 200 or 206 came whole, as far as HTTP knows; else a negative clipc_status with the
 * sentence why: CLIPC_ERROR_ARGUMENT when there is no such thing (404). */
int http_fetch(struct http *http, struct http_get *get);

#endif
