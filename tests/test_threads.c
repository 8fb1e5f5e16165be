/* The pool: every index exactly once, by any number of workers, spinning or asleep. */
#include <stdatomic.h>
#include <time.h>

#include "../src/base/base.h"
#include "../src/base/threads.h"
#include "check.h"

struct job {
    atomic_int seen[1000];
    atomic_int bad_worker;
    int size;
};

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
            struct timespec t = {0, 2000000};
            nanosleep(&t, NULL);
        }
    }
    check(once && !job.bad_worker, "%d workers: each index once, in 2000 rounds", n);
    threads_pool_free(pool);
}

int main(void)
{
    struct threads_pool *pool;
    test_pool(1);
    test_pool(2);
    test_pool(3);
    test_pool(8);
    check(threads_available() >= 1, "this process may use %d CPUs", threads_available());
    check(threads_pool_new(10000, 0, &pool) == CLIPC_OK &&
              threads_pool_size(pool) == threads_available(),
          "no more threads than CPUs");
    threads_pool_free(pool);
    threads_pool_free(NULL);
    return check_done();
}
