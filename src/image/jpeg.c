/* jpeg.c - JPEG through libjpeg-turbo, with the settings of Pillow: the same pixels. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "../base/base.h"
#include "image.h"
#include "pixels.h"

/* A progressive file decodes its whole picture once for each scan, of which a hostile one has
 * hundreds of a few bytes.  Real ones have a dozen: so many pixels times scans are always granted,
 * and up to GENEROUS_SCANS so many more for each byte of the file. */
#define PIXEL_SCANS          ((uint64_t)1 << 28)
#define PIXEL_SCANS_FOR_BYTE 4096
#define GENEROUS_SCANS       64

/* One decoder and its managers; client_data leads from the library's pointer to it. */
struct decoder {
    struct image_rows rows; /* first */
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    int status; /* of the failure, and its sentence */
    char text[JMSG_LENGTH_MAX];
    size_t file_bytes;
    struct image_limits limits;
    uint8_t *to;   /* where the next row goes */
    uint8_t *line; /* of `rows`: the row that was asked for last */
};

static bool probe(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff;
}

static struct decoder *of(j_common_ptr info)
{
    return info->client_data;
}

static void on_error(j_common_ptr info)
{
    info->err->format_message(info, of(info)->text);
    of(info)->status = CLIPC_ERROR_FORMAT;
    longjmp(of(info)->back, 1);
}

/* Warnings (level -1) are damage, of which libjpeg makes some picture.  Not so these, at which the
 * picture is whole: stray bytes between segments, odd version numbers, and the scan parameters that
 * some cameras write. */
static void on_message(j_common_ptr info, int level)
{
    int code = info->err->msg_code;

    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR &&
        code != JWRN_ADOBE_XFORM && code != JWRN_NOT_SEQUENTIAL && !of(info)->limits.truncated) {
        on_error(info);
    }
}

static void on_output(j_common_ptr info)
{
    (void)info;
}

/* Called for each row of blocks that is read of a file of several scans. */
static void on_progress(j_common_ptr common)
{
    struct decoder *d = of(common);
    uint64_t pixels = (uint64_t)d->info.image_width * d->info.image_height;
    uint64_t scans = (uint64_t)d->info.input_scan_number;
    uint64_t most = PIXEL_SCANS;

    most += scans <= GENEROUS_SCANS ? (uint64_t)PIXEL_SCANS_FOR_BYTE * d->file_bytes : 0;
    if (pixels * scans > most) {
        snprintf(d->text, sizeof d->text, "%u scans or more of %u x %u pixels in %zu bytes",
                 (unsigned)scans, d->info.image_width, d->info.image_height, d->file_bytes);
        d->status = CLIPC_ERROR_LIMIT;
        longjmp(d->back, 1);
    }
}

/* ---- The file as libjpeg's source -------------------------------------------------------------
 * As in Pillow, its end suspends the decoder: what it then has not given was not there.  (libjpeg's
 * own source for memory makes up an end marker and a gray rest.) */

static void on_source(j_decompress_ptr info)
{
    (void)info;
}

static boolean at_end(j_decompress_ptr info)
{
    static const JOCTET end_marker[2] = {0xff, JPEG_EOI};

    if (!of((j_common_ptr)info)->limits.truncated) {
        return FALSE;
    }
    info->src->next_input_byte = end_marker;
    info->src->bytes_in_buffer = sizeof end_marker;
    return TRUE;
}

static void skip(j_decompress_ptr info, long n)
{
    size_t there = info->src->bytes_in_buffer, bytes = n < 0 ? 0 : (size_t)n;

    bytes = bytes < there ? bytes : there;
    info->src->next_input_byte += bytes;
    info->src->bytes_in_buffer -= bytes;
}

/* ---- The picture ----------------------------------------------------------------------------- */

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

/* Pillow's Image.draft: a scale is a power of two that both sides can be divided by. */
static void choose_scale(struct jpeg_decompress_struct *info, size_t least_side)
{
    size_t shorter =
        info->image_width < info->image_height ? info->image_width : info->image_height;

    info->scale_denom = 1;
    while (least_side > 0 && info->scale_denom < DCTSIZE &&
           shorter / least_side >= 2 * info->scale_denom) {
        info->scale_denom *= 2;
    }
}

/* Enough bytes for the picture?  Huffman coding spends at least one bit on each block of 64. */
static bool can_hold(const struct jpeg_decompress_struct *info, size_t n)
{
    return info->arith_code || (uint64_t)info->image_width * info->image_height / 512 <= n;
}

static int truncated(void)
{
    return base_fail(CLIPC_ERROR_FORMAT, "truncated JPEG: it ends within its picture");
}

/* Memory for the coefficients of all scans (2 bytes for each of 4 components, in whole blocks), the
 * rows on their way, tables. */
static void limit_memory(struct jpeg_decompress_struct *info)
{
    uint64_t width = info->image_width + 64u, height = info->image_height + 64u;

    info->mem->max_memory_to_use = (long)(8 * width * height + 256 * width + (4 << 20));
}

/* The library comes back from its errors by longjmp: a step is what runs until one. */
static int run(struct decoder *d, int (*step)(struct decoder *d))
{
    if (setjmp(d->back) != 0) {
        return base_fail(d->status, "%s JPEG: %s",
                         d->status == CLIPC_ERROR_LIMIT ? "costly" : "truncated or damaged",
                         d->text);
    }
    return step(d);
}

/* To the first row. */
static int begin(struct decoder *d)
{
    struct jpeg_decompress_struct *info = &d->info;

    jpeg_create_decompress(info);
    info->src = &d->source;
    info->progress = &d->progress;
    if (jpeg_read_header(info, TRUE) == JPEG_SUSPENDED) {
        return truncated();
    }
    int status = pixels_check_size(info->image_width, info->image_height, d->limits.max_pixels);
    if (status == CLIPC_OK && !d->limits.truncated && !can_hold(info, d->file_bytes)) {
        status = base_fail(CLIPC_ERROR_FORMAT, "truncated JPEG: %zu bytes for %u x %u pixels",
                           d->file_bytes, info->image_width, info->image_height);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    d->rows.format = choose_format(info);
    choose_scale(info, d->limits.least_side);
    limit_memory(info);
    if (!jpeg_start_decompress(info)) {
        return truncated();
    }
    d->rows.width = info->output_width;
    d->rows.height = info->output_height;
    return CLIPC_OK;
}

/* One row, to d->to.  CMYK files are upside down (255 = no ink): Adobe's way, and Pillow takes
 * every file to be so. */
static int read_row(struct decoder *d)
{
    if (jpeg_read_scanlines(&d->info, &d->to, 1) == 0) {
        return truncated();
    }
    for (size_t i = 0; d->rows.format == CLIPC_CMYK && i < 4 * (size_t)d->rows.width; i++) {
        d->to[i] = (uint8_t)(255 - d->to[i]);
    }
    return CLIPC_OK;
}

/* To the end marker, or as far as the file goes. */
static int finish(struct decoder *d)
{
    jpeg_finish_decompress(&d->info);
    return CLIPC_OK;
}

static void decoder_free(struct decoder *d)
{
    jpeg_destroy_decompress(&d->info);
    free(d->line);
    free(d);
}

/* bytes stay as long as the decoder.  0, or a negative clipc_status and no decoder. */
static int decoder_new(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                       struct decoder **decoder)
{
    struct decoder *d = calloc(1, sizeof *d);

    if (d == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for a JPEG decoder");
    }
    d->file_bytes = n;
    d->limits = *limits;
    d->info.err = jpeg_std_error(&d->errors);
    d->info.client_data = d;
    d->errors.error_exit = on_error;
    d->errors.emit_message = on_message;
    d->errors.output_message = on_output;
    d->source = (struct jpeg_source_mgr){
        bytes, n, on_source, at_end, skip, jpeg_resync_to_restart, on_source};
    d->progress.progress_monitor = on_progress;
    int status = run(d, begin);
    if (status != CLIPC_OK) {
        decoder_free(d);
        return status;
    }
    *decoder = d;
    return CLIPC_OK;
}

/* ---- Whole, and row by row ------------------------------------------------------------------- */

static int decode_once(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                       struct clipc_image *image)
{
    struct decoder *d;
    int status = decoder_new(bytes, n, limits, &d);

    if (status != CLIPC_OK) {
        return status;
    }
    status = pixels_new(image, d->rows.width, d->rows.height, d->rows.format);
    for (size_t y = 0; status == CLIPC_OK && y < image->height; y++) {
        d->to = (uint8_t *)image->data + y * image->stride;
        status = run(d, read_row);
    }
    if (status == CLIPC_OK) {
        status = run(d, finish);
    }
    if (status != CLIPC_OK) {
        pixels_free(image);
    }
    decoder_free(d);
    return status;
}

/* Rows that nobody asks for are decoded all the same: their faults are the picture's. */
static const uint8_t *row(struct image_rows *rows, size_t y)
{
    struct decoder *d = (struct decoder *)rows;

    while (d->info.output_scanline <= y) {
        rows->status = run(d, read_row);
        if (rows->status != CLIPC_OK) {
            return NULL;
        }
    }
    return d->line;
}

static int end(struct image_rows *rows)
{
    struct decoder *d = (struct decoder *)rows;

    if (row(rows, rows->height - 1u) == NULL) {
        return rows->status;
    }
    return run(d, finish);
}

static void free_rows(struct image_rows *rows)
{
    decoder_free((struct decoder *)rows);
}

static int open_rows(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                     struct image_rows **rows)
{
    static const struct image_rows_class class = {row, end, free_rows};
    struct decoder *d;
    int status = decoder_new(bytes, n, limits, &d);

    if (status != CLIPC_OK) {
        return status;
    }
    d->line = d->to = malloc(4 * (size_t)d->rows.width);
    if (d->line == NULL) {
        decoder_free(d);
        return base_fail(CLIPC_ERROR_MEMORY, "no memory for a row of a JPEG");
    }
    d->rows.class = &class;
    *rows = &d->rows;
    return CLIPC_OK;
}

/* Where the last segment begins: a marker that is neither a restart nor the end. */
static size_t last_segment(const uint8_t *p, size_t n)
{
    size_t at = n < 2 ? 0 : n - 2;

    while (at > 0 && (p[at] != 0xff || p[at + 1] < 0xc0 || p[at + 1] == 0xff ||
                      (p[at + 1] >= JPEG_RST0 && p[at + 1] <= JPEG_EOI))) {
        at--;
    }
    return at;
}

/* A part of a file may end within the tables or the header of a scan, which then is left out. */
static int decode(const uint8_t *bytes, size_t n, const struct image_limits *limits,
                  struct clipc_image *image)
{
    int status = decode_once(bytes, n, limits, image);

    for (int tries = 2; limits->truncated && status == CLIPC_ERROR_FORMAT && tries > 0; tries--) {
        n = last_segment(bytes, n);
        status = decode_once(bytes, n, limits, image);
    }
    return status;
}

extern const struct image_decoder image_jpeg;
const struct image_decoder image_jpeg = {"libjpeg-turbo", "JPEG", probe, decode, open_rows};
