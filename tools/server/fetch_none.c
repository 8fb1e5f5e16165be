/* fetch_none.c - fetch.h in a build without libcurl: there is no fetcher. */
#include <stdlib.h>

#include "../../src/base/base.h"
#include "fetch.h"

int fetcher_new(const struct fetch_options *options, struct fetcher **fetcher)
{
    (void)options;
    *fetcher = NULL;
    return base_fail(CLIPC_ERROR_UNSUPPORTED,
                     "serve: --allow-url: this build has no libcurl: install "
                     "libcurl4-openssl-dev, and build again");
}

void fetcher_free(struct fetcher *fetcher)
{
    (void)fetcher;
}

int fetch_all(struct fetcher *fetcher, const char *const *urls, size_t n,
              fetch_given_up_fn given_up, const void *arg, struct fetched *out, char *why)
{
    (void)fetcher;
    (void)urls;
    (void)n;
    (void)given_up;
    (void)arg;
    (void)out;
    why[0] = '\0';
    return 400;
}

void fetch_free(struct fetcher *fetcher, struct fetched *all, size_t n)
{
    (void)fetcher;
    (void)all;
    (void)n;
}
