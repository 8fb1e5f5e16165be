/* pixels.h - the pixel formats, in one table, and pictures of them: sizes, memory, gray. */
#ifndef CLIPC_PIXELS_H
#define CLIPC_PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "../clipc.h"

struct pixels_format {
    const char *name; /* the reference's mode */
    size_t bytes;     /* of a pixel */
    size_t channels;
    int alpha; /* 1: the last channel is alpha */
};
#define PIXELS_FORMATS 6
extern const struct pixels_format pixels_formats[PIXELS_FORMATS]; /* by enum clipc_format */

/* 0, or why a picture of this size is refused: before memory is taken. */
int pixels_check_size(uint64_t width, uint64_t height, size_t max_pixels);

/* Zeroed pixels of base_alloc, rows one behind the other. */
int pixels_new(struct clipc_image *image, uint32_t width, uint32_t height, int format);
void pixels_free(struct clipc_image *image);

/* a * b / 255, rounded: Pillow's MULDIV255. */
static inline uint8_t pixels_muldiv255(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

/* n pixels of a row of any format to RGB, as Pillow's convert("RGB"). */
void pixels_row_to_rgb(const uint8_t *from, size_t n, int format, uint8_t *to);

/* Every pixel to the gray that stands for what a truncated file does not have: 128, opaque. */
void pixels_gray(struct clipc_image *image);

#endif
