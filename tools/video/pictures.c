/* pictures.c - picture files as frames: one, or those that a pattern of names fits, in bytewise
 * order.  Their rate is what the user says. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "kinds.h"

struct pictures {
    struct video video;
    glob_t found;
    size_t n;
    char *const *paths; /* [n] */
    char *one[1];
    bool globbed;
    struct clipc_image_options limits;
    double rate;
    size_t next;
};

int pictures_read(const char *path, const struct clipc_image_options *limits, struct frame *frame)
{
    frame_reset(frame);
    frame->path = strdup(path);
    if (frame->path == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    if (clipc_image_read(path, limits, &frame->image) == CLIPC_OK) {
        frame->decoded = true;
    } else {
        frame->broken = true;
        snprintf(frame->error, sizeof frame->error, "%s", clipc_errmsg());
    }
    return 1;
}

static int next(struct video *video, struct frame *frame)
{
    struct pictures *p = (struct pictures *)video;

    if (p->next == p->n) {
        return 0;
    }
    frame->number = p->next;
    frame->time = (double)p->next / p->rate;
    return pictures_read(p->paths[p->next++], &p->limits, frame);
}

static void close_pictures(struct video *video)
{
    struct pictures *p = (struct pictures *)video;

    if (p->globbed) {
        globfree(&p->found);
    }
    free(p->one[0]);
    free(p);
}

static int find(struct pictures *p, const char *pattern)
{
    int error = glob(pattern, 0, NULL, &p->found);

    p->globbed = error == 0;
    if (error == GLOB_NOMATCH) {
        return base_fail(CLIPC_ERROR_IO, "%s: no file of such a name", pattern);
    }
    if (error != 0) {
        return base_fail(CLIPC_ERROR_IO, "%s: the folder cannot be read", pattern);
    }
    p->paths = p->found.gl_pathv;
    p->n = p->found.gl_pathc;
    return CLIPC_OK;
}

int pictures_open(const struct address *address, const struct video_options *options,
                  struct video **video)
{
    static const struct video_class class = {next, close_pictures};
    struct pictures *p = calloc(1, sizeof *p);
    int status = CLIPC_OK;

    if (p == NULL || (p->one[0] = strdup(address->place)) == NULL) {
        free(p);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    p->video.class = &class;
    p->limits = options->image;
    p->rate = options->rate > 0 ? options->rate : 25;
    if (address->is_pattern) {
        status = find(p, address->place);
    } else {
        p->paths = p->one;
        p->n = 1;
    }
    if (status != CLIPC_OK) {
        close_pictures(&p->video);
        return status;
    }
    *video = &p->video;
    return CLIPC_OK;
}
