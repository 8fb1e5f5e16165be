/* event_queue.h - events on their way to something slow: lines of JSON that wait for a thread of
 * their own.  Whoever gives them never waits; what finds no room is dropped and counted. */
#ifndef CLIPC_EVENT_QUEUE_H
#define CLIPC_EVENT_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENT_QUEUE_ROOM = 64 };

struct event_queue {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *lines[EVENT_QUEUE_ROOM]; /* a ring: n of them from `first` on */
    size_t first, n;
    uint64_t dropped;
    bool ending;
    double until; /* base_seconds() when all must be over; when ending */
};

/* run(arg) in the thread, which no signal reaches.  0, or CLIPC_ERROR_MEMORY. */
int event_queue_start(struct event_queue *queue, void *(*run)(void *), void *arg);

/* json: [n], copied. */
void event_queue_put(struct event_queue *queue, const char *json, size_t n);

/* The thread's: the oldest line (for free()), waiting for it; NULL: there will be none, or the time
 * is up. */
char *event_queue_take(struct event_queue *queue);

/* Seconds until all must be over: infinite before the end has begun. */
double event_queue_left(struct event_queue *queue);

/* The thread's: wait so long.  false: the time was up before. */
bool event_queue_pause(struct event_queue *queue, double seconds);

/* Drop what waits now. */
void event_queue_drop(struct event_queue *queue);

/* No more events: waits for those that wait, `seconds` at most and as long as the thread works on
 * one; then the thread has ended.  How many were dropped. */
uint64_t event_queue_end(struct event_queue *queue, double seconds);

#endif
