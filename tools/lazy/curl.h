/* curl.h - libcurl's functions, as members of `libcurl` when lazy_curl has opened it. */
#ifndef CLIPC_LAZY_CURL_H
#define CLIPC_LAZY_CURL_H

#define CURL_DISABLE_TYPECHECK /* which would make macros of the names */
#include <curl/curl.h>
#include <stdbool.h>

/* Those that are used here. */
/* clang-format off */
#define LAZY_CURL(X) \
    X(easy_cleanup) X(easy_getinfo) X(easy_init) X(easy_perform) X(easy_setopt) \
    X(easy_strerror) X(free) X(global_cleanup) X(global_init) X(multi_add_handle) \
    X(multi_cleanup) X(multi_info_read) X(multi_init) X(multi_perform) X(multi_poll) \
    X(multi_remove_handle) X(multi_setopt) X(slist_append) X(slist_free_all) X(url) \
    X(url_cleanup) X(url_get) X(url_set)
/* clang-format on */
#define LAZY_CURL_MEMBER(f) __typeof__(curl_##f) *f;
extern struct lazy_curl {
    LAZY_CURL(LAZY_CURL_MEMBER)
} libcurl;

/* 0, or CLIPC_ERROR_UNSUPPORTED with a sentence. */
int lazy_curl(void);

/* What holds for every transfer of ours: https only, or http too; redirects are ours to follow; no
 * signals, no waiting for a resolver that hangs.  False when libcurl refuses one of them. */
bool lazy_curl_rules(CURL *easy, bool plain_http);

#endif
