/* image_jpeg.c - JPEG through libjpeg-turbo, with the settings of Pillow: the same pixels. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include "base.h"
#include "image.h"
#include "jpeg_scan.h"

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

/* Warnings (level -1) are damage: a file cut short would give a half picture.  Bytes between
 * segments are harmless, and Pillow reads on too. */
static void on_message(j_common_ptr info, int level)
{
    struct failure *f = (struct failure *)(void *)info->err;

    if (level < 0) {
        f->manager.format_message(info, f->text);
        if (strstr(f->text, "extraneous bytes") == NULL) {
            longjmp(f->back, 1);
        }
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

/* Adobe writes CMYK upside down (255 = no ink). */
static void invert(struct clipc_image *image)
{
    uint8_t *p = image->data;

    for (size_t i = 0; i < image->stride * image->height; i++) {
        p[i] = (uint8_t)(255 - p[i]);
    }
}

static int decode_open(struct jpeg_decompress_struct *info, struct failure *f, const uint8_t *bytes,
                       size_t n, size_t max_pixels, struct clipc_image *image)
{
    if (setjmp(f->back) != 0) {
        image_free(image);
        return base_fail(CLIPC_ERROR_FORMAT, "truncated or damaged JPEG: %s", f->text);
    }
    jpeg_create_decompress(info);
    jpeg_mem_src(info, bytes, (unsigned long)n);
    jpeg_read_header(info, TRUE);
    int status = image_check_size(info->image_width, info->image_height, max_pixels);
    if (status == CLIPC_OK) {
        int format = choose_format(info);
        info->mem->max_memory_to_use = 0; /* no temporary files: progressive files hold coefficients */
        jpeg_start_decompress(info);
        status = image_new(image, info->output_width, info->output_height, format);
    }
    if (status == CLIPC_OK) {
        read_rows(info, image);
        jpeg_finish_decompress(info);
        if (image->format == CLIPC_CMYK && info->saw_Adobe_marker) {
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
