/* image.h - the list of image decoders, a file each.  Through libraries: image_jpeg.c, image_stb.c,
 * image_webp.c; our own: image_gif.c, image_bmp.c, image_pnm.c.  image.c holds the list and the
 * limits. */
#ifndef CLIPC_IMAGE_H
#define CLIPC_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../clipc.h"

struct image_decoder {
    const char *library; /* "stb_image", for people; "clipc": our own */
    const char *formats; /* "JPEG PNG" */
    /* Is this a file of mine, judging by its first bytes (n may be as small as 0)? */
    bool (*probe)(const uint8_t *bytes, size_t n);
    /* Decode.  image->data comes from base_alloc. `max_pixels` holds before memory is taken. */
    int (*decode)(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image);
};

extern const struct image_decoder
    *const image_decoders[]; /* first match wins; NULL behind the last */

/* Does some decoder's probe accept these first bytes?  (16 suffice.) */
bool image_probe(const uint8_t *bytes, size_t n);

/* For decoders: 0, or why an image of this size is refused. */
int image_check_size(uint64_t width, uint64_t height, size_t max_pixels);
/* Pixels of base_alloc with rows one behind the other. */
int image_new(struct clipc_image *image, uint32_t width, uint32_t height, int format);

int image_decode(const void *bytes, size_t n_bytes, const struct clipc_image_options *options,
                 struct clipc_image *image);
int image_read(const char *path, const struct clipc_image_options *options,
               struct clipc_image *image);
void image_free(struct clipc_image *image);
const char *image_formats(void);

#endif
