/* lazy.h - shared libraries that are opened when a verb first wants them.  libcurl, libmicrohttpd
 * and libass bring forty others, and 9 ms of each start, to verbs that use none of them.  A file
 * for each: its functions are members of a struct, libcurl.easy_init() is curl_easy_init(). */
#ifndef CLIPC_LAZY_H
#define CLIPC_LAZY_H

#include <stddef.h>

struct lazy {
    const char *const *names;     /* of the library's file, tried in order; NULL behind the last */
    const char *const *functions; /* [n] */
    size_t n;
    const char *package; /* that has it, for people */
};

/* Fill `table`, a struct of n pointers to functions in that order, all NULL until then; one that is
 * filled is not written again.  0, or CLIPC_ERROR_UNSUPPORTED
 * with a sentence that says what to install.  The library stays open.  Any thread. */
int lazy_open(const struct lazy *lazy, void *table);

#endif
