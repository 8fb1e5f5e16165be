/* frame.c - a frame's memory, which is used again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "video.h"

void frame_reset(struct frame *f)
{
    if (f->decoded) {
        clipc_image_free(&f->image);
    }
    free(f->path);
    f->path = NULL;
    f->decoded = f->broken = false;
    memset(&f->image, 0, sizeof f->image);
}

int frame_reserve(struct frame *f, uint32_t width, uint32_t height, int format)
{
    size_t channels = format == CLIPC_L ? 1 : 3, row, bytes;

    frame_reset(f);
    if (!base_mul(width, channels, &row) || !base_mul(row, height, &bytes)) {
        return base_fail(CLIPC_ERROR_LIMIT, "frames of %u x %u are too large", width, height);
    }
    if (bytes > f->room) {
        unsigned char *memory = realloc(f->memory, bytes);
        if (memory == NULL) {
            return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a frame of %u x %u", width,
                             height);
        }
        f->memory = memory;
        f->room = bytes;
    }
    f->image = (struct clipc_image){
        .data = f->memory, .width = width, .height = height, .stride = row, .format = format};
    return CLIPC_OK;
}

void frame_decode(struct frame *f, const char *name, const void *bytes, size_t n,
                  const struct clipc_image_options *options)
{
    frame_reset(f);
    if (clipc_image_decode(bytes, n, options, &f->image) == CLIPC_OK) {
        f->decoded = true;
    } else {
        f->broken = true;
        snprintf(f->error, sizeof f->error, "%s: %s", name, clipc_errmsg());
    }
}

void frame_free(struct frame *f)
{
    frame_reset(f);
    free(f->memory);
    f->memory = NULL;
    f->room = 0;
}
