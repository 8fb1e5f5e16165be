/* painter.c - the queue, the thread, the tiles. */
#include "painter.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/base/base.h"
#include "../cli/say.h"
#include "canvas.h"
#include "overlay.h"

enum { QUEUE = 4, LOOK_AROUND_MS = 100, MOST_PIXELS = 4096 * 2304 };
#define AT_ONCE      0.001 /* seconds from a live frame to the next, for a window not to wait */
#define SHOW_AGAIN   0.5   /* seconds without a frame */
#define WINDOW_WAITS 0.3   /* seconds for the second frame */

/* A frame on its way. */
struct slot {
    struct clipc_image image; /* RGB, in rgb */
    uint8_t *rgb;             /* [room] */
    size_t room;
    struct overlay_rows rows;
    double time;
    size_t source;
    char title[64]; /* the source's name */
};

struct painter {
    struct painter_options options;
    struct kernels kernels;
    struct lettering *lettering;
    struct overlay *overlay;
    uint32_t tile_width, tile_height, columns, rows;
    uint32_t width, height; /* of the whole, even */
    uint8_t *canvas;        /* [height, width, 3] */
    struct slot slots[QUEUE + 1];
    struct slot *queue[QUEUE], *idle[QUEUE + 1]; /* [n_queue] oldest first, [n_idle] */
    size_t n_queue, n_idle;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ending, gone; /* gone: the outlet takes no more */
    uint64_t n, dropped;
    double at;
    int status;
    char error[512];
};

/* ---- Sizes, once the first frame is there ---------------------------------------------------- */

static void choose_sizes(struct painter *p, const struct clipc_image *image)
{
    const struct painter_size *s = &p->options.size;
    double width = image->width, height = image->height;

    p->columns = (uint32_t)ceil(sqrt((double)p->options.n_sources));
    p->rows = (uint32_t)((p->options.n_sources + p->columns - 1) / p->columns);
    double larger = fmax(1, ceil(fmin(s->least_width / width, s->least_height / height)));
    double by = fmin(
        larger, fmin(s->most_width / (p->columns * width), s->most_height / (p->rows * height)));
    p->tile_width = (uint32_t)fmax(1, round(by * width));
    p->tile_height = (uint32_t)fmax(1, round(by * height));
    p->width = canvas_even_size(p->columns * p->tile_width);
    p->height = canvas_even_size(p->rows * p->tile_height);
}

static int make_canvas(struct painter *p)
{
    p->canvas = calloc(p->height, 3 * (size_t)p->width);
    for (size_t i = 0; i <= QUEUE; i++) {
        p->idle[p->n_idle++] = &p->slots[i];
    }
    return p->canvas != NULL ? CLIPC_OK
                             : base_fail(CLIPC_ERROR_MEMORY, "out of memory for frames of %u x %u",
                                         p->width, p->height);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static int draw(struct painter *p, const struct slot *slot)
{
    size_t stride = 3 * (size_t)p->width, row = 3 * (size_t)p->tile_width;
    bool several = p->options.n_sources > 1;
    uint8_t *to = p->canvas + slot->source / p->columns * p->tile_height * stride +
                  slot->source % p->columns * row;

    int status = canvas_fit(&p->kernels, &slot->image, to, stride, p->tile_width, p->tile_height);
    if (status == CLIPC_OK) {
        status = overlay_draw(p->overlay, &slot->rows, several ? slot->title : NULL, to, stride);
    }
    canvas_even(p->canvas, p->columns * p->tile_width, p->rows * p->tile_height);
    return status;
}

/* Let the queue change, but look around soon; under the lock. */
static void wait_a_moment(struct painter *p)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_AROUND_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&p->changed, &p->lock, &until);
}

/* Seconds from the first frame to the second, which are those of the last one in a film: that waits
 * for as long as it takes.  A window does not, where nobody sees them. */
static double first_gap(struct painter *p)
{
    double gap = 0, until = p->options.closed != NULL ? base_seconds() + WINDOW_WAITS : INFINITY;

    pthread_mutex_lock(&p->lock);
    while (p->n_queue < 2 && !p->ending && base_seconds() < until) {
        wait_a_moment(p);
    }
    if (p->n_queue >= 2) {
        gap = p->queue[1]->time - p->queue[0]->time;
    }
    pthread_mutex_unlock(&p->lock);
    return gap > 0 && gap < 60 ? gap : 0.04;
}

/* The oldest in the queue, or NULL when none came for a while.  false at the end, and when the
 * outlet has ended meanwhile. */
static bool take(struct painter *p, struct outlet *outlet, struct slot **slot)
{
    double until = base_seconds() + SHOW_AGAIN;

    *slot = NULL;
    pthread_mutex_lock(&p->lock);
    while (p->n_queue == 0 && !p->ending && !outlet_has_ended(outlet) && base_seconds() < until) {
        wait_a_moment(p);
    }
    bool over = outlet_has_ended(outlet) || (p->n_queue == 0 && p->ending);
    if (!over && p->n_queue > 0) {
        *slot = p->queue[0];
        p->n_queue--;
        memmove(p->queue, p->queue + 1, p->n_queue * sizeof(struct slot *));
    }
    pthread_mutex_unlock(&p->lock);
    return !over;
}

static void give_back(struct painter *p, struct slot *slot)
{
    pthread_mutex_lock(&p->lock);
    p->idle[p->n_idle++] = slot;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* Draw it and hand it on: as outlet_frame. */
static int show(struct painter *p, struct outlet *outlet, struct slot *slot)
{
    p->at = p->options.at_once ? p->at + AT_ONCE : slot->time;
    int got = draw(p, slot);
    if (got == CLIPC_OK) {
        got = outlet_frame(outlet, p->at, p->canvas);
    }
    p->n += got == 0;
    give_back(p, slot);
    return got;
}

/* Until the end of one of both: 0, or a negative clipc_status.  ffplay sees that its window was
 * closed when a frame comes: where none does, the last is shown again. */
static int feed(struct painter *p, struct outlet *outlet)
{
    struct slot *slot;
    int got = CLIPC_OK;

    while (got == 0 && take(p, outlet, &slot)) {
        if (slot != NULL) {
            got = show(p, outlet, slot);
        } else if (p->options.closed != NULL && p->n > 0) {
            got = outlet_frame(outlet, p->at, p->canvas);
        }
    }
    return got < 0 ? got : CLIPC_OK;
}

static void *paint(void *arg)
{
    struct painter *p = arg;
    struct outlet *outlet = NULL;
    int status =
        overlay_new(p->lettering, p->options.prompts, p->tile_width, p->tile_height, &p->overlay);

    if (status == CLIPC_OK) {
        status = outlet_open(&p->options.outlet, p->width, p->height, first_gap(p), &outlet);
    }
    if (status == CLIPC_OK) {
        status = feed(p, outlet);
    }
    snprintf(p->error, sizeof p->error, "%s", status != CLIPC_OK ? clipc_errmsg() : "");
    int closing = outlet != NULL ? outlet_close(outlet) : CLIPC_OK;
    if (status == CLIPC_OK && closing != CLIPC_OK) {
        snprintf(p->error, sizeof p->error, "%s", clipc_errmsg());
        status = closing;
    }
    pthread_mutex_lock(&p->lock);
    bool early = !p->ending || p->n_queue > 0;
    p->status = status;
    p->gone = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    if (early && status == CLIPC_OK && p->options.closed == NULL) {
        p->status = CLIPC_ERROR_IO;
        snprintf(p->error, sizeof p->error, "%s ended early", p->options.outlet.argv[0]);
    }
    if (early && p->status != CLIPC_OK && p->options.closed == NULL) { /* else the end is near */
        cli_error("%s: %s", p->options.name, p->error);
        snprintf(p->error, sizeof p->error, "not written");
    }
    if (early && p->options.closed != NULL) {
        p->options.closed(p->options.arg);
    }
    return NULL;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

int painter_new(const struct painter_options *options, struct painter **out)
{
    struct painter *p = calloc(1, sizeof *p);
    int status =
        p == NULL ? base_fail(CLIPC_ERROR_MEMORY, "out of memory") : lettering_new(&p->lettering);

    *out = NULL;
    if (status != CLIPC_OK) {
        free(p);
        return status;
    }
    p->options = *options;
    kernels_find(NULL, &p->kernels);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    *out = p;
    return CLIPC_OK;
}

static void start(struct painter *p, const struct clipc_image *image)
{
    sigset_t all, old;

    choose_sizes(p, image);
    p->status = make_canvas(p);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* and no SIGPIPE: write says so */
    p->has_thread = p->status == CLIPC_OK && pthread_create(&p->thread, NULL, paint, p) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!p->has_thread) {
        p->status = p->status != CLIPC_OK
                        ? p->status
                        : base_fail(CLIPC_ERROR_MEMORY, "the system gives no thread");
        snprintf(p->error, sizeof p->error, "%s", clipc_errmsg());
        p->gone = true;
    }
}

/* A slot for the next frame; NULL when the outlet has ended. */
static struct slot *get_slot(struct painter *p, bool live)
{
    struct slot *slot = NULL;

    pthread_mutex_lock(&p->lock);
    while (!p->gone && !live && p->n_queue == QUEUE) {
        pthread_cond_wait(&p->changed, &p->lock);
    }
    if (!p->gone && p->n_queue == QUEUE) {
        p->idle[p->n_idle++] = p->queue[0];
        p->n_queue--;
        memmove(p->queue, p->queue + 1, p->n_queue * sizeof(struct slot *));
        p->dropped++;
    }
    if (!p->gone) { /* of one more than the queue takes one is drawn: one is left */
        slot = p->idle[--p->n_idle];
    }
    pthread_mutex_unlock(&p->lock);
    return slot;
}

/* A copy of the picture: to scale it is left to the thread, unless it is much too large. */
static int keep_picture(struct painter *p, struct slot *slot, const struct clipc_image *image)
{
    bool large = (uint64_t)image->width * image->height > MOST_PIXELS;
    struct clipc_image copy = {.width = large ? p->tile_width : image->width,
                               .height = large ? p->tile_height : image->height};
    size_t bytes = (copy.stride = 3 * (size_t)copy.width) * copy.height;

    if (bytes > slot->room) {
        free(slot->rgb);
        slot->rgb = malloc(bytes);
        slot->room = slot->rgb != NULL ? bytes : 0;
    }
    if (slot->rgb == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    copy.data = slot->rgb;
    slot->image = copy;
    return large
               ? canvas_fit(&p->kernels, image, slot->rgb, copy.stride, copy.width, copy.height)
               : canvas_scale(&p->kernels, image, slot->rgb, copy.stride, copy.width, copy.height);
}

void painter_frame(struct painter *p, const struct shown *shown)
{
    const struct clipc_image *image = shown->answer->image;

    if (p->canvas == NULL && !p->gone) {
        start(p, image);
    }
    struct slot *slot = get_slot(p, shown->live);
    if (slot == NULL) {
        return;
    }
    slot->time = shown->answer->time;
    slot->source = shown->answer->source;
    snprintf(slot->title, sizeof slot->title, "%.*s",
             (int)fmin((double)shown->name_length, sizeof slot->title - 1), shown->name);
    overlay_choose(&slot->rows, shown->scores);
    int status = keep_picture(p, slot, image);
    pthread_mutex_lock(&p->lock);
    if (status == CLIPC_OK) {
        p->queue[p->n_queue++] = slot;
    } else {
        p->idle[p->n_idle++] = slot; /* no memory for it: it is left out */
        p->dropped++;
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

int painter_end(struct painter *p, uint64_t *n)
{
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    if (p->has_thread) {
        pthread_join(p->thread, NULL);
    }
    if (p->dropped > 0) {
        cli_note("%s: %llu frames came faster than they could be drawn, and were left out",
                 p->options.name, (unsigned long long)p->dropped);
    }
    int status = p->status != CLIPC_OK ? base_fail(p->status, "%s: %s", p->options.name, p->error)
                                       : CLIPC_OK;
    *n = p->n;
    overlay_free(p->overlay);
    lettering_free(p->lettering);
    for (size_t i = 0; i <= QUEUE; i++) {
        free(p->slots[i].rgb);
    }
    free(p->canvas);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return status;
}
