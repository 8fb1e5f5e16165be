/* The pool: every index exactly once, by any number of workers, spinning or asleep; sleepers are
 * woken, late ones stay out, signals and forks leave it alone. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "../src/base/base.h"
#include "../src/base/cpus.h"
#include "../src/base/threads.h"
#include "check.h"

struct job {
    atomic_int seen[1000];
    atomic_int bad_worker;
    int size;
};

static void pause_for(long nanoseconds)
{
    struct timespec t = {0, nanoseconds};
    nanosleep(&t, NULL);
}

static void count_index(void *arg, size_t i, int worker)
{
    struct job *job = arg;
    atomic_fetch_add(&job->seen[i], 1);
    if (worker < 0 || worker >= job->size) {
        atomic_store(&job->bad_worker, 1);
    }
}

static void test_pool(int n)
{
    struct threads_pool *pool;
    static struct job job;
    bool once = true;

    if (!check(threads_pool_new(n, 1, &pool) == CLIPC_OK && threads_pool_size(pool) == n,
               "a pool of %d", n)) {
        return;
    }
    memset(&job, 0, sizeof job);
    job.size = n;
    for (int round = 0; round < 2000; round++) {
        size_t count = (size_t)(round * 7 % 1001);
        threads_parallel_for(pool, count, count_index, &job);
        for (size_t i = 0; i < 1000; i++) {
            once &= atomic_exchange(&job.seen[i], 0) == (i < count);
        }
        if (round % 500 == 0) { /* long enough for the workers to fall asleep */
            pause_for(2000000);
        }
    }
    check(once && !job.bad_worker, "%d workers: each index once, in 2000 rounds", n);
    threads_pool_free(pool);
}

/* ---- Sleepers ------------------------------------------------------------------------------ */

enum { MEETING = 4 };
struct meeting {
    atomic_int here, workers;
    double deadline;
};

/* Nobody leaves before all are here: one thread alone cannot do two of these. */
static void meet(void *arg, size_t i, int worker)
{
    struct meeting *m = arg;
    (void)i;
    atomic_fetch_add(&m->here, 1);
    atomic_fetch_or(&m->workers, 1 << worker);
    while (atomic_load(&m->here) < MEETING && base_seconds() < m->deadline) {
        pause_for(100000);
    }
}

static void test_sleepers(void)
{
    struct threads_pool *pool;
    int met = 0, rounds = 5;

    check(threads_pool_new(MEETING, 1, &pool) == CLIPC_OK, "a pool of sleepers");
    for (int round = 0; round < rounds && met == round; round++) {
        struct meeting m = {0, 0, base_seconds() + 20};
        pause_for(20000000);
        threads_parallel_for(pool, MEETING, meet, &m);
        met += atomic_load(&m.here) == MEETING && base_seconds() < m.deadline &&
               atomic_load(&m.workers) == (1 << MEETING) - 1;
    }
    check(met == rounds, "workers that sleep are woken: all of them met in %d of %d calls", met,
          rounds);
    threads_pool_free(pool);
}

/* ---- Latecomers ---------------------------------------------------------------------------- */

struct short_job {
    uint64_t magic;
    atomic_int left;
};

static void touch(void *arg, size_t i, int worker)
{
    struct short_job *job = arg;
    (void)i;
    (void)worker;
    if (job->magic != 0x600d600d600d600d) {
        abort();
    }
    atomic_fetch_sub(&job->left, 1);
}

/* Calls of two indices by a crowd on few CPUs: most workers arrive when the call is closed, or when
 * the next has begun.  Each job is wiped and freed right behind its call. */
static void stress(double seconds)
{
    struct threads_pool *pool;
    uint64_t seed = 5;
    double end = base_seconds() + seconds;

    if (threads_pool_new(8, 1, &pool) != CLIPC_OK) {
        _exit(2);
    }
    while (base_seconds() < end) {
        for (int i = 0; i < 200; i++) {
            struct short_job *job = malloc(sizeof *job);
            job->magic = 0x600d600d600d600d;
            atomic_init(&job->left, 2);
            threads_parallel_for(pool, 2, touch, job);
            if (atomic_load(&job->left) != 0) {
                _exit(3);
            }
            memset(job, 0xdd, sizeof *job);
            free(job);
            uint64_t r = check_random(&seed);
            if (r % 8 == 0) {
                pause_for((long)((r >> 8) % 120000)); /* around the time that workers spin */
            }
        }
    }
    threads_pool_free(pool);
    _exit(0);
}

/* fn in a child, which SIGALRM ends after `limit` seconds. */
static pid_t start_child(void (*fn)(double), double argument, unsigned limit)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(limit);
        fn(argument);
        _exit(0);
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;

    return waitpid(child, &status, 0) == child ? status : -1;
}

/* Three crowds at once take the CPUs from one another in the middle of everything. */
static void test_latecomers(void)
{
    pid_t children[3];

    for (int i = 0; i < 3; i++) {
        children[i] = start_child(stress, 4, 60);
    }
    for (int i = 0; i < 3; i++) {
        int status = end_of(children[i]);
        check(status == 0, "workers that come too late stay out of a call that is over (status %d)",
              status);
    }
}

/* ---- Signals and forks --------------------------------------------------------------------- */

static pthread_t caller;
static atomic_int handled, elsewhere;

static void on_signal(int n)
{
    (void)n;
    atomic_fetch_add(&handled, 1);
    atomic_fetch_add(&elsewhere, !pthread_equal(pthread_self(), caller));
}

/* A signal that the application's only thread blocks must wait for it, whatever threads are
 * ours. */
static void test_signals(const sigset_t *before)
{
    static const int signals[] = {SIGUSR1, SIGTERM, SIGCHLD, SIGALRM, SIGPROF};
    struct sigaction action = {.sa_handler = on_signal}, old[5];
    struct threads_pool *pool;
    sigset_t set, after;

    caller = pthread_self();
    sigemptyset(&set);
    check(threads_pool_new(4, 1, &pool) == CLIPC_OK, "a pool among signals");
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    bool same = true;
    for (int i = 0; i < 5; i++) {
        same &= sigismember(before, signals[i]) == sigismember(&after, signals[i]);
        sigaction(signals[i], &action, &old[i]);
        sigaddset(&set, signals[i]);
    }
    check(same, "pools leave the caller's mask as it was");
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 5; i++) {
        kill(getpid(), signals[i]);
    }
    pause_for(50000000);
    check(atomic_load(&handled) == 0, "no handler ran while the caller blocked its signals");
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    check(atomic_load(&handled) == 5 && atomic_load(&elsewhere) == 0,
          "and then %d ran, %d of them on a worker", atomic_load(&handled),
          atomic_load(&elsewhere));
    for (int i = 0; i < 5; i++) {
        sigaction(signals[i], &old[i], NULL);
    }
    threads_pool_free(pool);
}

static struct threads_pool *inherited;

static void use_inherited(double free_only)
{
    static struct job job;

    if (free_only == 0) {
        job.size = 4;
        threads_parallel_for(inherited, 1000, count_index, &job);
        for (int i = 0; i < 1000; i++) {
            if (atomic_load(&job.seen[i]) != 1) {
                _exit(3);
            }
        }
    }
    threads_pool_free(inherited);
}

static void test_forks(void)
{
    static struct job job;
    int good = 0, rounds = 40;

    check(threads_pool_new(4, 1, &inherited) == CLIPC_OK, "a pool to inherit");
    job.size = 4;
    for (int round = 0; round < rounds; round++) {
        threads_parallel_for(inherited, 100, count_index, &job);
        pause_for(round * 10000L); /* workers spin, fall asleep, or are asleep */
        good += end_of(start_child(use_inherited, round % 2, 20)) == 0;
    }
    check(good == rounds, "%d of %d children used and freed the pool that they inherited", good,
          rounds);
    threads_parallel_for(inherited, 1000, count_index, &job);
    check(atomic_load(&job.seen[999]) == 1, "and the parent's pool still works");
    threads_pool_free(inherited);
}

int main(void)
{
    struct threads_pool *pool;
    sigset_t before;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    test_pool(1);
    test_pool(2);
    test_pool(3);
    test_pool(8);
    test_sleepers();
    test_latecomers();
    test_signals(&before);
    test_forks();
    check(threads_pool_new(10000, 0, &pool) == CLIPC_OK &&
              threads_pool_size(pool) == cpus_available(),
          "no more threads than CPUs");
    threads_pool_free(pool);
    threads_pool_free(NULL);
    return check_done();
}
