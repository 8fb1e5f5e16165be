/* interrupt.c - a thread that waits for signals which all others hold back. */
#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "../../src/base/base.h"
#include "../../src/base/output.h"

static struct {
    void (*fn)(void *arg);
    void *arg;
    pthread_t thread;
    sigset_t held, before;
    atomic_int came;
} state;

static void *wait_for_signals(void *unused)
{
    int number, old;

    (void)unused;
    while (sigwait(&state.held, &number) == 0) { /* interrupt_end cancels it there */
        if (atomic_exchange(&state.came, number) == 0) {
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
            state.fn(state.arg);
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
            continue;
        }
        output_unlink_unfinished();
        signal(number, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &state.held, NULL);
        raise(number);
    }
    return NULL;
}

int interrupt_begin(void (*fn)(void *arg), void *arg)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction old;

    state.fn = fn;
    state.arg = arg;
    atomic_store(&state.came, 0);
    sigemptyset(&state.held);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaddset(&state.held, signals[i]); /* nohup's stay ignored */
        }
    }
    pthread_sigmask(SIG_BLOCK, &state.held, &state.before);
    if (pthread_create(&state.thread, NULL, wait_for_signals, NULL) != 0) {
        pthread_sigmask(SIG_SETMASK, &state.before, NULL);
        return base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread");
    }
    return CLIPC_OK;
}

int interrupt_came(void)
{
    return atomic_load(&state.came);
}

void interrupt_end(void)
{
    pthread_cancel(state.thread);
    pthread_join(state.thread, NULL);
    pthread_sigmask(SIG_SETMASK, &state.before, NULL);
}
