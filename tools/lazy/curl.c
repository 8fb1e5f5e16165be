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
