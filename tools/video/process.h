/* process.h - a program of another's, run with an array of arguments (no shell), its standard
 * streams as pipes or nothing.  It is in a process group of its own, so that a Ctrl-C in the
 * terminal reaches us alone; whoever starts one ends it. */
#ifndef CLIPC_PROCESS_H
#define CLIPC_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROCESS_IN = 1, PROCESS_OUT = 2, PROCESS_ERR = 4, PROCESS_THIRD = 8 };

struct process {
    pid_t pid; /* 0: none */
    /* Our ends, or -1: what it reads; what it writes to its descriptors 1, 2 and 3. */
    int in, out, err, third;
};

/* argv: ended by NULL; argv[0] is looked for in $PATH.  Streams that are not in `pipes` are
 * /dev/null (stderr: ours).  0, or CLIPC_ERROR_UNSUPPORTED when there is no such program, or
 * CLIPC_ERROR_IO. */
int process_start(struct process *process, const char *const *argv, int pipes);

/* Close the pipes and wait up to `patience` seconds for its end, then kill it.  Always reaped.
 * Its status as of waitpid; *killed (or NULL): it did not end by itself. */
int process_end(struct process *process, double patience, bool *killed);

/* Kill all that run now, and what they started.  For the thread that ends the program: no lock, no
 * memory. */
void process_kill_all(void);

/* Would process_end not wait? */
bool process_has_ended(struct process *process);

#endif
