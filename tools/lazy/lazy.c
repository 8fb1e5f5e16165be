/* lazy.c - dlopen, and a table of its functions. */
#include "lazy.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "../../src/base/base.h"

static int fill(const struct lazy *lazy, void *table)
{
    void *library = NULL, *symbol;

    for (size_t i = 0; library == NULL && lazy->names[i] != NULL; i++) {
        library = dlopen(lazy->names[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (library == NULL) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "no %s on this machine: install %s",
                         lazy->names[0], lazy->package);
    }
    for (size_t i = 0; i < lazy->n; i++) {
        if ((symbol = dlsym(library, lazy->functions[i])) == NULL) {
            return base_fail(CLIPC_ERROR_UNSUPPORTED,
                             "the %s of this machine has no %s: install %s as this program was "
                             "built with",
                             lazy->names[0], lazy->functions[i], lazy->package);
        }
        memcpy((char *)table + i * sizeof symbol, &symbol, sizeof symbol);
    }
    return CLIPC_OK;
}

/* Once, since other threads may be in its functions.  The last one is there when all are. */
static bool is_filled(const struct lazy *lazy, const void *table)
{
    void *last;

    memcpy(&last, (const char *)table + (lazy->n - 1) * sizeof last, sizeof last);
    return last != NULL;
}

int lazy_open(const struct lazy *lazy, void *table)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    int status = is_filled(lazy, table) ? CLIPC_OK : fill(lazy, table);
    pthread_mutex_unlock(&lock);
    return status;
}
