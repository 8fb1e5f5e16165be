/* jpeg.c - JPEG through libjpeg-turbo, with the settings of Pillow: the same pixels. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "../base/base.h"
#include "image.h"
#include "jpeg_scan.h"
#include "pixels.h"

struct failure {
    struct jpeg_error_mgr manager; /* first, so that the library's pointer is ours */
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
};

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff;
}

static void on_error(j_common_ptr info)
{
    struct failure *f = (struct failure *)(void *)info->err;

    f->manager.format_message(info, f->text);
    longjmp(f->back, 1);
}

/* Warnings (level -1) are damage: a file cut short would give a half picture.  Not so these, at
 * which the picture is whole: stray bytes between segments, odd version numbers, and the scan
 * parameters that some cameras write. */
static void on_message(j_common_ptr info, int level)
{
    int code = info->err->msg_code;

    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR &&
        code != JWRN_ADOBE_XFORM && code != JWRN_NOT_SEQUENTIAL) {
        on_error(info);
    }
}

static void on_output(j_common_ptr info)
{
    (void)info;
}

/* Gray stays gray, CMYK and YCCK become CMYK, all else RGB, as Pillow's draft modes. */
static int choose_format(struct jpeg_decompress_struct *info)
{
    if (info->jpeg_color_space == JCS_GRAYSCALE) {
        info->out_color_space = JCS_GRAYSCALE;
        return CLIPC_L;
    }
    if (info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK) {
        info->out_color_space = JCS_CMYK;
        return CLIPC_CMYK;
    }
    info->out_color_space = JCS_RGB;
    return CLIPC_RGB;
}

static void read_rows(struct jpeg_decompress_struct *info, struct clipc_image *image)
{
    while (info->output_scanline < info->output_height) {
        JSAMPROW row = (uint8_t *)image->data + info->output_scanline * image->stride;
        jpeg_read_scanlines(info, &row, 1);
    }
}

/* CMYK files are upside down (255 = no ink): Adobe's way, which Pillow takes every file to follow.
 */
static void invert(struct clipc_image *image)
{
    uint8_t *p = image->data;

    for (size_t i = 0; i < image->stride * image->height; i++) {
        p[i] = (uint8_t)(255 - p[i]);
    }
}

/* Enough bytes for the picture?  Huffman coding spends at least one bit on each block of 64. */
static bool can_hold(const struct jpeg_decompress_struct *info, size_t n)
{
    return info->arith_code || (uint64_t)info->image_width * info->image_height / 512 <= n;
}

static int decode_open(struct jpeg_decompress_struct *info, struct failure *f, const uint8_t *bytes,
                       size_t n, size_t max_pixels, struct clipc_image *image)
{
    if (setjmp(f->back) != 0) {
        pixels_free(image);
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged JPEG: %s", f->text);
    }
    jpeg_create_decompress(info);
    jpeg_mem_src(info, bytes, (unsigned long)n);
    jpeg_read_header(info, TRUE);
    int status = pixels_check_size(info->image_width, info->image_height, max_pixels);
    if (status == CLIPC_OK && !can_hold(info, n)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "truncated JPEG: %zu bytes for %u x %u pixels", n,
                           info->image_width, info->image_height);
    }
    if (status == CLIPC_OK) {
        int format = choose_format(info);
        jpeg_start_decompress(info);
        status = pixels_new(image, info->output_width, info->output_height, format);
    }
    if (status == CLIPC_OK) {
        read_rows(info, image);
        jpeg_finish_decompress(info);
        if (image->format == CLIPC_CMYK) {
            invert(image);
        }
    }
    return status;
}

static int decode(const uint8_t *bytes, size_t n, size_t max_pixels, struct clipc_image *image)
{
    struct jpeg_decompress_struct info;
    struct failure f;
    int status = jpeg_scan(bytes, n);

    if (status != CLIPC_OK) {
        return status;
    }
    memset(&info, 0, sizeof info);
    memset(&f, 0, sizeof f);
    memset(image, 0, sizeof *image);
    info.err = jpeg_std_error(&f.manager);
    f.manager.error_exit = on_error;
    f.manager.emit_message = on_message;
    f.manager.output_message = on_output;
    status = decode_open(&info, &f, bytes, n, max_pixels, image);
    jpeg_destroy_decompress(&info);
    return status;
}

extern const struct image_decoder image_jpeg;
const struct image_decoder image_jpeg = {"libjpeg-turbo", "JPEG", probe, decode};
