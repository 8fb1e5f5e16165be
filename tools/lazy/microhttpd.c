/* microhttpd.c - opens libmicrohttpd. */
#include "microhttpd.h"

#include "lazy.h"

#define NAME(f) "MHD_" #f,

struct lazy_microhttpd libmicrohttpd;

int lazy_microhttpd(void)
{
    static const char *const names[] = {"libmicrohttpd.so.12", "libmicrohttpd.so", NULL};
    static const char *const functions[] = {LAZY_MICROHTTPD(NAME)};
    static const struct lazy lazy = {names, functions, sizeof functions / sizeof functions[0],
                                     "libmicrohttpd12"};

    return lazy_open(&lazy, &libmicrohttpd);
}
