/* unfinished.c - a file that is being written does not outlive an interrupt. */
#include "unfinished.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const char *volatile unfinished;

static void remove_unfinished(int signal_number)
{
    const char *path = unfinished;

    if (path != NULL) {
        unlink(path);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void cli_unfinished(const char *path)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction old, new = {.sa_handler = remove_unfinished};

    unfinished = path;
    for (size_t i = 0; path != NULL && i < sizeof signals / sizeof signals[0]; i++) {
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            sigaction(signals[i], &new, NULL); /* one that is ignored (nohup) stays so */
        }
    }
}
