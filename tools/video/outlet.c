/* outlet.c - writing that never hangs: poll on the pipe and on the program's stderr, an eye on the
 * clock and on the user's Ctrl-C. */
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "interrupt.h"
#include "mkv.h"
#include "process.h"
#include "words.h"

enum { LOOK_AROUND_MS = 100, LEAST_STEP = 17 /* microseconds: 1 / 60000 s */ };

struct outlet {
    struct outlet_options options;
    struct process process;
    struct words words;
    size_t pixel_bytes;
    uint64_t next;    /* microseconds, the earliest that the next frame may have */
    double alive;     /* base_seconds() of its last sign of life */
    struct stat file; /* of options.file, then */
    bool hung;
    unsigned char head[MKV_BYTES]; /* [n_head] of the stream, before its first frame */
    size_t n_head;
};

/* Does it still do something, or nobody waits for that? */
static bool has_patience(struct outlet *o)
{
    struct stat now;

    if (o->options.file >= 0 && fstat(o->options.file, &now) == 0 &&
        (now.st_size != o->file.st_size || now.st_mtim.tv_sec != o->file.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != o->file.st_mtim.tv_nsec)) {
        o->file = now;
        o->alive = base_seconds();
    }
    o->hung = o->options.patience > 0 && base_seconds() - o->alive > o->options.patience;
    return !o->hung && !(o->options.hasty && interrupt_came() != 0);
}

int outlet_open(const struct outlet_options *options, uint32_t width, uint32_t height,
                double seconds, struct outlet **out)
{
    struct outlet *o = calloc(1, sizeof *o);
    int status = o == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory")
                           : process_start(&o->process, options->argv, PROCESS_IN | PROCESS_ERR);

    *out = NULL;
    if (status != CLIPC_OK) {
        free(o);
        return status;
    }
    o->options = *options;
    o->pixel_bytes = 3 * (size_t)width * height;
    o->alive = base_seconds();
    if (width > 0) {
        o->n_head = mkv_head(o->head, width, height, NULL, seconds);
    }
    fcntl(o->process.in, F_SETFL, fcntl(o->process.in, F_GETFL) | O_NONBLOCK);
    *out = o;
    return CLIPC_OK;
}

/* All of it: 0, or 1 when it takes no more. */
static int put(struct outlet *o, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        struct pollfd p[2] = {{o->process.in, POLLOUT, 0}, {o->process.err, POLLIN, 0}};
        if (poll(p, 2, LOOK_AROUND_MS) > 0 && p[1].revents != 0) {
            words_take(&o->words, &o->process.err);
        }
        ssize_t put = p[0].revents != 0 ? write(o->process.in, bytes, n) : 0;
        if (put > 0) {
            bytes += put;
            n -= (size_t)put;
            o->alive = base_seconds();
        }
        if ((put < 0 && errno != EAGAIN && errno != EINTR) || !has_patience(o)) {
            return 1;
        }
    }
    return 0;
}

int outlet_frame(struct outlet *o, double seconds, const uint8_t *rgb)
{
    unsigned char head[MKV_BYTES];
    double wanted = fmin(fmax(seconds, 0), 1e9) * 1e6;
    uint64_t time = wanted > (double)o->next ? (uint64_t)llround(wanted) : o->next;
    size_t n = mkv_frame(head, time, o->pixel_bytes);

    o->next = time + LEAST_STEP;
    o->alive = base_seconds();
    int gone = put(o, o->head, o->n_head);
    o->n_head = 0;
    return gone != 0 || put(o, head, n) != 0 || put(o, rgb, o->pixel_bytes) != 0;
}

int outlet_bytes(struct outlet *o, const void *bytes, size_t n)
{
    o->alive = base_seconds();
    return put(o, bytes, n);
}

bool outlet_has_ended(struct outlet *o)
{
    return process_has_ended(&o->process);
}

/* Until it has ended, or there is no hope; what it says is kept. */
static void wait_for_end(struct outlet *o)
{
    while (o->process.err >= 0 && has_patience(o)) {
        struct pollfd p = {o->process.err, POLLIN, 0};
        if (poll(&p, 1, LOOK_AROUND_MS) > 0) {
            words_take(&o->words, &o->process.err);
        }
    }
    while (!process_has_ended(&o->process) && has_patience(o)) {
        poll(NULL, 0, LOOK_AROUND_MS);
    }
}

int outlet_close(struct outlet *o)
{
    const char *program = o->options.argv[0];

    close(o->process.in);
    o->process.in = -1;
    o->alive = base_seconds();
    if (!o->hung) {
        wait_for_end(o);
    }
    bool hung = o->hung;
    int end = process_end(&o->process, 0, NULL), status = CLIPC_OK;
    const char *words = words_last(&o->words);
    if (hung) {
        status = base_fail(CLIPC_ERROR_IO, "%s did nothing for %g seconds and was ended", program,
                           o->options.patience);
    } else if (o->options.hasty && interrupt_came() != 0) {
        status = CLIPC_OK; /* as the user asked */
    } else if (WIFSIGNALED(end)) {
        status = base_fail(CLIPC_ERROR_IO, "%s was ended by signal %d", program, WTERMSIG(end));
    } else if (WEXITSTATUS(end) != 0) {
        status = words[0] != '\0' ? base_fail(CLIPC_ERROR_IO, "%s: %s", program, words)
                                  : base_fail(CLIPC_ERROR_IO, "%s failed with status %d", program,
                                              WEXITSTATUS(end));
    }
    free(o);
    return status;
}
