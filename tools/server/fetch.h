/* fetch.h - pictures from the web: a request's URLs to bytes.  By libcurl; a build without it
 * (fetch_none.c) says so when it is asked for a fetcher.
 *
 * A client that may name a URL sends this machine wherever it likes, behind the firewall too.  So
 * each connection, also after a redirect, is checked when its address is known and nothing can
 * change it any more: public addresses and the usual ports, and the nets that the options allow. */
#ifndef CLIPC_FETCH_H
#define CLIPC_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"

struct fetch_options {
    bool plain_http;                /* http: too, not only https: */
    bool bare_addresses;            /* public ones without a name too */
    const struct address_net *nets; /* [n_nets]: allowed though not public, at any port */
    size_t n_nets;
    const char *hosts;      /* only these names, separated by commas; NULL: all */
    const char *denied;     /* never these */
    const char *ca_file;    /* certificates to trust (PEM) instead of the system's */
    int redirects, seconds; /* seconds: for all URLs of a request together */
    size_t max_bytes;       /* of all pictures of one request together; more is 413 */
    size_t max_held;        /* of all requests at once; more are 503 */
};

struct fetcher;

int fetcher_new(const struct fetch_options *options, struct fetcher **fetcher);
void fetcher_free(struct fetcher *fetcher);

/* What one URL gave; data NULL: nothing was asked. */
struct fetched {
    unsigned char *data; /* [size] */
    size_t size, room;
};

/* Blocks until all urls: [n] have come (those that are NULL are left out), at most 8 at once.  0,
 * or the HTTP status of the refusal with a sentence in why: [300].  `given_up` is asked now and
 * then.  fetch_free in any case. */
typedef bool (*fetch_given_up_fn)(const void *arg);
int fetch_all(struct fetcher *fetcher, const char *const *urls, size_t n,
              fetch_given_up_fn given_up, const void *arg, struct fetched *out, char *why);
void fetch_free(struct fetcher *fetcher, struct fetched *all, size_t n);

#endif
