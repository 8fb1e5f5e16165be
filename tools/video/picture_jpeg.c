/* picture_jpeg.c - picture.h by libjpeg-turbo, at a quality that the eye takes for the frame. */
#include "picture.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "../../src/base/base.h"
#include "../../src/image/pixels.h"

enum { QUALITY = 90 };

const char picture_ending[] = ".jpg";
const char picture_codec[] = "MJPG";

struct encoder {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX]; /* why it gave up */
    uint8_t *row;               /* [width, 3] */
    unsigned char *bytes;
    unsigned long n;
};

/* libjpeg's own would end the program. */
static void on_error(j_common_ptr info)
{
    struct encoder *e = info->client_data;

    info->err->format_message(info, e->text);
    longjmp(e->back, 1);
}

static void on_output(j_common_ptr info)
{
    (void)info;
}

/* false: it gave up. */
static bool encode(struct encoder *e, const struct clipc_image *image)
{
    struct jpeg_compress_struct *info = &e->info;

    if (setjmp(e->back) != 0) {
        return false;
    }
    jpeg_create_compress(info);
    jpeg_mem_dest(info, &e->bytes, &e->n);
    info->image_width = image->width;
    info->image_height = image->height;
    info->input_components = image->format == CLIPC_L ? 1 : 3;
    info->in_color_space = image->format == CLIPC_L ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, QUALITY, TRUE);
    jpeg_start_compress(info, TRUE);
    for (uint32_t y = 0; y < image->height; y++) {
        uint8_t *row = (uint8_t *)image->data + y * image->stride;
        if (image->format != CLIPC_L && image->format != CLIPC_RGB) {
            pixels_row_to_rgb(row, image->width, image->format, e->row);
            row = e->row;
        }
        jpeg_write_scanlines(info, &row, 1);
    }
    jpeg_finish_compress(info);
    return true;
}

/* More than any picture of this size takes: libjpeg, which loses its buffer when it must give up,
 * then never has to make one. */
static size_t most_bytes(const struct clipc_image *image)
{
    return base_round_up(image->width, 16) * base_round_up(image->height, 16) * 3 + 4096;
}

int picture_encode(const struct clipc_image *image, unsigned char **bytes, size_t *n)
{
    struct encoder *e = calloc(1, sizeof *e);
    unsigned char *own = malloc(most_bytes(image));
    int status = CLIPC_OK;

    *bytes = NULL;
    if (e == NULL || own == NULL || (e->row = malloc((size_t)image->width * 3)) == NULL) {
        free(own);
        free(e);
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory for a picture");
    }
    e->bytes = own;
    e->n = most_bytes(image);
    e->info.err = jpeg_std_error(&e->errors);
    e->errors.error_exit = on_error;
    e->errors.output_message = on_output;
    e->info.client_data = e;
    if (encode(e, image)) {
        *n = e->n;
        *bytes = realloc(own, e->n);
        *bytes = *bytes != NULL ? *bytes : own;
    } else { /* JPEG has no more than 65500 columns */
        free(own);
        status = base_fail(CLIPC_ERROR_LIMIT, "this picture cannot be a JPEG: %s", e->text);
    }
    jpeg_destroy_compress(&e->info);
    free(e->row);
    free(e);
    return status;
}
