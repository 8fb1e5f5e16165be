/* http_transfer.h - what http.c and http_tries.c share: one transfer to one address. */
#ifndef CLIPC_PULL_HTTP_TRANSFER_H
#define CLIPC_PULL_HTTP_TRANSFER_H

#include "../lazy/curl.h"
#include "http.h"

struct http {
    struct http_options options;
    CURL *easy;
    CURLU *url;                 /* where it is now */
    char *scheme, *host, *port; /* the endpoint's */
    char at[128];               /* the host that was asked last, for messages */
    char error[CURL_ERROR_SIZE];
    struct http_get *get;
    struct http_reply reply;
    bool at_hub; /* the address is the endpoint's */
    bool begun;
    int refused; /* by begin or take */
    size_t head_bytes, dropped;
    uint64_t taken; /* bytes handed on in this try */
};

/* Let the next transfer go to `url`.  NULL, or what is wrong with it: "which is not https". */
const char *http_aim(struct http *h, const char *url);
/* That transfer; h->reply says what came. */
CURLcode http_transfer(struct http *h);
/* Is it a 200, or the 206 that was asked for? */
bool http_is_content(const struct http *h);

#endif
