/* threads.c - a pool of workers that wait for the next parallel_for: spinning for a moment, then
 * asleep.  A caller whose process is not the one that made the pool (fork copies no threads) works
 * alone. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "cpus.h"

/* A worker that finds nothing to do spins this long before it sleeps: longer than the serial gaps
 * between two parallel parts of a forward pass, short enough that idle sessions cost nothing. */
#define SPIN_SECONDS 50e-6

/* A worker's stack: decoders of images want the most, some tens of KiB.  Said, because the default
 * is 128 KiB with musl, and 8 MiB of address space with glibc. */
#define STACK_BYTES ((size_t)1 << 20)

/* How a call is handed over.  `state` is one word: the number of the call, whether it is open, and
 * how many workers are inside.  The caller writes fn, arg and the ranges of indices, and opens a
 * new number; a worker enters (one more inside, only while the call is open), takes indices from
 * the ranges until none are left, and leaves.  The caller works too, then closes the call and waits
 * for those inside: a worker that the system wakes too late finds it closed, is not waited for, and
 * never reads a job that is being rewritten. */
#define STATE_CALL   ((uint64_t)1 << 32)
#define STATE_OPEN   ((uint64_t)1 << 31)
#define STATE_INSIDE (STATE_OPEN - 1)

/* Indices that a worker takes in order, one by one, before it helps others with theirs: what lies
 * side by side in memory is read by one core. */
struct range {
    _Alignas(64) atomic_size_t next;
    size_t end;
};

struct threads_pool {
    int size;
    int cpus;             /* how many of the workers can run at once */
    struct range *ranges; /* [cpus], of which the first `used` are of this call */
    size_t used;
    pid_t owner;        /* the process that has the workers */
    pthread_t *workers; /* [size - 1] */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int sleeping; /* under mutex */
    int home;     /* the CPU that made the pool */

    threads_fn fn;
    void *arg;
    _Alignas(64) _Atomic uint64_t state;
    _Alignas(64) atomic_int named; /* workers number themselves 1, 2, ... */
    atomic_bool stop;
};

#if defined(__linux__)
/* Move the calling worker to a CPU of its own, `worker` places behind `home` among those allowed,
 * and leave it free again.  Else the system may start it where the caller runs, and a first encode
 * then takes twice as long as the second: 80 against 42 ms of ViT-B/32 in every other run. */
static void spread(int home, int worker)
{
    cpu_set_t all, one;
    int left;

    if (home < 0 || sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
        return;
    }
    left = worker % CPU_COUNT(&all);
    for (int cpu = home; left > 0;) {
        cpu = (cpu + 1) % CPU_SETSIZE;
        left -= CPU_ISSET(cpu, &all) ? 1 : 0;
        home = cpu;
    }
    CPU_ZERO(&one);
    CPU_SET(home, &one);
    sched_setaffinity(0, sizeof one, &one);
    sched_setaffinity(0, sizeof all, &all);
}

static int current_cpu(void)
{
    return sched_getcpu();
}
#else
static void spread(int home, int worker)
{
    (void)home;
    (void)worker;
}

static int current_cpu(void)
{
    return -1;
}
#endif

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Is a call open that this worker has not been in?  `seen` is the state of the last one. */
static bool is_new(const struct threads_pool *pool, uint64_t seen)
{
    uint64_t state = atomic_load_explicit(&pool->state, memory_order_acquire);

    return (state & STATE_OPEN) != 0 && state / STATE_CALL != seen / STATE_CALL;
}

static bool stopped(const struct threads_pool *pool)
{
    return atomic_load_explicit(&pool->stop, memory_order_acquire);
}

/* Wait for a new call (or the pool's end): spin, then sleep.  Workers beyond the CPUs do not spin:
 * they would take the CPUs from those that work. */
static void await_call(struct threads_pool *pool, uint64_t seen, int worker)
{
    double deadline = 0;

    for (unsigned spin = 0; worker < pool->cpus && !is_new(pool, seen) && !stopped(pool); spin++) {
        if (spin % 64 != 63) {
            relax();
            continue;
        }
        double now = base_seconds();
        if (deadline == 0) {
            deadline = now + SPIN_SECONDS;
        }
        if (now >= deadline) {
            break;
        }
    }
    if (is_new(pool, seen) || stopped(pool)) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->sleeping++;
    while (!is_new(pool, seen) && !stopped(pool)) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    pool->sleeping--;
    pthread_mutex_unlock(&pool->mutex);
}

/* Wake so many of those that sleep that n are awake. */
static void wake(struct threads_pool *pool, int n)
{
    pthread_mutex_lock(&pool->mutex);
    int wanted = n - (pool->size - 1 - pool->sleeping);
    if (wanted >= pool->sleeping && pool->sleeping > 0) {
        pthread_cond_broadcast(&pool->wake);
    } else {
        for (int i = 0; i < wanted; i++) {
            pthread_cond_signal(&pool->wake);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
}

/* Its own range first, then what is left of the others'. */
static void work(struct threads_pool *pool, int worker)
{
    for (size_t r = 0; r < pool->used; r++) {
        struct range *range = &pool->ranges[((size_t)worker + r) % pool->used];
        while (atomic_load_explicit(&range->next, memory_order_relaxed) < range->end) {
            size_t i = atomic_fetch_add_explicit(&range->next, 1, memory_order_relaxed);
            if (i < range->end) {
                pool->fn(pool->arg, i, worker);
            }
        }
    }
}

/* Enter the call that is open, if there is one, and work.  Of more workers than CPUs a caller wakes
 * as many as can run; tasks may wait for one another, so one that comes after a pause (since it
 * `left` a call) wakes another, which will do the same. */
static void enter(struct threads_pool *pool, int worker, uint64_t *seen, double *left)
{
    uint64_t state = atomic_load_explicit(&pool->state, memory_order_relaxed);
    const bool crowd = pool->size > pool->cpus;

    while ((state & STATE_OPEN) != 0) {
        if (atomic_compare_exchange_weak_explicit(&pool->state, &state, state + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            *seen = state;
            if (crowd && base_seconds() >= *left + SPIN_SECONDS) {
                pthread_mutex_lock(&pool->mutex);
                pthread_cond_signal(&pool->wake);
                pthread_mutex_unlock(&pool->mutex);
            }
            work(pool, worker);
            *left = crowd ? base_seconds() : 0;
            atomic_fetch_sub_explicit(&pool->state, 1, memory_order_release);
            return;
        }
    }
}

static void *worker_main(void *arg)
{
    struct threads_pool *pool = arg;
    int worker = atomic_fetch_add(&pool->named, 1) + 1;
    uint64_t seen = 0;
    double left = 0;

    spread(pool->home, worker);
    for (;;) {
        await_call(pool, seen, worker);
        if (stopped(pool)) {
            return NULL;
        }
        enter(pool, worker, &seen, &left);
    }
}

/* Start workers until the pool has `n` (the caller is one of them).  Signals are the application's:
 * its handlers must not run on our threads, and one that it waits for (sigwait, signalfd) must not
 * find a thread here that lets it through.  What a worker itself does wrong stays open. */
static void start_workers(struct threads_pool *pool, int n)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    pthread_attr_t attributes;
    sigset_t blocked, old;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(&blocked, faults[i]);
    }
    if (pthread_attr_init(&attributes) != 0) {
        return;
    }
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    while (pool->size < n &&
           pthread_create(&pool->workers[pool->size - 1], &attributes, worker_main, pool) == 0) {
        pool->size++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
}

static void free_memory(struct threads_pool *pool)
{
    if (pool != NULL) {
        base_free(pool->ranges);
        base_free(pool->workers);
        base_free(pool);
    }
}

int threads_pool_new(int n, int oversubscribe, struct threads_pool **out)
{
    int available = cpus_available();
    struct threads_pool *pool;

    if (n <= 0 || (n > available && !oversubscribe)) {
        n = available;
    }
    pool = base_alloc(sizeof *pool);
    if (pool != NULL) {
        pool->cpus = n < available ? n : available;
        pool->workers = base_alloc((size_t)n * sizeof *pool->workers);
        pool->ranges = base_alloc((size_t)pool->cpus * sizeof *pool->ranges);
    }
    if (pool == NULL || pool->workers == NULL || pool->ranges == NULL) {
        free_memory(pool);
        return base_fail(CLIPC_ERROR_MEMORY, "threads: no memory for a pool of %d", n);
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->home = current_cpu();
    pool->owner = getpid();
    pool->size = 1;
    start_workers(pool, n);
    if (pool->size < n) {
        int got = pool->size;
        threads_pool_free(pool);
        return base_fail(CLIPC_ERROR_MEMORY,
                         "threads: the system gave %d of %d; ask for fewer (--threads)", got, n);
    }
    *out = pool;
    return CLIPC_OK;
}

/* Is this a child process, which fork gave the pool's memory but none of its workers?  The mutex
 * may be held, and the condition waited for, by threads that do not exist here. */
static bool is_inherited(const struct threads_pool *pool)
{
    return pool->owner != getpid();
}

void threads_pool_free(struct threads_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    if (!is_inherited(pool)) {
        pthread_mutex_lock(&pool->mutex);
        atomic_store_explicit(&pool->stop, true, memory_order_release);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
        for (int i = 0; i < pool->size - 1; i++) {
            pthread_join(pool->workers[i], NULL);
        }
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->mutex);
    }
    free_memory(pool);
}

int threads_pool_size(const struct threads_pool *pool)
{
    return pool->size;
}

void threads_parallel_for(struct threads_pool *pool, size_t count, threads_fn fn, void *arg)
{
    if (pool->size == 1 || count <= 1 || is_inherited(pool)) {
        for (size_t i = 0; i < count; i++) {
            fn(arg, i, 0);
        }
        return;
    }
    pool->fn = fn;
    pool->arg = arg;
    pool->used = count < (size_t)pool->cpus ? count : (size_t)pool->cpus;
    for (size_t r = 0; r < pool->used; r++) {
        size_t least = count / pool->used, more = count % pool->used; /* longer by one */
        atomic_store_explicit(&pool->ranges[r].next, r * least + (r < more ? r : more),
                              memory_order_relaxed);
        pool->ranges[r].end = (r + 1) * least + (r + 1 < more ? r + 1 : more);
    }
    /* Closed and empty, so the new number may simply be written. */
    uint64_t state = atomic_load_explicit(&pool->state, memory_order_relaxed);
    atomic_store_explicit(&pool->state, (state / STATE_CALL + 1) * STATE_CALL + STATE_OPEN,
                          memory_order_release);
    wake(pool, pool->used > 1 ? (int)pool->used - 1 : 1);
    work(pool, 0);
    atomic_fetch_and_explicit(&pool->state, ~STATE_OPEN, memory_order_relaxed);
    /* A worker inside may have lost its CPU: do not burn the one that it needs. */
    for (unsigned spin = 0;
         (atomic_load_explicit(&pool->state, memory_order_acquire) & STATE_INSIDE) != 0; spin++) {
        if (spin < 20000) {
            relax();
        } else {
            sched_yield();
        }
    }
}
