/* metrics.h - counters for GET /metrics, in Prometheus' text format. */
#ifndef CLIPC_METRICS_H
#define CLIPC_METRICS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

enum { METRICS_HANDLERS = 32 };

/* Requests of one route and class of status. */
struct metrics_row {
    const char *handler, *method; /* static */
    int status_class;             /* 2: 2xx */
    uint64_t count;
};
struct metrics {
    pthread_mutex_t lock;
    struct metrics_row rows[METRICS_HANDLERS * 4];
    size_t n_rows;
    struct histogram seconds; /* of requests */
    uint64_t bytes_out;
};

void metrics_init(struct metrics *m);
/* One request is done; strings must live for ever. */
void metrics_count(struct metrics *m, const char *handler, const char *method, int status,
                   double seconds, size_t bytes);

#endif
