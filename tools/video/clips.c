/* clips.c - the latest frames of each source, as picture files in memory, and the frames of each
 * event that goes on, in a file that has no name: whatever ends the program, it is gone. */
#include "clips.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "fresh.h"
#include "mkv.h"
#include "picture.h"

/* Kept of one source, of 1280x720 some 400 frames as JPEG; the newest stays in any case. */
#define MOST_BYTES ((size_t)64 << 20)
/* So much of a long event is in its film. */
#define MOST_SECONDS 300.0
/* Films that wait while a live source goes on. */
enum { MOST_WAITING = 16 };

struct kept {
    double time;
    uint32_t width, height;
    unsigned char *bytes; /* [n] */
    size_t n;
    struct kept *next;
};

/* Of one source, oldest first. */
struct latest {
    struct kept *first, **last;
    size_t bytes;
    double newest, interval; /* the time of the last, and how long after the one before it came */
};

/* Of one event that goes on. */
struct taking {
    struct clip *clip; /* NULL: nothing goes on, or nothing could be kept */
    double start;      /* of the event: frames are of `margin` before that on */
    double first;      /* the time of the first frame; NAN: none yet */
};

struct clips {
    const struct watch *watch;
    struct clip_writer *writer;
    struct latest *latest; /* [n_sources] */
    struct taking *taking; /* [n_sources, n_prompts] */
    bool failed;
};

int clips_new(const struct watch *w, struct clips **out)
{
    struct clips *c = calloc(1, sizeof *c);
    int status = CLIPC_OK;

    *out = c;
    if (c != NULL) {
        c->watch = w;
        c->latest = calloc(w->n_sources, sizeof *c->latest);
        c->taking = calloc(w->n_sources * w->prompts->n, sizeof *c->taking);
    }
    if (c == NULL || c->latest == NULL || c->taking == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    for (size_t i = 0; status == CLIPC_OK && i < w->n_sources; i++) {
        c->latest[i].last = &c->latest[i].first;
        c->latest[i].interval = 0.04; /* until two frames say it */
    }
    if (status == CLIPC_OK) {
        status = fresh_folder(w->save_clips);
    }
    return status == CLIPC_OK
               ? clip_writer_new(w->save_clips, w->sources[0].video.patience, &c->writer)
               : status;
}

static struct taking *place(struct clips *c, const struct event *e)
{
    return &c->taking[e->source * c->watch->prompts->n + e->prompt];
}

/* ---- A file without a name ------------------------------------------------------------------- */

static int open_nameless(const char *folder)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/.clipc-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkstemp(path);
    if (fd >= 0) {
        unlink(path);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
}

static bool write_all(int fd, const unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t part = write(fd, p, n);
        if (part < 0 && errno != EINTR) {
            return false;
        }
        p += part > 0 ? part : 0;
        n -= part > 0 ? (size_t)part : 0;
    }
    return true;
}

/* The event will have no film. */
static void give_up(struct clips *c, struct taking *t)
{
    cli_error("--save-clips: %s: %s", c->watch->save_clips, strerror(errno));
    clip_free(t->clip);
    t->clip = NULL;
    c->failed = true;
}

static void take(struct clips *c, struct taking *t, const struct latest *l, const struct kept *k)
{
    unsigned char head[2 * MKV_BYTES];
    size_t n = 0;

    if (isnan(t->first)) {
        t->first = k->time;
        n = mkv_head(head, k->width, k->height, picture_codec, l->interval);
    }
    if (k->time - t->first > MOST_SECONDS) {
        return;
    }
    n += mkv_frame(head + n, (uint64_t)llround(1e6 * fmax(k->time - t->first, 0)), k->n);
    if (!write_all(t->clip->frames, head, n) || !write_all(t->clip->frames, k->bytes, k->n)) {
        give_up(c, t);
    }
}

/* ---- Events ---------------------------------------------------------------------------------- */

void clips_begin(struct clips *c, const struct event *e)
{
    const struct watch *w = c->watch;
    const struct latest *l = &c->latest[e->source];
    struct taking *t = place(c, e);

    *t = (struct taking){.clip = calloc(1, sizeof *t->clip), .start = e->start, .first = NAN};
    if (t->clip != NULL) {
        event_name(&w->sources[e->source].address, &w->prompts->names[e->prompt], e, t->clip->name);
        t->clip->frames = open_nameless(w->save_clips);
    }
    if (t->clip == NULL || t->clip->frames < 0) {
        give_up(c, t);
    }
    for (const struct kept *k = l->first; k != NULL && t->clip != NULL; k = k->next) {
        if (k->time >= e->start - w->clip_margin - 1e-6) {
            take(c, t, l, k);
        }
    }
}

struct clip *clips_end(struct clips *c, const struct event *e, bool patient)
{
    struct taking *t = place(c, e);
    struct clip *clip = t->clip;

    t->clip = NULL;
    if (clip != NULL && !patient && clip_writer_waiting(c->writer) >= MOST_WAITING) {
        cli_error("--save-clips: more events than there is time for: %s is left out", clip->name);
        c->failed = true;
        clip_free(clip);
        return NULL;
    }
    if (clip != NULL) {
        clip_writer_add(c->writer, clip);
    }
    if (clip != NULL && patient) {
        clip_writer_wait(c->writer, clip);
    }
    return clip;
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static void drop_first(struct latest *l)
{
    struct kept *k = l->first;

    l->first = k->next;
    l->last = l->first == NULL ? &l->first : l->last;
    l->bytes -= k->n;
    free(k->bytes);
    free(k);
}

static struct kept *keep(struct latest *l, const struct shown *s)
{
    const struct clipc_image *image = s->answer->image;
    struct kept *k = calloc(1, sizeof *k);

    if (k == NULL) {
        base_fail(CLIPC_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    if (picture_encode(image, &k->bytes, &k->n) != CLIPC_OK) {
        free(k);
        return NULL;
    }
    k->time = s->answer->time;
    l->interval = l->first != NULL && k->time > l->newest ? k->time - l->newest : l->interval;
    l->newest = k->time;
    k->width = image->width;
    k->height = image->height;
    *l->last = k;
    l->last = &k->next;
    l->bytes += k->n;
    return k;
}

void clips_frame(struct clips *c, const struct shown *s)
{
    struct latest *l = &c->latest[s->answer->source];
    size_t n = c->watch->prompts->n;
    struct kept *k = keep(l, s);
    /* What has not begun now starts later than that. */
    double oldest = s->answer->time - c->watch->events.min_duration - c->watch->clip_margin;

    if (k == NULL) {
        if (!c->failed) {
            cli_error("--save-clips: frames are missing: %s", clipc_errmsg());
        }
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct taking *t = &c->taking[s->answer->source * n + i];
        if (t->clip != NULL) {
            take(c, t, l, k);
        }
    }
    while (l->first != k && (l->first->time < oldest - 1e-6 || l->bytes > MOST_BYTES)) {
        drop_first(l);
    }
}

/* ---- Films ----------------------------------------------------------------------------------- */

bool clips_is_done(struct clips *c, const struct clip *clip)
{
    return clip_writer_is_done(c->writer, clip);
}

void clips_wait(struct clips *c, const struct clip *clip)
{
    clip_writer_wait(c->writer, clip);
}

int clips_free(struct clips *c)
{
    bool failed = false;

    if (c == NULL) {
        return CLI_DONE;
    }
    failed = c->failed;
    if (c->writer != NULL) {
        failed |= clip_writer_free(c->writer) != CLI_DONE;
    }
    for (size_t i = 0; c->taking != NULL && i < c->watch->n_sources * c->watch->prompts->n; i++) {
        clip_free(c->taking[i].clip);
    }
    for (size_t i = 0; c->latest != NULL && i < c->watch->n_sources; i++) {
        while (c->latest[i].first != NULL) {
            drop_first(&c->latest[i]);
        }
    }
    free(c->latest);
    free(c->taking);
    free(c);
    return failed ? CLI_FAILED : CLI_DONE;
}
