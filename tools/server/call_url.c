/* call_url.c - the pictures of a request that lie behind URLs. */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "picture.h"

static bool is_gone(const void *request)
{
    return request_is_gone(request);
}

static bool fetch(struct call *c, const char *const *urls, size_t n, struct fetched *all)
{
    char why[PICTURE_WHY];
    int status = fetch_all(c->s->fetcher, urls, n, is_gone, c->request, all, why);

    return status == 0 || call_refuse(c, status, "%s%s", status == 400 ? PICTURE_CAUSE : "", why);
}

bool call_fetch_urls(struct call *c, const json_t *const *items, size_t n, struct fetched **all)
{
    const char **urls = calloc(n + 1, sizeof *urls);
    size_t count = 0;
    bool good = true;

    *all = NULL;
    for (size_t i = 0; urls != NULL && i < n; i++) {
        urls[i] = picture_url(items[i]);
        count += urls[i] != NULL;
    }
    if (count > 0 && c->s->fetcher == NULL) {
        good = call_refuse(c, 400,
                           PICTURE_CAUSE "Images by URL are not allowed here "
                                         "(--allow-url).");
    } else if (count > 0 && !c->request->may_wait) {
        c->reply->later = true;
        good = false;
    } else if (urls == NULL || (count > 0 && (*all = calloc(n, sizeof **all)) == NULL)) {
        good = call_refuse(c, 503, "no memory for this request now: try again");
    } else if (count > 0) {
        good = fetch(c, urls, n, *all);
    }
    free((void *)urls);
    return good;
}

void call_free_urls(struct call *c, size_t n, struct fetched *all)
{
    if (all != NULL) {
        fetch_free(c->s->fetcher, all, n);
        free(all);
    }
}
