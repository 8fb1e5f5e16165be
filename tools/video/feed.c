/* feed.c - reading with poll: a descriptor that is readable never makes read() wait. */
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../../src/base/guard.h"

enum { BUFFER_BYTES = 65536, PEEK_BYTES = 4096 };

int feed_begin(struct feed *f, const char *name, int fd, int stop, double patience)
{
    memset(f, 0, sizeof *f);
    f->name = name;
    f->fd = fd;
    f->stop = stop;
    f->patience = patience;
    f->side = -1;
    f->room = BUFFER_BYTES;
    f->bytes = malloc(f->room);
    return f->bytes != NULL ? CLIPC_OK
                            : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", f->name);
}

int feed_open(struct feed *f, const char *path, int stop, double patience)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status = CLIPC_OK;

    memset(f, 0, sizeof *f);
    f->fd = f->side = -1;
    if (fd < 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) == 0) {
        status = S_ISDIR(st.st_mode) ? base_fail(CLIPC_ERROR_IO, "%s: is a folder", path)
                                     : guard_input(path, &st);
    }
    if (status == CLIPC_OK) {
        status = feed_begin(f, path, fd, stop, patience);
    }
    if (status != CLIPC_OK) {
        close(fd);
        f->fd = -1;
    }
    return status;
}

void feed_close(struct feed *f)
{
    if (f->fd >= 0 && !f->keep) {
        close(f->fd);
    }
    free(f->bytes);
    f->bytes = NULL;
    f->fd = -1;
}

/* Until something can be read: 1; 0 when stopped; or a negative clipc_status. */
static int wait_for(struct feed *f)
{
    double until = base_seconds() + f->patience;

    for (;;) {
        struct pollfd p[3] = {{f->fd, POLLIN, 0}, {f->stop, POLLIN, 0}, {f->side, POLLIN, 0}};
        double left = until - base_seconds();
        int n = poll(p, 3, f->patience > 0 ? (int)ceil(fmax(left, 0) * 1e3) : -1);
        if (n < 0 && errno != EINTR) {
            return base_fail(CLIPC_ERROR_IO, "%s: cannot wait: %s", f->name, strerror(errno));
        }
        if (n > 0 && p[1].revents != 0) {
            f->stopped = true;
            return 0;
        }
        if (n > 0 && p[2].revents != 0) {
            f->read_side(f);
        }
        if (n > 0 && p[0].revents != 0) {
            return 1;
        }
        if (n == 0 && f->patience > 0 && base_seconds() >= until) {
            return base_fail(CLIPC_ERROR_IO, "%s: nothing came for %g seconds", f->name,
                             f->patience);
        }
    }
}

/* Up to n bytes as they are there; 0 at the end and when stopped. */
static long read_some(struct feed *f, unsigned char *to, size_t n)
{
    for (;;) {
        int ready = wait_for(f);
        if (ready <= 0) {
            return ready;
        }
        ssize_t got = read(f->fd, to, n);
        if (got >= 0) {
            return got;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return base_fail(CLIPC_ERROR_IO, "%s: %s", f->name, strerror(errno));
        }
    }
}

int feed_more(struct feed *f)
{
    if (f->begin < f->end) {
        return 1;
    }
    long got = read_some(f, f->bytes, f->room);
    if (got <= 0) {
        return (int)got;
    }
    f->begin = 0;
    f->end = (size_t)got;
    return 1;
}

long feed_peek(struct feed *f, size_t n, const unsigned char **bytes)
{
    n = n < PEEK_BYTES ? n : PEEK_BYTES;
    if (f->room - f->begin < n) {
        memmove(f->bytes, f->bytes + f->begin, f->end - f->begin);
        f->end -= f->begin;
        f->begin = 0;
    }
    while (f->end - f->begin < n) {
        long got = read_some(f, f->bytes + f->end, f->room - f->end);
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            break;
        }
        f->end += (size_t)got;
    }
    *bytes = f->bytes + f->begin;
    return (long)(f->end - f->begin < n ? f->end - f->begin : n);
}

int feed_take(struct feed *f, void *to, size_t n)
{
    size_t have = f->end - f->begin < n ? f->end - f->begin : n;

    if (have > 0) {
        memcpy(to, f->bytes + f->begin, have);
        f->begin += have;
    }
    while (have < n) {
        long got = read_some(f, (unsigned char *)to + have, n - have);
        if (got < 0) {
            return (int)got;
        }
        if (got == 0) {
            return have == 0 || f->stopped
                       ? 0
                       : base_fail(CLIPC_ERROR_FORMAT, "%s: ends inside a frame", f->name);
        }
        have += (size_t)got;
    }
    return 1;
}

int feed_line(struct feed *f, char *to, size_t room)
{
    size_t used = 0;

    for (;;) {
        int got = feed_more(f);
        if (got <= 0) {
            return got < 0 || used == 0 || f->stopped
                       ? got
                       : base_fail(CLIPC_ERROR_FORMAT, "%s: ends inside a frame", f->name);
        }
        unsigned char c = f->bytes[f->begin++];
        if (c == '\n') {
            to[used] = '\0';
            return 1;
        }
        if (used + 1 == room) {
            return base_fail(CLIPC_ERROR_FORMAT, "%s: a header of more than %zu bytes", f->name,
                             room - 1);
        }
        to[used++] = (char)c;
    }
}
