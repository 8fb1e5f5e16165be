/* best_frames.c - copies of the frames that events may want, and how many want each. */
#include "best_frames.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../../src/image/pixels.h"
#include "event_name.h"
#include "fresh.h"
#include "picture.h"

/* Of all copies together; one alone may be larger. */
#define MOST_BYTES ((size_t)256 << 20)

struct copy {
    struct clipc_image image; /* its pixels stand behind it */
    size_t bytes, users;
    unsigned char pixels[];
};

struct best_frames {
    const struct watch *watch;
    struct copy **of; /* [n_sources, n_prompts], each event's; NULL: none */
    struct copy *now; /* of the frame that is shown; NULL: nobody asked for it yet */
    size_t bytes;
    bool failed, told; /* told: that the memory does not suffice */
};

int best_frames_new(const struct watch *w, struct best_frames **out)
{
    int status = fresh_folder(w->save_frames);
    struct best_frames *b = status == CLIPC_OK ? calloc(1, sizeof *b) : NULL;

    *out = b;
    if (status == CLIPC_OK &&
        (b == NULL || (b->of = calloc(w->n_sources * w->prompts->n, sizeof(void *))) == NULL)) {
        status = base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    if (status == CLIPC_OK) {
        b->watch = w;
    }
    return status;
}

static struct copy **place(struct best_frames *b, const struct event *e)
{
    return &b->of[e->source * b->watch->prompts->n + e->prompt];
}

static void drop(struct best_frames *b, struct copy **at)
{
    if (*at != NULL && --(*at)->users == 0) {
        b->bytes -= (*at)->bytes;
        free(*at);
    }
    *at = NULL;
}

static struct copy *copy_image(struct best_frames *b, const struct clipc_image *image)
{
    size_t row = image->width * pixels_formats[image->format].bytes, bytes;
    bool room = base_mul(row, image->height, &bytes) &&
                (b->bytes == 0 || (bytes <= MOST_BYTES && b->bytes <= MOST_BYTES - bytes));
    struct copy *c = room ? malloc(sizeof *c + bytes) : NULL;

    if (c != NULL) {
        c->image = *image;
        c->image.data = c->pixels;
        c->image.stride = row;
        c->bytes = bytes;
        c->users = 0;
        b->bytes += bytes;
        for (size_t y = 0; y < image->height; y++) {
            memcpy(c->pixels + y * row, (unsigned char *)image->data + y * image->stride, row);
        }
    }
    return c;
}

void best_frames_keep(struct best_frames *b, const struct event *e, const struct shown *s)
{
    struct copy **at = place(b, e);

    drop(b, at);
    if (b->now == NULL && (b->now = copy_image(b, s->answer->image)) == NULL) {
        if (!b->told) {
            cli_error("--save-frames: more events at once than there is memory for their frames "
                      "(%zu MiB): some have no picture",
                      MOST_BYTES >> 20);
        }
        b->told = true;
        return;
    }
    *at = b->now;
    b->now->users++;
}

void best_frames_next(struct best_frames *b)
{
    b->now = NULL;
}

char *best_frames_write(struct best_frames *b, const struct event *e)
{
    const struct watch *w = b->watch;
    struct copy **at = place(b, e);
    unsigned char *bytes = NULL;
    char name[EVENT_NAME_ROOM], *path = NULL;
    struct fresh file;
    size_t n;

    if (*at == NULL) {
        b->failed = true;
        return NULL;
    }
    event_name(&w->sources[e->source].address, &w->prompts->names[e->prompt], e, name);
    int status = picture_encode(&(*at)->image, &bytes, &n);
    if (status == CLIPC_OK) {
        status = fresh_open(&file, w->save_frames, name, picture_ending);
    }
    if (status == CLIPC_OK) {
        status = fresh_write(&file, bytes, n);
        status = status == CLIPC_OK ? fresh_finish(&file) : status;
        fresh_abort(&file);
    }
    if (status != CLIPC_OK || (path = strdup(file.path)) == NULL) {
        cli_error("--save-frames: %s", clipc_errmsg());
        b->failed = true;
    }
    free(bytes);
    drop(b, at);
    return path;
}

void best_frames_forget(struct best_frames *b, const struct event *e)
{
    drop(b, place(b, e));
}

int best_frames_free(struct best_frames *b)
{
    int code = CLI_DONE;

    if (b != NULL) {
        code = b->failed ? CLI_FAILED : CLI_DONE;
        for (size_t i = 0; b->of != NULL && i < b->watch->n_sources * b->watch->prompts->n; i++) {
            drop(b, &b->of[i]);
        }
        free(b->of);
        free(b);
    }
    return code;
}
