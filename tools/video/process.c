/* process.c - posix_spawn and its care: descriptors that no other child inherits, signals as they
 * were before our threads blocked them, an end that always comes. */
#define _GNU_SOURCE /* F_SETPIPE_SZ, which is Linux's */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/base/base.h"

extern char **environ;

/* Between pipe() and its mark "closed on exec" no other thread may start a program. */
static pthread_mutex_t spawning = PTHREAD_MUTEX_INITIALIZER;

enum {
    STREAMS = 4,
    LOWEST = 10, /* pipes are moved above the numbers that the child uses */
    FRAME_PIPE_BYTES = 1 << 20
};

/* ---- Those that run ---------------------------------------------------------------------------
 * More than there are places for are not killed with the others: they lose their pipes, and end by
 * that or not. */

static atomic_int running[64];

static void change_running(int from, int to)
{
    for (size_t i = 0; i < sizeof running / sizeof running[0]; i++) {
        int expected = from;
        if (atomic_compare_exchange_strong(&running[i], &expected, to)) {
            return;
        }
    }
}

void process_kill_all(void)
{
    for (size_t i = 0; i < sizeof running / sizeof running[0]; i++) {
        int pid = atomic_load(&running[i]);
        if (pid > 0) {
            kill(-pid, SIGKILL);
        }
    }
}

/* ---- One ------------------------------------------------------------------------------------ */

/* A pipe, both ends closed on exec and above the child's numbers.  One for frames is as large as a
 * user may have it: in the usual 64 kB a frame is handed over in dozens of turns, and each is two
 * switches from one program to the other. */
static int make_pipe(int ends[2], bool for_frames)
{
    int fd[2];

    ends[0] = ends[1] = -1;
    if (pipe(fd) != 0) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, LOWEST);
        close(fd[i]);
    }
#ifdef F_SETPIPE_SZ
    if (for_frames && ends[0] >= 0) {
        fcntl(ends[0], F_SETPIPE_SZ, FRAME_PIPE_BYTES); /* where that is too much, it stays */
    }
#else
    (void)for_frames;
#endif
    return ends[0] >= 0 && ends[1] >= 0 ? 0 : -1;
}

static void close_all(int fd[STREAMS])
{
    for (int i = 0; i < STREAMS; i++) {
        if (fd[i] >= 0) {
            close(fd[i]);
        }
        fd[i] = -1;
    }
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t set;

    posix_spawnattr_init(attributes);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(attributes, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(attributes, &set);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
}

/* theirs: the child's ends, -1 for nothing. */
static int spawn(pid_t *pid, const char *const *argv, const int theirs[STREAMS])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < STREAMS; i++) {
        if (theirs[i] >= 0) {
            posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
        } else if (i < 2) {
            posix_spawn_file_actions_addopen(&actions, i, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY,
                                             0);
        }
    }
    set_attributes(&attributes);
    /* posix_spawn changes none of the strings; its type is older than const. */
    char *arguments[64];
    size_t n = 0;
    for (; argv[n] != NULL && n + 1 < sizeof arguments / sizeof arguments[0]; n++) {
        memcpy(&arguments[n], &argv[n], sizeof arguments[n]);
    }
    arguments[n] = NULL;
    int error = argv[n] != NULL
                    ? E2BIG
                    : posix_spawnp(pid, argv[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int process_start(struct process *p, const char *const *argv, int pipes)
{
    int ours[STREAMS] = {-1, -1, -1, -1}, theirs[STREAMS] = {-1, -1, -1, -1}, error = 0;

    memset(p, 0, sizeof *p);
    pthread_mutex_lock(&spawning);
    for (int i = 0; i < STREAMS && error == 0; i++) {
        int ends[2];
        if (!(pipes & 1 << i)) {
            continue;
        }
        error = make_pipe(ends, i < 2) != 0 ? errno : 0;
        ours[i] = ends[i == 0];
        theirs[i] = ends[i != 0];
    }
    if (error == 0) {
        error = spawn(&p->pid, argv, theirs);
    }
    if (error == 0) {
        change_running(0, p->pid);
    }
    pthread_mutex_unlock(&spawning);
    close_all(theirs);
    if (error != 0) {
        close_all(ours);
        p->pid = 0;
    }
    p->in = ours[0];
    p->out = ours[1];
    p->err = ours[2];
    p->third = ours[3];
    if (error == ENOENT) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "there is no program %s", argv[0]);
    }
    return error == 0 ? CLIPC_OK
                      : base_fail(CLIPC_ERROR_IO, "cannot run %s: %s", argv[0], strerror(error));
}

static void close_pipes(struct process *p)
{
    int fd[STREAMS] = {p->in, p->out, p->err, p->third};

    close_all(fd);
    p->in = p->out = p->err = p->third = -1;
}

bool process_has_ended(struct process *p)
{
    siginfo_t info = {0};

    return p->pid == 0 || (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                           info.si_pid == p->pid);
}

int process_end(struct process *p, double patience, bool *killed)
{
    double until = base_seconds() + patience;
    int status = 0;
    bool late = false;

    close_pipes(p);
    while (!process_has_ended(p) && base_seconds() < until) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    if (!process_has_ended(p)) {
        late = true;
        kill(-p->pid, SIGKILL); /* it, and what it started */
    }
    if (p->pid != 0) { /* from here on the system may give its number to another */
        change_running(p->pid, 0);
    }
    while (p->pid != 0 && waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {
    }
    p->pid = 0;
    if (killed != NULL) {
        *killed = late;
    }
    return status;
}
