/* zip.c - ZIP archives (PKWARE's APPNOTE 6.3.10, ZIP64 too) as PyTorch writes them: tensors lie in
 * them uncompressed, and are multiplied from where they lie.  libzip copies every entry out and
 * says of none where it begins, so the two hundred lines that find them are here. */
#include "zip.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"

enum { END_BYTES = 22, END64_BYTES = 56, LOCATOR_BYTES = 20, ENTRY_BYTES = 46, LOCAL_BYTES = 30 };

struct reader {
    const char *what;
    const unsigned char *data;
    size_t size;
    size_t list, list_bytes; /* the central directory */
    uint64_t count;
};

static int damaged(const struct reader *r, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: its ZIP archive %s", r->what, why);
}

static bool stands(const struct reader *r, size_t at, const char *signature)
{
    return r->size >= 4 && at <= r->size - 4 && memcmp(r->data + at, signature, 4) == 0;
}

/* ---- The end of the archive says where its list is ------------------------------------------ */

/* The end record, behind which lies but its comment.  SIZE_MAX: none. */
static size_t find_end(const struct reader *r)
{
    for (size_t comment = 0; comment <= 0xffff && comment + END_BYTES <= r->size; comment++) {
        size_t at = r->size - END_BYTES - comment;
        if (stands(r, at, "PK\5\6") && base_u16(r->data + at + 20) == comment) {
            return at;
        }
    }
    return SIZE_MAX;
}

/* *value: what the longer record says; the short one says the same, or all ones for "see there". */
static bool agree(uint64_t narrow, uint64_t ones, uint64_t wide)
{
    return narrow == ones || narrow == wide;
}

/* The ZIP64 records before the end record at `end`; *list_end: where the list must be over. */
static int read_end64(struct reader *r, size_t end, size_t *list_end)
{
    const unsigned char *old = r->data + end, *locator = old - LOCATOR_BYTES;
    uint64_t at = base_u64(locator + 8);

    if (base_u32(locator + 4) != 0 || base_u32(locator + 16) > 1) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: one part of a split ZIP archive: join the "
                         "parts first",
                         r->what);
    }
    if (end < LOCATOR_BYTES + END64_BYTES || at > end - LOCATOR_BYTES - END64_BYTES ||
        !stands(r, (size_t)at, "PK\6\6")) {
        return damaged(r, "says that its ZIP64 end lies outside the file");
    }
    const unsigned char *p = r->data + at;
    uint64_t bytes = base_u64(p + 40), list = base_u64(p + 48);
    r->count = base_u64(p + 32);
    if (list > at || bytes > at - list) {
        return damaged(r, "says that its list of entries lies outside the file");
    }
    if (!agree(base_u16(old + 10), 0xffff, r->count) || base_u64(p + 24) != r->count ||
        !agree(base_u32(old + 12), 0xffffffffu, bytes) ||
        !agree(base_u32(old + 16), 0xffffffffu, list)) {
        return damaged(r, "has two ends that disagree");
    }
    r->list = (size_t)list;
    r->list_bytes = (size_t)bytes;
    *list_end = (size_t)at;
    return CLIPC_OK;
}

static int read_end(struct reader *r)
{
    size_t end = find_end(r), list_end = end;

    if (stands(r, 0, "PK\7\10")) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: one part of a split ZIP archive: join the "
                         "parts first",
                         r->what);
    }
    if (end == SIZE_MAX) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: truncated: a ZIP archive, as of PyTorch, without its end: fetch "
                         "the file again",
                         r->what);
    }
    const unsigned char *p = r->data + end;
    if (end >= LOCATOR_BYTES && stands(r, end - LOCATOR_BYTES, "PK\6\7")) {
        int status = read_end64(r, end, &list_end);
        if (status != CLIPC_OK) {
            return status;
        }
    } else {
        r->count = base_u16(p + 10);
        r->list_bytes = base_u32(p + 12);
        r->list = base_u32(p + 16);
    }
    if (base_u16(p + 4) != 0 || base_u16(p + 6) != 0 || base_u16(p + 8) != base_u16(p + 10)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: one part of a split ZIP archive: join the "
                         "parts first",
                         r->what);
    }
    if (r->list > list_end || r->list_bytes > list_end - r->list ||
        r->count > r->list_bytes / ENTRY_BYTES) {
        return damaged(r, "says that its list of entries lies outside the file");
    }
    return CLIPC_OK;
}

/* ---- The list ------------------------------------------------------------------------------- */

/* What of size, packed size and place has no room in 32 bits is in the extra field of number 1, in
 * this order. */
static bool read_wide(const unsigned char *extra, size_t n, uint64_t *values[], size_t n_values)
{
    for (size_t at = 0; n_values > 0 && n - at >= 4;) {
        size_t bytes = base_u16(extra + at + 2);
        if (bytes > n - at - 4) {
            return false;
        }
        if (base_u16(extra + at) == 1) {
            for (size_t i = 0; i < n_values; i++) {
                if (bytes < 8 * (i + 1)) {
                    return false;
                }
                *values[i] = base_u64(extra + at + 4 + 8 * i);
            }
            return true;
        }
        at += 4 + bytes;
    }
    return n_values == 0;
}

/* The entry's own header at `place`, and what is behind it. */
static int read_local(const struct reader *r, uint64_t place, struct zip_entry *e)
{
    if (place > r->list || r->list - place < LOCAL_BYTES || !stands(r, (size_t)place, "PK\3\4")) {
        return damaged(r, "says of an entry that it lies outside the file");
    }
    const unsigned char *p = r->data + place;
    size_t left = r->list - (size_t)place - LOCAL_BYTES, name = base_u16(p + 26);
    size_t extra = base_u16(p + 28);
    if (name > left || extra > left - name || e->bytes > left - name - extra) {
        return damaged(r, "says of an entry that it lies outside the file");
    }
    if (name != e->name_bytes || memcmp(p + LOCAL_BYTES, e->name, name) != 0) {
        return damaged(r, "has an entry of two names");
    }
    e->data = p + LOCAL_BYTES + name + extra;
    return CLIPC_OK;
}

/* The entry at `*at` of the list, which goes on behind it. */
static int read_entry(const struct reader *r, size_t *at, struct zip_entry *e)
{
    size_t left = r->list + r->list_bytes - *at;
    const unsigned char *p = r->data + *at;

    if (left < ENTRY_BYTES || memcmp(p, "PK\1\2", 4) != 0) {
        return damaged(r, "has a list of entries that is cut");
    }
    size_t name = base_u16(p + 28), extra = base_u16(p + 30), comment = base_u16(p + 32);
    uint64_t size = base_u32(p + 24), bytes = base_u32(p + 20), place = base_u32(p + 42);
    uint64_t *wide[3];
    size_t n = 0;
    if (left - ENTRY_BYTES < name + extra + comment) {
        return damaged(r, "has a list of entries that is cut");
    }
    if (size == 0xffffffffu) {
        wide[n++] = &size;
    }
    if (bytes == 0xffffffffu) {
        wide[n++] = &bytes;
    }
    if (place == 0xffffffffu) {
        wide[n++] = &place;
    }
    if (!read_wide(p + ENTRY_BYTES + name, extra, wide, n)) {
        return damaged(r, "has an entry without its size");
    }
    e->name = (const char *)p + ENTRY_BYTES;
    e->name_bytes = name;
    e->method = base_u16(p + 10);
    e->crc = base_u32(p + 16);
    e->bytes = bytes;
    if (base_u16(p + 8) & 1) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: an encrypted ZIP archive ('%.*s'): unpack "
                         "it with its password and name what is in it",
                         r->what, (int)(name < 100 ? name : 100), e->name);
    }
    if (e->method == ZIP_STORED && size != bytes) {
        return damaged(r, "has an entry of two sizes");
    }
    *at += ENTRY_BYTES + name + extra + comment;
    return read_local(r, place, e);
}

static int compare(const char *a, size_t n, const char *b, size_t m)
{
    int order = memcmp(a, b, n < m ? n : m);

    return order != 0 ? order : (n > m) - (n < m);
}

static int by_name(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;

    return compare(x->name, x->name_bytes, y->name, y->name_bytes);
}

static int read_list(const struct reader *r, struct zip *z)
{
    size_t at = r->list;

    z->entries = calloc((size_t)r->count + 1, sizeof *z->entries);
    if (z->entries == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", r->what);
    }
    for (z->n = 0; z->n < r->count; z->n++) {
        int status = read_entry(r, &at, &z->entries[z->n]);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    if (at != r->list + r->list_bytes) {
        return damaged(r, "has a list of another length than it says");
    }
    qsort(z->entries, z->n, sizeof *z->entries, by_name);
    for (size_t i = 1; i < z->n; i++) {
        if (by_name(&z->entries[i - 1], &z->entries[i]) == 0) {
            return damaged(r, "has two entries of one name");
        }
    }
    return CLIPC_OK;
}

int zip_open(const char *what, const unsigned char *data, size_t size, struct zip *z)
{
    struct reader r = {what, data, size, 0, 0, 0};
    int status = read_end(&r);

    memset(z, 0, sizeof *z);
    if (status == CLIPC_OK) {
        status = read_list(&r, z);
    }
    if (status != CLIPC_OK) {
        zip_close(z);
    }
    return status;
}

void zip_close(struct zip *z)
{
    free(z->entries);
    memset(z, 0, sizeof *z);
}

const struct zip_entry *zip_find(const struct zip *z, const char *name)
{
    size_t low = 0, high = z->n, n = strlen(name);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct zip_entry *e = &z->entries[middle];
        int order = compare(name, n, e->name, e->name_bytes);
        if (order == 0) {
            return e;
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    return NULL;
}
