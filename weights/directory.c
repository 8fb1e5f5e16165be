/* directory.c - the file's list of records: one by its number or its name, and the bytes that a
 * tensor of some type, layout and shape takes. */
#include <stdlib.h>
#include <string.h>

#include "../kernels/pack.h"
#include "weights.h"

/* What rows and columns are padded to. */
static const struct {
    uint32_t rows, cols;
} multiples[] = {[FORMAT_ROWS] = {1, 1},
                 [FORMAT_PANELS] = {KERNELS_PANEL, KERNELS_PAD},
                 [FORMAT_VECTOR] = {1, KERNELS_PAD}};
#define N_LAYOUTS (sizeof multiples / sizeof multiples[0])

/* The kernels' table of element types, and the two that are not computed with. */
const char *weights_dtype_name(uint32_t dtype)
{
    const struct pack_dtype *d = pack_dtype((enum kernels_dtype)dtype);

    return d != NULL                ? d->name
           : dtype == FORMAT_U8     ? "u8"
           : dtype == FORMAT_I32    ? "i32"
           : dtype == WEIGHTS_MIXED ? "mixed"
                                    : "?";
}

static size_t element_bytes(enum format_dtype dtype)
{
    const struct pack_dtype *d = pack_dtype((enum kernels_dtype)dtype);

    return d != NULL ? d->element_bytes : dtype == FORMAT_U8 ? 1 : dtype == FORMAT_I32 ? 4 : 0;
}

static uint64_t padded(uint32_t n, uint32_t multiple)
{
    return ((uint64_t)n + multiple - 1) / multiple * multiple;
}

bool weights_shape(struct format_record *r, enum format_dtype dtype, enum format_layout layout,
                   uint32_t rows, uint32_t cols)
{
    const size_t element = element_bytes(dtype);

    if (element == 0 || layout >= N_LAYOUTS || rows == 0 || cols == 0) {
        return false;
    }
    if ((layout == FORMAT_PANELS && dtype > FORMAT_Q8) || (layout == FORMAT_VECTOR && rows != 1)) {
        return false;
    }
    uint64_t rows_padded = padded(rows, multiples[layout].rows);
    uint64_t cols_padded = padded(cols, multiples[layout].cols);
    if (rows_padded > UINT32_MAX || cols_padded > UINT32_MAX ||
        rows_padded > UINT64_MAX / cols_padded / element) {
        return false;
    }
    r->dtype = (uint8_t)dtype;
    r->layout = (uint8_t)layout;
    r->rows = rows;
    r->cols = cols;
    r->rows_padded = (uint32_t)rows_padded;
    r->cols_padded = (uint32_t)cols_padded;
    r->bytes = rows_padded * cols_padded * element;
    return true;
}

const struct format_record *weights_record(const struct weights *w, uint32_t i)
{
    const unsigned char *p = w->data + w->header.records_offset;

    return (const struct format_record *)(const void *)(p + (size_t)i * w->header.record_bytes);
}

const void *weights_data(const struct weights *w, const struct format_record *record)
{
    return w->data + record->offset;
}

static int by_name(const void *a, const void *b)
{
    const struct format_record *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

int weights_index(struct weights *w, const char *what)
{
    uint32_t n = w->header.record_count;

    w->by_name = base_alloc(n * sizeof(struct format_record *));
    if (w->by_name == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", what);
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct format_record *r = weights_record(w, i);
        if (memchr(r->name, 0, sizeof r->name) == NULL || r->name[0] == '\0') {
            return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: tensor %u has no name", what, i);
        }
        w->by_name[i] = r;
    }
    qsort(w->by_name, n, sizeof *w->by_name, by_name);
    for (uint32_t i = 1; i < n; i++) {
        if (strcmp(w->by_name[i]->name, w->by_name[i - 1]->name) == 0) {
            return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: '%s' is there twice", what,
                             w->by_name[i]->name);
        }
    }
    return CLIPC_OK;
}

static int compare_name(const void *name, const void *record)
{
    const struct format_record *const *r = record;

    return strcmp(name, (*r)->name);
}

const struct format_record *weights_find(const struct weights *w, const char *name)
{
    const struct format_record **found =
        bsearch(name, w->by_name, w->header.record_count, sizeof *w->by_name, compare_name);

    return found != NULL ? *found : NULL;
}
