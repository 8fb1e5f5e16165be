/* curl.c - opens libcurl. */
#include "curl.h"

#include "lazy.h"

#define NAME(f) "curl_" #f,

struct lazy_curl libcurl;

int lazy_curl(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so", NULL};
    static const char *const functions[] = {LAZY_CURL(NAME)};
    static const struct lazy lazy = {names, functions, sizeof functions / sizeof functions[0],
                                     "libcurl4"};

    return lazy_open(&lazy, &libcurl);
}

bool lazy_curl_rules(CURL *easy, bool plain_http)
{
    bool good = libcurl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;

#if LIBCURL_VERSION_NUM >= 0x075500
    good &= libcurl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain_http ? "https,http" : "https") ==
            CURLE_OK;
#else
    long mask = CURLPROTO_HTTPS | (plain_http ? CURLPROTO_HTTP : 0);
    good &= libcurl.easy_setopt(easy, CURLOPT_PROTOCOLS, mask) == CURLE_OK;
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    libcurl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    good &= libcurl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    libcurl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    libcurl.easy_setopt(easy, CURLOPT_USERAGENT, "clipc");
    return good;
}
