/* request.h - one HTTP request and its reply, as routes see them: no socket, no HTTP library. */
#ifndef CLIPC_REQUEST_H
#define CLIPC_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { REQUEST_ID_MAX = 64, REPLY_HEADERS = 12, HTTP_CLIENT_GONE = 499 };

/* What a client sent; strings live as long as the request. */
struct request {
    const char *method, *path;
    const char *body; /* [size], and a 0 behind it; "" without one */
    size_t size;
    char id[REQUEST_ID_MAX + 1]; /* X-Request-Id as given, or 32 hex digits of our own */
    double started;              /* base_seconds() when its head had come */
    bool may_wait;               /* this thread is for those that wait for other servers */
    int fd;                      /* the client's socket, -1: unknown; for request_is_gone */
    void *connection;            /* of the HTTP library, for request_header and request_query;
                                    NULL: a request that came without head or query */
};

/* The value of a header or of ?name=; NULL when there is none. */
const char *request_header(const struct request *r, const char *name);
const char *request_query(const struct request *r, const char *name);

/* The client closed its side before its answer was begun: nobody waits for it. */
bool request_is_gone(const struct request *r);

struct reply {
    bool later; /* nothing yet: to be handled again where it may wait */
    int status;
    const char *type; /* Content-Type; static */
    char *body;       /* [size]; malloc, or static when `fixed` */
    size_t size;
    bool fixed;
    struct {
        const char *name; /* static */
        char value[160];
    } headers[REPLY_HEADERS];
    size_t n_headers;
    FILE *stream; /* of reply_begin, until reply_end */
};

/* A header more; too many, or one too long, is left out. */
__attribute__((format(printf, 3, 4))) void reply_header(struct reply *r, const char *name,
                                                        const char *format, ...);

/* A body written piece by piece: reply_begin, print to the stream (NULL: no memory; the reply is
 * then a 500 already), reply_end. */
FILE *reply_begin(struct reply *r, int status, const char *type);
void reply_end(struct reply *r);

/* A whole body at once: JSON (printf-like), or bytes that live for ever. */
__attribute__((format(printf, 3, 4))) void reply_json(struct reply *r, int status,
                                                      const char *format, ...);
void reply_fixed(struct reply *r, int status, const char *type, const char *body, size_t size);

/* {"message": sentence}, Roboflow's shape of an error. */
__attribute__((format(printf, 3, 4))) void reply_message(struct reply *r, int status,
                                                         const char *format, ...);

/* x as the shortest decimal that gives the same double back, with a point or an exponent: what
 * Python's repr prints. */
void reply_double(FILE *f, double x);
/* [x, x, ...] of floats widened to double. */
void reply_floats(FILE *f, const float *x, size_t n);

void reply_free(struct reply *r);

#endif
