/* image.h - the door for pictures: the list of decoders (a file each), what a file is, the limits.
 * Through libraries: jpeg.c, stb.c, webp.c; our own: png.c, gif.c, bmp.c, pnm.c. */
#ifndef CLIPC_IMAGE_H
#define CLIPC_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../clipc.h"
#include "rows.h"

struct image_limits {
    size_t max_pixels; /* checked before memory is taken */
    bool truncated;    /* take what there is of a damaged file, gray elsewhere */
    size_t least_side; /* 0: every pixel; see clipc_image_options */
};

struct image_decoder {
    const char *library; /* "stb_image", for people; "clipc": our own */
    const char *formats; /* "JPEG" */
    /* Is this a file of mine, judging by its start?  As for image_probe. */
    bool (*probe)(const uint8_t *bytes, size_t n);
    /* Decode into pixels_new's pixels.  A file that is not whole is refused, or (`truncated`) what
     * there is of it taken; when not a row is there, it is refused all the same. */
    int (*decode)(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image);
    /* NULL, or the same pixels row by row, of a file that must be whole (`truncated` is false).
     * bytes and limits stay until the rows are freed. */
    int (*open)(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                struct image_rows **rows);
};

/* The first match wins; NULL behind the last. */
extern const struct image_decoder *const image_decoders[];

/* What a file is, by its first IMAGE_PROBE_BYTES bytes (all of it when it is shorter): the magic,
 * and where that could begin a text, a header that makes sense.  No promise that it decodes. */
#define IMAGE_PROBE_BYTES 4096
enum image_kind {
    IMAGE_NONE,       /* no picture; *name may tell what else: "PDF" */
    IMAGE_READABLE,   /* some decoder of this build takes it */
    IMAGE_UNREADABLE, /* a picture, but not for this build: *name is its format */
};
/* `name`: NULL, or becomes NULL or a format's name, which lives as long as the program. */
enum image_kind image_probe(const uint8_t *bytes, size_t n, const char **name);

/* A longer file is refused unless the caller sets another limit. */
#define IMAGE_MAX_FILE_BYTES ((size_t)512 << 20)

int image_decode(const void *bytes, size_t n_bytes, const struct clipc_image_options *options,
                 struct clipc_image *image);
/* The same pixels row by row, in little memory where the format allows it, else of the whole
 * picture.  bytes stay until the rows are freed (rows->class->free). */
int image_open(const void *bytes, size_t n_bytes, const struct clipc_image_options *options,
               struct image_rows **rows);
/* A file's bytes, for base_free, within the limit of the options. */
int image_load(const char *path, const struct clipc_image_options *options, unsigned char **bytes,
               size_t *n);
int image_read(const char *path, const struct clipc_image_options *options,
               struct clipc_image *image);
const char *image_formats(void);

#endif
