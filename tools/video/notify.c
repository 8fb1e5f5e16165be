/* notify.c - one thread that runs one program at a time.  A program that does not end after
 * MOST_SECONDS is killed, and what it started with it. */
#include "notify.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "event_queue.h"
#include "process.h"

/* A pipe takes so many bytes without a reader: an event is never longer. */
enum { MOST_BYTES = 4096 };
#define MOST_SECONDS 10.0

struct notify {
    const char *const *argv;
    double cooldown, last; /* last: base_seconds() of the newest that was taken */
    struct event_queue queue;
    bool failed, any;
    uint64_t left_out;
};

/* One program, from its start to its end; false after a message. */
static bool run_one(const char *const *argv, const char *json)
{
    struct process p;
    bool killed;

    if (process_start(&p, argv, PROCESS_IN) != CLIPC_OK) {
        cli_error("--on-event: %s", clipc_errmsg());
        return false;
    }
    ssize_t n = (ssize_t)strlen(json);
    ssize_t written = write(p.in, json, (size_t)n); /* it need not read it: no SIGPIPE here */
    int error = errno;
    int status = process_end(&p, MOST_SECONDS, &killed);
    if (killed) {
        cli_error("--on-event: %s did not end within %g seconds and was killed", argv[0],
                  MOST_SECONDS);
    } else if (WIFSIGNALED(status)) {
        cli_error("--on-event: %s was ended by signal %d", argv[0], WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        cli_error("--on-event: %s failed with status %d", argv[0], WEXITSTATUS(status));
    } else {
        return written == n || error == EPIPE;
    }
    return false;
}

static void *run_all(void *arg)
{
    struct notify *w = arg;
    char *json;

    while ((json = event_queue_take(&w->queue)) != NULL) {
        bool good = run_one(w->argv, json);
        free(json);
        w->failed |= !good;
        if (!good && isfinite(event_queue_left(&w->queue))) {
            event_queue_drop(&w->queue); /* not another wait for each that is left */
        }
    }
    return NULL;
}

int notify_new(const char *const *argv, double cooldown, struct notify **out)
{
    struct notify *w = calloc(1, sizeof *w);
    int status = w == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : CLIPC_OK;

    if (status == CLIPC_OK) {
        w->argv = argv;
        w->cooldown = cooldown;
        status = event_queue_start(&w->queue, run_all, w);
    }
    if (status != CLIPC_OK) {
        free(w);
        w = NULL;
    }
    *out = w;
    return status;
}

void notify_event(struct notify *w, const char *json, size_t n)
{
    double now = base_seconds();

    if (n > MOST_BYTES || (w->any && now - w->last < w->cooldown)) {
        w->left_out++;
        return;
    }
    event_queue_put(&w->queue, json, n);
    w->last = now;
    w->any = true;
}

int notify_free(struct notify *w)
{
    uint64_t left_out = event_queue_end(&w->queue, MOST_SECONDS) + w->left_out;

    if (left_out > 0) {
        cli_note("--on-event: %llu events were left out (--cooldown, or too many at once)",
                 (unsigned long long)left_out);
    }
    bool failed = w->failed;
    free(w);
    return failed ? CLI_FAILED : CLI_DONE;
}
