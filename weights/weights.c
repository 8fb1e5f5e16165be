#include "weights.h"

#include <string.h>

#include "validate.h"
#include "sha256.h"

static int open_bytes(struct weights *w, const char *what)
{
    const struct validation c = {w, what};
    const uint16_t probe = 1;

    if (*(const uint8_t *)&probe != 1) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: weight files are used as they lie, which needs "
                         "a little-endian machine",
                         what);
    }
    if (w->size < 16 || memcmp(w->data, FORMAT_MAGIC, 8) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: not a clipc weight file (make one with `clipc convert`)", what);
    }
    uint32_t header_bytes = base_u32(w->data + 12);
    if (header_bytes < 144 || header_bytes % FORMAT_ALIGN != 0 || header_bytes > w->size) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: a header of %u bytes in a file of %zu",
                         what, header_bytes, w->size);
    }
    memcpy(&w->header, w->data, header_bytes < sizeof w->header ? header_bytes : sizeof w->header);
    int status = validate_frame(&c);
    if (status == CLIPC_OK) {
        w->records =
            (const struct format_record *)(const void *)(w->data + w->header.records_offset);
        status = validate_all(&c);
    }
    return status;
}

int weights_open(const char *path, struct weights *w)
{
    memset(w, 0, sizeof *w);
    int status = base_map_file(path, &w->map);
    if (status == CLIPC_OK) {
        w->data = w->map.data;
        w->size = w->map.size;
        status = open_bytes(w, path);
    }
    if (status != CLIPC_OK) {
        weights_close(w);
    }
    return status;
}

int weights_open_memory(const void *data, size_t size, struct weights *w)
{
    memset(w, 0, sizeof *w);
    if ((uintptr_t)data % FORMAT_ALIGN != 0) {
        return base_fail(CLIPC_ERROR_ARGUMENT, "weights in memory must be aligned to %d bytes",
                         FORMAT_ALIGN);
    }
    w->data = data;
    w->size = size;
    return open_bytes(w, "weights in memory");
}

void weights_close(struct weights *w)
{
    base_unmap(&w->map);
    memset(w, 0, sizeof *w);
}

const struct format_record *weights_find(const struct weights *w, const char *name)
{
    for (uint32_t i = 0; i < w->header.record_count; i++) {
        if (strcmp(w->records[i].name, name) == 0) {
            return &w->records[i];
        }
    }
    return NULL;
}

const void *weights_data(const struct weights *w, const struct format_record *record)
{
    return w->data + record->offset;
}

int weights_verify(const struct weights *w)
{
    static const unsigned char zeros[32];
    const size_t at = offsetof(struct format_header, sha256);
    unsigned char digest[32];
    struct sha256 s;

    sha256_begin(&s);
    sha256_add(&s, w->data, at);
    sha256_add(&s, zeros, sizeof zeros);
    sha256_add(&s, w->data + at + sizeof zeros, w->size - at - sizeof zeros);
    sha256_end(&s, digest);
    return memcmp(digest, w->header.sha256, sizeof digest) == 0
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_FORMAT,
                           "the content does not match its SHA-256: the file is damaged");
}
