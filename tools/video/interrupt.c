/* interrupt.c - a thread that waits for signals which all others hold back. */
#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "../../src/base/base.h"
#include "../../src/base/output.h"
#include "process.h"

/* What interrupt_end wakes the thread with: a signal that nobody else sends. */
#define WAKE SIGRTMIN

static struct {
    bool (*fn)(void *arg);
    void *arg;
    pthread_t thread;
    sigset_t held, before;
    atomic_int came;
    atomic_bool ended;
} state;

static void *wait_for_signals(void *unused)
{
    int number;

    (void)unused;
    while (sigwait(&state.held, &number) == 0 && !atomic_load(&state.ended)) {
        if (number == WAKE) {
            continue;
        }
        if (atomic_exchange(&state.came, number) == 0 && state.fn(state.arg)) {
            continue;
        }
        process_kill_all(); /* those that write the files, first */
        output_unlink_unfinished();
        signal(number, SIG_DFL);
        pthread_sigmask(SIG_UNBLOCK, &state.held, NULL);
        raise(number);
    }
    return NULL;
}

int interrupt_begin(bool (*fn)(void *arg), void *arg)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction old;

    state.fn = fn;
    state.arg = arg;
    atomic_store(&state.came, 0);
    atomic_store(&state.ended, false);
    sigemptyset(&state.held);
    sigaddset(&state.held, WAKE);
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

int interrupt_end(void)
{
    atomic_store(&state.ended, true);
    pthread_kill(state.thread, WAKE);
    pthread_join(state.thread, NULL);
    pthread_sigmask(SIG_SETMASK, &state.before, NULL);
    return atomic_load(&state.came);
}
