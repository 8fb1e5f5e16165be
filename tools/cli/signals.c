/* signals.c - a file that is being written does not outlive the command: an interrupt, a closed
 * pipe behind stdout, the limits of a batch system (CPU time, size of files), a crash. */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

#include "../../src/base/output.h"

/* The default action is restored, and the signal, blocked until this returns, sent again. */
static void end_by(int signal_number)
{
    output_unlink_unfinished();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void signals_clean_up(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,   SIGALRM,
                                  SIGXCPU, SIGXFSZ, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF,
                                  SIGABRT, SIGBUS,  SIGFPE,  SIGILL,  SIGSEGV,   SIGSYS};
    struct sigaction old, new = {.sa_handler = end_by};

    sigemptyset(&new.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            sigaction(signals[i], &new, NULL);
        }
    }
}
