/* notify.c - one thread that runs one program at a time.  A program that does not end after
 * MOST_SECONDS is killed, and what it started with it. */
#include "notify.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "process.h"

/* A pipe takes so many bytes without a reader: an event is never longer. */
enum { WAITING = 16, MOST_BYTES = 4096 };
#define MOST_SECONDS 10.0

struct notify {
    const char *const *argv;
    double cooldown, last; /* last: base_seconds() of the newest that was taken */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        char json[MOST_BYTES];
        size_t n;
    } queue[WAITING];
    size_t first, n;
    bool ending, failed, any;
    uint64_t dropped;
};

/* One program, from its start to its end; false after a message. */
static bool run_one(const char *const *argv, const char *json, size_t n)
{
    struct process p;
    bool killed;

    if (process_start(&p, argv, PROCESS_IN) != CLIPC_OK) {
        cli_error("--on-event: %s", clipc_errmsg());
        return false;
    }
    ssize_t written = write(p.in, json, n); /* SIGPIPE is blocked here: it need not read it */
    int status = process_end(&p, MOST_SECONDS, &killed);
    if (killed) {
        cli_error("--on-event: %s did not end within %g seconds and was killed", argv[0],
                  MOST_SECONDS);
    } else if (WIFSIGNALED(status)) {
        cli_error("--on-event: %s was ended by signal %d", argv[0], WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        cli_error("--on-event: %s failed with status %d", argv[0], WEXITSTATUS(status));
    } else {
        return written == (ssize_t)n || errno == EPIPE;
    }
    return false;
}

static void *run_all(void *arg)
{
    struct notify *w = arg;
    char json[MOST_BYTES];

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->n == 0 && !w->ending) {
            pthread_cond_wait(&w->changed, &w->lock);
        }
        if (w->n == 0) {
            break;
        }
        size_t n = w->queue[w->first].n;
        memcpy(json, w->queue[w->first].json, n);
        w->first = (w->first + 1) % WAITING;
        w->n--;
        pthread_mutex_unlock(&w->lock);
        bool good = run_one(w->argv, json, n);
        pthread_mutex_lock(&w->lock);
        w->failed |= !good;
        if (!good && w->ending) { /* not another wait for each that is left */
            w->dropped += w->n;
            w->n = 0;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int notify_new(const char *const *argv, double cooldown, struct notify **out)
{
    struct notify *w = calloc(1, sizeof *w);
    sigset_t all, old;

    *out = NULL;
    if (w == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    w->argv = argv;
    w->cooldown = cooldown;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&w->thread, NULL, run_all, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) {
        free(w);
        return base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread");
    }
    *out = w;
    return CLIPC_OK;
}

void notify_event(struct notify *w, const char *json, size_t n)
{
    pthread_mutex_lock(&w->lock);
    double now = base_seconds();
    if (n > MOST_BYTES || w->n == WAITING || (w->any && now - w->last < w->cooldown)) {
        w->dropped++;
    } else {
        size_t at = (w->first + w->n++) % WAITING;
        memcpy(w->queue[at].json, json, n);
        w->queue[at].n = n;
        w->last = now;
        w->any = true;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
}

int notify_free(struct notify *w)
{
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    if (w->dropped > 0) {
        cli_note("--on-event: %llu events were left out (--cooldown, or too many at once)",
                 (unsigned long long)w->dropped);
    }
    bool failed = w->failed;
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return failed ? CLI_FAILED : CLI_DONE;
}
