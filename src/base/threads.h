/* threads.h - a pool of workers and parallel_for over it.  Knows nothing of kernels or models. */
#ifndef CLIPC_THREADS_H
#define CLIPC_THREADS_H

#include <stddef.h>

struct threads_pool;

/* `n` workers counting the caller (n - 1 are started); n <= 0 or above cpus_available() means
 * cpus_available(), unless `oversubscribe` (tests).  Returns 0 or a negative clipc_status.  Workers
 * have all signals blocked but those of their own faults, and stacks of 1 MiB. */
int threads_pool_new(int n, int oversubscribe, struct threads_pool **pool);

/* Ends the workers.  In a child process, which inherits a pool's memory but not its workers, this
 * frees the memory, and threads_parallel_for does all the work on the caller. */
void threads_pool_free(struct threads_pool *pool);
int threads_pool_size(const struct threads_pool *pool);

/* Run fn(arg, i, worker) for every i in [0, count), on all workers, and return when all are done.
 * Each worker takes a share of neighbouring indices, in order, and then what is left of the
 * others'; `worker` in [0, size) names private scratch.  fn must not call threads_parallel_for on
 * the same pool.  Workers spin some 50 microseconds for the next call, then sleep; those beyond
 * the CPUs sleep at once. */
typedef void (*threads_fn)(void *arg, size_t i, int worker);
void threads_parallel_for(struct threads_pool *pool, size_t count, threads_fn fn, void *arg);

#endif
