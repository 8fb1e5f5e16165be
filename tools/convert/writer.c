/* writer.c - a weight file put down record by record, hashed, opened once, and only then named. */
#include "writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/base/base.h"
#include "../cli/target.h"
#include "../../weights/sha256.h"

#define MAX_RECORDS 65536

struct writer {
    struct output out;
    bool laid_out;
    struct format_header header;
    struct format_record *records; /* [n, of room] */
    bool *written;                 /* [room] */
    uint32_t n, room;
};

int writer_new(const char *path, const struct format_header *header, struct writer **out)
{
    struct writer *w = base_alloc(sizeof *w);

    if (w == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    w->header = *header;
    int status = target_open(&w->out, path);
    if (status != CLIPC_OK) {
        base_free(w);
        return status;
    }
    *out = w;
    return CLIPC_OK;
}

static int grow(struct writer *w)
{
    uint32_t room = w->room == 0 ? 64 : 2 * w->room;
    struct format_record *records = base_alloc(room * sizeof *records);
    bool *written = base_alloc(room * sizeof *written);

    if (records == NULL || written == NULL) {
        base_free(records);
        base_free(written);
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", w->out.path);
    }
    if (w->n > 0) {
        memcpy(records, w->records, w->n * sizeof *records);
    }
    base_free(w->records);
    base_free(w->written);
    w->records = records;
    w->written = written;
    w->room = room;
    return CLIPC_OK;
}

int writer_declare(struct writer *w, const char *name, enum format_dtype dtype,
                   enum format_layout layout, uint32_t rows, uint32_t cols, unsigned flags)
{
    struct format_record r = {.flags = (uint8_t)flags};

    if (w->laid_out || strlen(name) >= sizeof r.name || w->n == MAX_RECORDS ||
        !weights_shape(&r, dtype, layout, rows, cols)) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "%s: record '%s' of %u x %u cannot be declared",
                         w->out.path, name, rows, cols);
    }
    if (w->n == w->room) {
        int status = grow(w);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    strcpy(r.name, name);
    w->records[w->n++] = r;
    return CLIPC_OK;
}

static int write_at(struct writer *w, const void *data, size_t bytes, uint64_t offset)
{
    const unsigned char *p = data;

    while (bytes > 0) {
        ssize_t n = pwrite(w->out.fd, p, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return output_error(&w->out, "write");
        }
        p += n;
        bytes -= (size_t)n;
        offset += (uint64_t)n;
    }
    return CLIPC_OK;
}

/* Give every record its place; write header and records. */
static int lay_out(struct writer *w)
{
    struct format_header *h = &w->header;
    uint64_t offset = sizeof *h + (uint64_t)w->n * sizeof *w->records;

    for (uint32_t i = 0; i < w->n; i++) {
        w->records[i].offset = base_round_up(offset, FORMAT_ALIGN);
        offset = w->records[i].offset + w->records[i].bytes;
    }
    memcpy(h->magic, FORMAT_MAGIC, sizeof h->magic);
    h->version = FORMAT_VERSION;
    h->header_bytes = sizeof *h;
    h->file_bytes = base_round_up(offset, FORMAT_ALIGN);
    h->records_offset = sizeof *h;
    h->record_count = w->n;
    h->record_bytes = sizeof *w->records;
    memset(h->sha256, 0, sizeof h->sha256);
    w->laid_out = true;
    if (ftruncate(w->out.fd, (off_t)h->file_bytes) != 0) {
        return output_error(&w->out, "write");
    }
    int status = write_at(w, h, sizeof *h, 0);
    return status == CLIPC_OK
               ? write_at(w, w->records, w->n * sizeof *w->records, h->records_offset)
               : status;
}

int writer_write(struct writer *w, const char *name, const void *data, size_t bytes)
{
    int status = w->laid_out ? CLIPC_OK : lay_out(w);

    for (uint32_t i = 0; status == CLIPC_OK && i < w->n; i++) {
        if (strcmp(w->records[i].name, name) == 0) {
            if (w->records[i].bytes != bytes || w->written[i]) {
                return base_fail(CLIPC_ERROR_ARGUMENT,
                                 "%s: record '%s' wants %llu bytes once, not %zu", w->out.path,
                                 name, (unsigned long long)w->records[i].bytes, bytes);
            }
            w->written[i] = true;
            return write_at(w, data, bytes, w->records[i].offset);
        }
    }
    return status != CLIPC_OK ? status
                              : base_fail(CLIPC_ERROR_ARGUMENT, "%s: no record '%s' was declared",
                                          w->out.path, name);
}

static int write_hash(struct writer *w)
{
    struct sha256 s;
    unsigned char *buffer = base_alloc(1 << 20);
    uint64_t at = 0;
    ssize_t n = 0;

    if (buffer == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", w->out.path);
    }
    sha256_begin(&s);
    while ((n = pread(w->out.fd, buffer, 1 << 20, (off_t)at)) > 0) {
        sha256_add(&s, buffer, (size_t)n);
        at += (uint64_t)n;
    }
    base_free(buffer);
    if (n < 0 || at != w->header.file_bytes) {
        return output_error(&w->out, "read back");
    }
    sha256_end(&s, w->header.sha256);
    return write_at(w, &w->header, sizeof w->header, 0);
}

int writer_open(const struct writer *w, struct weights *weights)
{
    char what[4200];

    snprintf(what, sizeof what, "%s: not written, as no clipc could open it", w->out.path);
    return weights_open_as(w->out.temporary, what, weights);
}

static int check_written(struct writer *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        if (!w->written[i]) {
            return base_fail(CLIPC_ERROR_ARGUMENT, "%s: record '%s' was never written", w->out.path,
                             w->records[i].name);
        }
    }
    return CLIPC_OK;
}

/* A file that cannot be used never gets its name, whatever the caller did. */
static int check_opens(const struct writer *w)
{
    struct weights weights;
    int status = writer_open(w, &weights);

    if (status == CLIPC_OK) {
        weights_close(&weights);
    }
    return status;
}

int writer_finish(struct writer *w)
{
    int status = w->laid_out ? CLIPC_OK : lay_out(w);

    if (status == CLIPC_OK) {
        status = check_written(w);
    }
    if (status == CLIPC_OK) {
        status = write_hash(w);
    }
    if (status == CLIPC_OK) {
        status = check_opens(w);
    }
    if (status == CLIPC_OK) {
        status = output_finish(&w->out);
    }
    writer_abort(w);
    return status;
}

void writer_abort(struct writer *w)
{
    if (w != NULL) {
        output_abort(&w->out);
        base_free(w->records);
        base_free(w->written);
        base_free(w);
    }
}
