/* weights.c - a weight file opened, closed, and held against its hash. */
#include "weights.h"

#include <string.h>

#include "sha256.h"
#include "validate.h"

static int open_bytes(struct weights *w, const char *what)
{
    int status = validate_header(w, what);

    if (status == CLIPC_OK) {
        status = weights_index(w, what);
    }
    if (status == CLIPC_OK) {
        status = validate_records(w, what);
    }
    if (status != CLIPC_OK) {
        weights_close(w);
    }
    return status;
}

int weights_open_as(const char *path, const char *what, struct weights *w)
{
    memset(w, 0, sizeof *w);
    int status = base_map_file(path, &w->map);
    if (status != CLIPC_OK) {
        return status;
    }
    w->data = w->map.data;
    w->size = w->map.size;
    return open_bytes(w, what);
}

int weights_open(const char *path, struct weights *w)
{
    return weights_open_as(path, path, w);
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
    base_free(w->by_name);
    memset(w, 0, sizeof *w);
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
