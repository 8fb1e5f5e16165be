/* validate.c - the door: after these checks no code looks at a tensor's place, shape or type again.
 */
#include "validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/pack.h"

/* Larger than any model there is, small enough that products of two fit in 64 bits. */
#define MAX_WIDTH   65536u
#define MAX_LAYERS  999u
#define MAX_VOCAB   (1u << 24)
#define MAX_RECORDS 65536u

#define BAD(...) base_fail(CLIPC_ERROR_FORMAT, __VA_ARGS__)

/* ---- Header -------------------------------------------------------------------------------- */

int validate_frame(const struct validation *c)
{
    const struct format_header *h = &c->w->header;
    const uint64_t records = (uint64_t)h->record_count * sizeof(struct format_record);

    if (h->version != FORMAT_VERSION || h->required_features != 0) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: weight file of version %u, features %#x; this clipc reads version %d: "
            "use a newer clipc, or convert the checkpoint again",
            c->what, h->version, h->required_features, FORMAT_VERSION);
    }
    if (h->file_bytes != c->w->size) {
        return BAD("%s: %zu bytes, but its header says %llu: truncated or damaged", c->what,
                   c->w->size, (unsigned long long)h->file_bytes);
    }
    if (h->record_bytes != sizeof(struct format_record) || h->record_count > MAX_RECORDS ||
        h->records_offset % FORMAT_ALIGN != 0 || h->records_offset < h->header_bytes ||
        h->records_offset > c->w->size || records > c->w->size - h->records_offset) {
        return BAD("%s: damaged: the list of tensors lies outside the file", c->what);
    }
    if (memchr(h->name, 0, sizeof h->name) == NULL) {
        return BAD("%s: damaged: the model's name has no end", c->what);
    }
    return CLIPC_OK;
}

static int check_tower(const struct validation *c, const struct format_tower *t, const char *name,
                       uint32_t max_positions)
{
    if (t->layers == 0) {
        return CLIPC_OK;
    }
    if (t->width == 0 || t->width > MAX_WIDTH || t->layers > MAX_LAYERS || t->mlp_width == 0 ||
        t->mlp_width > MAX_WIDTH * 4 || t->heads == 0 || t->width % t->heads != 0 ||
        t->positions == 0 || t->positions > max_positions) {
        return BAD("%s: damaged: %s tower of width %u, %u heads, %u layers, %u MLP, %u positions",
                   c->what, name, t->width, t->heads, t->layers, t->mlp_width, t->positions);
    }
    if (!(t->ln_eps > 0 && t->ln_eps < 1)) {
        return BAD("%s: damaged: %s tower's layer norm epsilon", c->what, name);
    }
    if (t->activation < FORMAT_QUICK_GELU || t->activation > FORMAT_GELU_TANH ||
        (t->flags & ~(uint32_t)(FORMAT_PRE_LN | FORMAT_CLASS_TOKEN | FORMAT_CAUSAL |
                                FORMAT_PROJECTION)) != 0 ||
        !(t->flags & FORMAT_PROJECTION)) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: %s tower with activation %u, flags %#x: unknown to this clipc; use a "
                         "newer one",
                         c->what, name, t->activation, t->flags);
    }
    return CLIPC_OK;
}

static bool finite_all(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            return false;
        }
    }
    return true;
}

static int check_vision(const struct validation *c)
{
    const struct format_header *h = &c->w->header;

    if (h->vision.layers == 0) {
        return CLIPC_OK;
    }
    if (h->image_size == 0 || h->image_size > CLIPC_MAX_IMAGE_SIZE || h->patch_size == 0 ||
        h->patch_size > h->image_size) {
        return BAD("%s: damaged: image size %u, patch size %u", c->what, h->image_size,
                   h->patch_size);
    }
    uint32_t grid = h->image_size / h->patch_size;
    if (h->vision.pool != FORMAT_POOL_CLASS || !(h->vision.flags & FORMAT_CLASS_TOKEN) ||
        (h->vision.flags & FORMAT_CAUSAL) ||
        (h->resize != FORMAT_SHORTEST && h->resize != FORMAT_SQUASH) ||
        (h->filter != FORMAT_BICUBIC && h->filter != FORMAT_BILINEAR) ||
        (h->preprocess != FORMAT_OPENAI && h->preprocess != FORMAT_HF)) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: image tower with pooling %u, flags %#x, resize %u, filter %u, rules %u: "
            "unknown to this clipc; use a newer one",
            c->what, h->vision.pool, h->vision.flags, h->resize, h->filter, h->preprocess);
    }
    if (h->vision.positions != grid * grid + 1) {
        return BAD("%s: damaged: %u positions for %u x %u patches and a class token", c->what,
                   h->vision.positions, grid, grid);
    }
    if (!finite_all(h->mean, 3) || !finite_all(h->std, 3) || h->std[0] <= 0 || h->std[1] <= 0 ||
        h->std[2] <= 0) {
        return BAD("%s: damaged: mean or standard deviation of the pixels", c->what);
    }
    return CLIPC_OK;
}

static int check_text(const struct validation *c)
{
    const struct format_header *h = &c->w->header;

    if (h->text.layers == 0) {
        return CLIPC_OK;
    }
    if (h->vocab_size == 0 || h->vocab_size > MAX_VOCAB || h->sot_id >= h->vocab_size ||
        h->eot_id >= h->vocab_size || h->pad_id >= h->vocab_size) {
        return BAD("%s: damaged: vocabulary of %u with special ids %u, %u, %u", c->what,
                   h->vocab_size, h->sot_id, h->eot_id, h->pad_id);
    }
    if ((h->text.pool != FORMAT_POOL_ARGMAX && h->text.pool != FORMAT_POOL_FIRST_EOT) ||
        !(h->text.flags & FORMAT_CAUSAL) ||
        (h->text.flags & (FORMAT_PRE_LN | FORMAT_CLASS_TOKEN)) ||
        h->tokenizer > FORMAT_TOKENIZER_BPE ||
        (h->tokenizer != FORMAT_TOKENIZER_NONE && h->tokenizer_rules != FORMAT_OPENAI &&
         h->tokenizer_rules != FORMAT_HF)) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: text tower with pooling %u, flags %#x, tokenizer %u, rules %u: unknown "
            "to this clipc; use a newer one",
            c->what, h->text.pool, h->text.flags, h->tokenizer, h->tokenizer_rules);
    }
    return CLIPC_OK;
}

static int check_header(const struct validation *c)
{
    const struct format_header *h = &c->w->header;
    int status = validate_frame(c);

    if (status == CLIPC_OK && h->vision.layers == 0 && h->text.layers == 0) {
        status = BAD("%s: damaged: neither an image nor a text tower", c->what);
    }
    if (status == CLIPC_OK &&
        (h->embed_dim == 0 || h->embed_dim > CLIPC_MAX_DIM || !isfinite(h->logit_scale) ||
         fabsf(h->logit_scale) > 80 || !isfinite(h->logit_bias) || !isfinite(h->display_low) ||
         !isfinite(h->display_high))) {
        status = BAD("%s: damaged: embedding size %u, or the logit scale", c->what, h->embed_dim);
    }
    if (status == CLIPC_OK && h->score != FORMAT_SOFTMAX && h->score != FORMAT_SIGMOID) {
        status = base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: scores of kind %u: use a newer clipc",
                           c->what, h->score);
    }
    if (status == CLIPC_OK) {
        status = check_tower(c, &h->vision, "image",
                             CLIPC_MAX_IMAGE_SIZE * CLIPC_MAX_IMAGE_SIZE / 16 + 1);
    }
    if (status == CLIPC_OK) {
        status = check_tower(c, &h->text, "text", CLIPC_MAX_CONTEXT);
    }
    if (status == CLIPC_OK) {
        status = check_vision(c);
    }
    return status == CLIPC_OK ? check_text(c) : status;
}

/* ---- Records ------------------------------------------------------------------------------- */

/* Bytes that a record of this shape, dtype and layout must have; 0 when it is malformed. */
static uint64_t expected_bytes(const struct format_record *r)
{
    static const uint8_t element[] = {0, 4, 2, 2, 1, 1, 4};

    if (r->rows == 0 || r->cols == 0 || r->dtype < FORMAT_F32 || r->dtype > FORMAT_I32) {
        return 0;
    }
    if (r->layout == FORMAT_PANELS) {
        return r->rows_padded == base_round_up(r->rows, KERNELS_PANEL) &&
                       r->cols_padded == base_round_up(r->cols, KERNELS_PAD)
                   ? pack_bytes((enum kernels_dtype)r->dtype, r->rows, r->cols)
                   : 0;
    }
    uint64_t n = (uint64_t)r->rows * r->cols;
    return r->layout == FORMAT_ROWS && r->rows_padded == r->rows && r->cols_padded == r->cols &&
                   n <= UINT64_MAX / 8
               ? n * element[r->dtype]
               : 0;
}

static bool known_name(const char *name)
{
    return strncmp(name, "vision.", 7) == 0 || strncmp(name, "text.", 5) == 0 ||
           strncmp(name, "tokenizer.", 10) == 0 || strncmp(name, "golden.", 7) == 0 ||
           strcmp(name, "provenance") == 0;
}

static int check_record(const struct validation *c, const struct format_record *r, uint32_t i)
{
    if (memchr(r->name, 0, sizeof r->name) == NULL || r->name[0] == '\0') {
        return BAD("%s: damaged: tensor %u has no name", c->what, i);
    }
    if (!known_name(r->name)) {
        if (r->flags & FORMAT_REQUIRED) {
            return base_fail(CLIPC_ERROR_UNSUPPORTED,
                             "%s: needs '%s', which this clipc does not know: use a newer one",
                             c->what, r->name);
        }
    } else if (r->dtype == FORMAT_BF16 || r->dtype == FORMAT_Q8) {
        return base_fail(
            CLIPC_ERROR_UNSUPPORTED,
            "%s: '%s' is stored in a type that this clipc does not compute with: use a "
            "newer one",
            c->what, r->name);
    } else if (expected_bytes(r) != r->bytes || r->bytes == 0) {
        return BAD("%s: damaged: '%s' of %u x %u has %llu bytes", c->what, r->name, r->rows,
                   r->cols, (unsigned long long)r->bytes);
    }
    if (r->offset % FORMAT_ALIGN != 0 || r->offset > c->w->size ||
        r->bytes > c->w->size - r->offset ||
        r->offset < c->w->header.records_offset +
                        (uint64_t)c->w->header.record_count * sizeof(struct format_record)) {
        return BAD("%s: damaged: '%s' lies outside the file", c->what, r->name);
    }
    return CLIPC_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct format_record *const *x = a, *const *y = b;

    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

static int by_name(const void *a, const void *b)
{
    const struct format_record *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* No two records share a byte or a name. */
static int check_apart(const struct validation *c)
{
    uint32_t n = c->w->header.record_count;
    const struct format_record **sorted = base_alloc(n * sizeof *sorted);
    int status = CLIPC_OK;

    if (sorted == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", c->what);
    }
    for (uint32_t i = 0; i < n; i++) {
        sorted[i] = &c->w->records[i];
    }
    qsort(sorted, n, sizeof *sorted, by_offset);
    for (uint32_t i = 1; i < n && status == CLIPC_OK; i++) {
        if (sorted[i]->offset < sorted[i - 1]->offset + sorted[i - 1]->bytes) {
            status = BAD("%s: damaged: '%s' and '%s' overlap", c->what, sorted[i - 1]->name,
                         sorted[i]->name);
        }
    }
    qsort(sorted, n, sizeof *sorted, by_name);
    for (uint32_t i = 1; i < n && status == CLIPC_OK; i++) {
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0) {
            status = BAD("%s: damaged: '%s' is there twice", c->what, sorted[i]->name);
        }
    }
    base_free(sorted);
    return status;
}

static int check_spec(void *arg, const struct weights_spec *spec)
{
    const struct validation *c = arg;
    const struct format_record *r = weights_find(c->w, spec->name);
    const char *name = spec->name;

    if (r == NULL) {
        return BAD("%s: damaged: tensor '%s' is missing", c->what, name);
    }
    if (r->rows != spec->rows || r->cols != spec->cols || r->layout != spec->layout) {
        return BAD("%s: damaged: '%s' is %u x %u, the model wants %u x %u", c->what, name, r->rows,
                   r->cols, spec->rows, spec->cols);
    }
    if (r->dtype != FORMAT_F32 && !(spec->linear && r->dtype == FORMAT_F16)) {
        return BAD("%s: damaged: '%s' has elements of type %u", c->what, name, r->dtype);
    }
    return CLIPC_OK;
}

/* ---- Token tables -------------------------------------------------------------------------- */

static int check_ids(const struct validation *c, const char *name, uint32_t rows, uint32_t cols)
{
    const struct format_record *r = weights_find(c->w, name);

    if (r == NULL || r->dtype != FORMAT_I32 || r->layout != FORMAT_ROWS ||
        (rows != 0 && r->rows != rows) || r->cols != cols) {
        return BAD("%s: damaged: '%s' is missing or misshapen", c->what, name);
    }
    const unsigned char *data = weights_data(c->w, r);
    for (uint64_t i = 0; i < (uint64_t)r->rows * r->cols; i++) {
        if (base_u32(data + 4 * i) >= c->w->header.vocab_size) {
            return BAD("%s: damaged: '%s' holds an id outside the vocabulary", c->what, name);
        }
    }
    return CLIPC_OK;
}

static int check_tokens(const struct validation *c)
{
    const struct format_record *r = weights_find(c->w, "tokenizer.tokens");

    if (r == NULL || r->dtype != FORMAT_U8 || r->layout != FORMAT_ROWS) {
        return BAD("%s: damaged: 'tokenizer.tokens' is missing", c->what);
    }
    const unsigned char *data = weights_data(c->w, r);
    uint64_t at = 0, n = 0;
    while (at + 2 <= r->bytes) {
        at += 2 + (base_u16(data + at) & (FORMAT_WORD_END - 1));
        n++;
    }
    if (at != r->bytes || n > c->w->header.vocab_size) {
        return BAD("%s: damaged: 'tokenizer.tokens' is cut or has more tokens than the model",
                   c->what);
    }
    return CLIPC_OK;
}

static int check_tokenizer(const struct validation *c)
{
    if (c->w->header.tokenizer == FORMAT_TOKENIZER_NONE) {
        return CLIPC_OK;
    }
    if (c->w->header.text.layers == 0) {
        return BAD("%s: damaged: a tokenizer, but no text tower", c->what);
    }
    int status = check_tokens(c);
    if (status == CLIPC_OK) {
        status = check_ids(c, "tokenizer.bytes", 2, 256);
    }
    /* A plain byte vocabulary merges nothing. */
    if (status == CLIPC_OK && weights_find(c->w, "tokenizer.merges") != NULL) {
        status = check_ids(c, "tokenizer.merges", 0, 3);
    }
    return status;
}

/* ---- All ------------------------------------------------------------------------------------ */

int validate_all(const struct validation *c)
{
    int status = check_header(c);

    for (uint32_t i = 0; status == CLIPC_OK && i < c->w->header.record_count; i++) {
        status = check_record(c, &c->w->records[i], i);
    }
    if (status == CLIPC_OK) {
        status = check_apart(c);
    }
    if (status == CLIPC_OK) {
        status = weights_each_spec(&c->w->header, check_spec, (void *)(uintptr_t)c);
    }
    return status == CLIPC_OK ? check_tokenizer(c) : status;
}
