/* validate.c - the second half of the door: after these checks no code looks at a tensor's place,
 * shape or type again. */
#include "validate.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct validation {
    const struct weights *w;
    const char *what;
    bool *known; /* [record_count]: is the name one that this header asks for, or of `others`? */
};

/* ---- Places -------------------------------------------------------------------------------- */

/* Every record, known or not, lies in the file, behind header and records. */
static int check_places(const struct validation *c)
{
    const struct format_header *h = &c->w->header;
    uint64_t first = h->records_offset + (uint64_t)h->record_count * h->record_bytes;

    for (uint32_t i = 0; i < h->record_count; i++) {
        const struct format_record *r = weights_record(c->w, i);
        if (r->offset < first) {
            return VALIDATE_BAD("%s: damaged: '%s' lies over the list of tensors", c->what,
                                r->name);
        }
        if (r->offset % FORMAT_ALIGN != 0 || r->offset > c->w->size ||
            r->bytes > c->w->size - r->offset) {
            return VALIDATE_BAD("%s: damaged: '%s' lies outside the file", c->what, r->name);
        }
    }
    return CLIPC_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct format_record *const *x = a, *const *y = b;

    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* No two records share a byte. */
static int check_apart(const struct validation *c)
{
    uint32_t n = c->w->header.record_count;
    const struct format_record **sorted = base_alloc(n * sizeof *sorted);
    int status = CLIPC_OK;

    if (sorted == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", c->what);
    }
    for (uint32_t i = 0; i < n; i++) {
        sorted[i] = weights_record(c->w, i);
    }
    qsort(sorted, n, sizeof *sorted, by_offset);
    for (uint32_t i = 1; i < n && status == CLIPC_OK; i++) {
        if (sorted[i]->offset < sorted[i - 1]->offset + sorted[i - 1]->bytes) {
            status = VALIDATE_BAD("%s: damaged: '%s' and '%s' overlap", c->what,
                                  sorted[i - 1]->name, sorted[i]->name);
        }
    }
    base_free(sorted);
    return status;
}

/* ---- Kinds --------------------------------------------------------------------------------- */

/* Has `r` this type and layout, and the padding and bytes that follow? */
static int check_kind(const struct validation *c, const struct format_record *r,
                      enum format_dtype dtype, enum format_layout layout)
{
    struct format_record want;

    if (r->dtype > FORMAT_I32) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: '%s' is stored in a type (%s, %u) that this clipc does not compute "
                         "with: use a newer one",
                         c->what, r->name, weights_dtype_name(r->dtype), r->dtype);
    }
    if (r->dtype != dtype || r->layout != layout) {
        return VALIDATE_BAD("%s: damaged: '%s' has elements of type %s in layout %u", c->what,
                            r->name, weights_dtype_name(r->dtype), r->layout);
    }
    if (!weights_shape(&want, dtype, layout, r->rows, r->cols) ||
        want.rows_padded != r->rows_padded || want.cols_padded != r->cols_padded ||
        want.bytes != r->bytes) {
        return VALIDATE_BAD("%s: damaged: '%s' of %u x %u, stored as %u x %u, has %llu bytes",
                            c->what, r->name, r->rows, r->cols, r->rows_padded, r->cols_padded,
                            (unsigned long long)r->bytes);
    }
    return CLIPC_OK;
}

/* Vector `suffix` of the q8 layer `weight`: n numbers of this type; *r NULL where there is none. */
static int check_part(const struct validation *c, const char *weight, const char *suffix,
                      enum format_dtype dtype, uint32_t n, const struct format_record **r)
{
    *r = weights_part(c->w, weight, suffix);
    if (*r != NULL && ((*r)->rows != 1 || (*r)->cols != n)) {
        return VALIDATE_BAD("%s: damaged: '%s' is %u x %u, its layer wants 1 x %u", c->what,
                            (*r)->name, (*r)->rows, (*r)->cols, n);
    }
    return *r == NULL ? CLIPC_OK : check_kind(c, *r, dtype, FORMAT_VECTOR);
}

/* What is divided by, or stands for a size, must be one. */
static int check_positive(const struct validation *c, const struct format_record *r)
{
    const float *x = weights_data(c->w, r);

    for (uint32_t i = 0; i < r->cols; i++) {
        if (!(x[i] > 0 && x[i] <= FLT_MAX)) {
            return VALIDATE_BAD("%s: damaged: '%s' holds %g, which is no scale", c->what, r->name,
                                (double)x[i]);
        }
    }
    return CLIPC_OK;
}

/* What lies beside a weight of q8.  The sums are believed, as the weights are: to make them again
 * would read the whole file, and wrong ones spoil no more than wrong weights do. */
static int check_q8(const struct validation *c, const struct weights_spec *spec)
{
    const struct format_record *scale, *sums, *smooth;
    int status = check_part(c, spec->name, ".scale", FORMAT_F32, spec->rows, &scale);

    if (status == CLIPC_OK) {
        status = check_part(c, spec->name, ".sums", FORMAT_I32, spec->rows, &sums);
    }
    if (status == CLIPC_OK) {
        status = check_part(c, spec->name, ".smooth", FORMAT_F32, spec->cols, &smooth);
    }
    if (status == CLIPC_OK && (scale == NULL || sums == NULL)) {
        return VALIDATE_BAD("%s: damaged: '%s' is q8 and without %s", c->what, spec->name,
                            scale == NULL ? "scales (.scale)" : "sums (.sums)");
    }
    if (status == CLIPC_OK) {
        status = check_positive(c, scale);
    }
    return status == CLIPC_OK && smooth != NULL ? check_positive(c, smooth) : status;
}

static int check_spec(void *arg, const struct weights_spec *spec)
{
    const struct validation *c = arg;
    const struct format_record *r = weights_find(c->w, spec->name);

    if (r == NULL) {
        return VALIDATE_BAD("%s: damaged: tensor '%s' is missing", c->what, spec->name);
    }
    if (r->rows != spec->rows || r->cols != spec->cols) {
        return VALIDATE_BAD("%s: damaged: '%s' is %u x %u, the model wants %u x %u", c->what,
                            spec->name, r->rows, r->cols, spec->rows, spec->cols);
    }
    bool half = spec->linear && (r->dtype == FORMAT_F16 || r->dtype == FORMAT_BF16);
    bool q8 = spec->block && r->dtype == FORMAT_Q8;
    enum format_dtype dtype = half || q8 ? (enum format_dtype)r->dtype : FORMAT_F32;
    int status = check_kind(c, r, dtype, spec->layout);
    return status == CLIPC_OK && q8 ? check_q8(c, spec) : status;
}

/* ---- Token tables and other records -------------------------------------------------------- */

static int check_ids(const struct validation *c, const struct format_record *r)
{
    const unsigned char *data = weights_data(c->w, r);

    for (uint64_t i = 0; i < r->bytes / 4; i++) {
        if (base_u32(data + 4 * i) >= c->w->header.vocab_size) {
            return VALIDATE_BAD("%s: damaged: '%s' holds an id outside the vocabulary", c->what,
                                r->name);
        }
    }
    return CLIPC_OK;
}

static int check_tokens(const struct validation *c, const struct format_record *r)
{
    const unsigned char *data = weights_data(c->w, r);
    uint64_t at = 0, n = 0;

    while (at + 2 <= r->bytes) {
        at += 2 + (base_u16(data + at) & (FORMAT_WORD_END - 1));
        n++;
    }
    if (at != r->bytes || n > c->w->header.vocab_size) {
        return VALIDATE_BAD("%s: damaged: '%s' is cut or has more tokens than the model", c->what,
                            r->name);
    }
    return CLIPC_OK;
}

/* How many pieces there are, pieces.c compares with the spellings; here, with the model. */
static int check_pieces(const struct validation *c)
{
    struct weights_pieces p;
    char what[300];

    snprintf(what, sizeof what, "%.240s: damaged: tokenizer", c->what);
    if (!weights_pieces(c->w, &p) || p.n > c->w->header.vocab_size) {
        return VALIDATE_BAD("%s: its tables are of different lengths, or too long", what);
    }
    if (c->w->header.eot_id >= p.n || c->w->header.pad_id >= p.n) {
        return VALIDATE_BAD("%s: %u pieces, and the end token is %u, the padding %u", what, p.n,
                            c->w->header.eot_id, c->w->header.pad_id);
    }
    return weights_check_pieces(&p, what);
}

static int check_vector(const struct validation *c, const struct format_record *r)
{
    return r->cols == c->w->header.embed_dim
               ? CLIPC_OK
               : VALIDATE_BAD("%s: damaged: '%s' has %u numbers", c->what, r->name, r->cols);
}

/* Kinds of tokenizers, as a set. */
#define BPE    (1u << FORMAT_TOKENIZER_BPE)
#define MERGES (1u << FORMAT_TOKENIZER_MERGES)
#define SCORED (1u << FORMAT_TOKENIZER_UNIGRAM | 1u << FORMAT_TOKENIZER_PIECES)
#define PIECES (SCORED | MERGES | 1u << FORMAT_TOKENIZER_WORDPIECE)

/* The records that are no tensors of a tower.  rows or cols 0: any number of them. */
static const struct other {
    const char *name;
    enum format_dtype dtype;
    uint32_t rows, cols;
    int (*check)(const struct validation *c, const struct format_record *r);
    unsigned needed; /* by these tokenizers; one of plain bytes merges nothing */
} others[] = {
    {"tokenizer.tokens", FORMAT_U8, 1, 0, check_tokens, BPE | PIECES},
    {"tokenizer.bytes", FORMAT_I32, 2, 256, check_ids, BPE},
    {"tokenizer.merges", FORMAT_I32, 0, 3, check_ids, MERGES},
    {"tokenizer.types", FORMAT_U8, 1, 0, NULL, PIECES},
    {"tokenizer.scores", FORMAT_F32, 1, 0, NULL, SCORED},
    {"tokenizer.order", FORMAT_I32, 1, 0, check_ids, PIECES},
    {"tokenizer.charsmap", FORMAT_U8, 1, 0, NULL, 0},
    {"provenance", FORMAT_U8, 1, 0, NULL, 0},
    {"golden.text", FORMAT_I32, 1, 0, check_ids, 0},
    {"golden.text_vector", FORMAT_F32, 1, 0, check_vector, 0},
    {"golden.image_vector", FORMAT_F32, 1, 0, check_vector, 0},
};
#define N_OTHERS (sizeof others / sizeof others[0])

static int check_other(const struct validation *c, const struct other *o)
{
    const struct format_record *r = weights_find(c->w, o->name);

    if (r == NULL) {
        return o->needed >> c->w->header.tokenizer & 1
                   ? VALIDATE_BAD("%s: damaged: '%s' is missing", c->what, o->name)
                   : CLIPC_OK;
    }
    if ((o->rows != 0 && r->rows != o->rows) || (o->cols != 0 && r->cols != o->cols)) {
        return VALIDATE_BAD("%s: damaged: '%s' is %u x %u", c->what, o->name, r->rows, r->cols);
    }
    int status = check_kind(c, r, o->dtype, FORMAT_ROWS);
    return status == CLIPC_OK && o->check != NULL ? o->check(c, r) : status;
}

static int check_others(const struct validation *c)
{
    const struct format_header *h = &c->w->header;

    if (h->tokenizer != FORMAT_TOKENIZER_NONE && h->text.layers == 0) {
        return VALIDATE_BAD("%s: damaged: a tokenizer, but no text tower", c->what);
    }
    for (size_t i = 0; i < N_OTHERS; i++) {
        int status = check_other(c, &others[i]);
        if (status != CLIPC_OK) {
            return status;
        }
    }
    return PIECES >> h->tokenizer & 1 ? check_pieces(c) : CLIPC_OK;
}

/* ---- Names --------------------------------------------------------------------------------- */

static void mark_known(const struct validation *c, const char *name)
{
    const struct format_record *r = weights_find(c->w, name);

    if (r != NULL) {
        const unsigned char *first = (const unsigned char *)weights_record(c->w, 0);
        c->known[(size_t)((const unsigned char *)r - first) / c->w->header.record_bytes] = true;
    }
}

static int mark_spec(void *arg, const struct weights_spec *spec)
{
    static const char *const suffixes[] = {".scale", ".sums", ".smooth"};
    const struct validation *c = arg;
    const struct format_record *r = weights_find(c->w, spec->name);
    char name[FORMAT_NAME_BYTES];

    mark_known(arg, spec->name);
    for (size_t i = 0; i < 3 && r != NULL && spec->block && r->dtype == FORMAT_Q8; i++) {
        weights_part_name(name, spec->name, suffixes[i]);
        mark_known(arg, name);
    }
    return CLIPC_OK;
}

/* Known is what this header asks for, what its q8 layers have beside them, and `others`.  The rest
 * may be skipped, unless it says that it may not. */
static int check_names(struct validation *c)
{
    int status = weights_each_spec(&c->w->header, mark_spec, c);

    for (size_t i = 0; i < N_OTHERS; i++) {
        mark_known(c, others[i].name);
    }
    for (uint32_t i = 0; status == CLIPC_OK && i < c->w->header.record_count; i++) {
        const struct format_record *r = weights_record(c->w, i);
        if (!c->known[i] && (r->flags & FORMAT_REQUIRED)) {
            status = base_fail(CLIPC_ERROR_UNSUPPORTED,
                               "%s: needs '%s', which this clipc does not know: use a newer one",
                               c->what, r->name);
        }
    }
    return status;
}

/* ---- All ------------------------------------------------------------------------------------ */

static int check_all(struct validation *c)
{
    int status = check_places(c);

    if (status == CLIPC_OK) {
        status = check_apart(c);
    }
    if (status == CLIPC_OK) {
        status = check_names(c);
    }
    if (status == CLIPC_OK) {
        status = weights_each_spec(&c->w->header, check_spec, c);
    }
    return status == CLIPC_OK ? check_others(c) : status;
}

int validate_records(const struct weights *w, const char *what)
{
    struct validation c = {w, what, base_alloc(w->header.record_count * sizeof(bool))};
    int status =
        c.known != NULL ? check_all(&c) : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", what);

    base_free(c.known);
    return status;
}
