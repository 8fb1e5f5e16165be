/* validate_header.c - the first half of the door: is the header one of this version, do its numbers
 * make a model, and is it a model that the towers compute? */
#include <math.h>
#include <string.h>

#include "validate.h"

/* Larger than any model there is, small enough that products of two fit in 64 bits. */
#define MAX_WIDTH   65536u
#define MAX_LAYERS  999u
#define MAX_VOCAB   (1u << 24)
#define MAX_RECORDS 65536u

#define VISION_FLAGS                                                                               \
    (FORMAT_PRE_LN | FORMAT_CLASS_TOKEN | FORMAT_PROJECTION | FORMAT_PATCH_BIAS |                  \
     FORMAT_PROJECTION_BIAS | FORMAT_POST_LN_POOLED)
#define TEXT_FLAGS                                                                                 \
    (FORMAT_CAUSAL | FORMAT_PROJECTION | FORMAT_PROJECTION_BIAS | FORMAT_NO_START_TOKEN |          \
     FORMAT_PAD_TO_CONTEXT)
#define PIECES_FLAGS                                                                               \
    (FORMAT_DUMMY_PREFIX | FORMAT_TRIM_SPACES | FORMAT_ESCAPE_SPACES | FORMAT_SPACE_SUFFIX |       \
     FORMAT_BYTE_FALLBACK | FORMAT_LOWER_CASE | FORMAT_CLEAN_FLAGS | FORMAT_FIRST_PREFIX)
#define MERGES_FLAGS                                                                               \
    (FORMAT_ESCAPE_SPACES | FORMAT_BYTE_FALLBACK | FORMAT_LOWER_CASE | FORMAT_CLEAN_FLAGS)
#define WORDPIECE_FLAGS (FORMAT_LOWER_CASE | FORMAT_CLEAN_FLAGS | FORMAT_ZERO_END)

/* ---- The frame ----------------------------------------------------------------------------- */

static int check_version(uint32_t version, const char *what)
{
    if (version == FORMAT_VERSION) {
        return CLIPC_OK;
    }
    return base_fail(
        CLIPC_ERROR_UNSUPPORTED, "%s: a weight file of version %u; this clipc reads version %d: %s",
        what, version, FORMAT_VERSION,
        version < FORMAT_VERSION ? "convert the checkpoint again" : "use a newer clipc");
}

/* Where header, records and data lie. */
static int check_frame(const struct weights *w, const char *what)
{
    const struct format_header *h = &w->header;

    if (h->required_features != 0) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: needs features %#x that this clipc does not know: use a newer one",
                         what, h->required_features);
    }
    if (h->file_bytes != w->size) {
        return VALIDATE_BAD("%s: %zu bytes, but its header says %llu: truncated or damaged", what,
                            w->size, (unsigned long long)h->file_bytes);
    }
    if (h->record_bytes < sizeof(struct format_record) || h->record_bytes % 8 != 0) {
        return VALIDATE_BAD("%s: damaged: records of %u bytes", what, h->record_bytes);
    }
    if (h->record_count > MAX_RECORDS || h->records_offset % FORMAT_ALIGN != 0 ||
        h->records_offset < h->header_bytes || h->records_offset > w->size ||
        (uint64_t)h->record_count * h->record_bytes > w->size - h->records_offset) {
        return VALIDATE_BAD("%s: damaged: the list of tensors lies outside the file", what);
    }
    if (memchr(h->name, 0, sizeof h->name) == NULL) {
        return VALIDATE_BAD("%s: damaged: the model's name has no end", what);
    }
    return CLIPC_OK;
}

static int read_header(struct weights *w, const char *what)
{
    if (w->size < 16 || memcmp(w->data, FORMAT_MAGIC, 8) != 0) {
        return VALIDATE_BAD("%s: not a clipc weight file (make one with `clipc convert`)", what);
    }
    int status = check_version(base_u32(w->data + 8), what);
    if (status != CLIPC_OK) {
        return status;
    }
    uint32_t header_bytes = base_u32(w->data + 12);
    if (header_bytes < sizeof w->header || header_bytes % FORMAT_ALIGN != 0 ||
        header_bytes > w->size) {
        return VALIDATE_BAD("%s: damaged: a header of %u bytes in a file of %zu", what,
                            header_bytes, w->size);
    }
    memcpy(&w->header, w->data, sizeof w->header);
    return check_frame(w, what);
}

/* ---- Numbers ------------------------------------------------------------------------------- */

static bool finite_all(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            return false;
        }
    }
    return true;
}

static int check_model(const struct format_header *h, const char *what)
{
    const float scalars[] = {h->logit_scale, h->logit_bias, h->display_low, h->display_high};

    if (h->vision.layers == 0 && h->text.layers == 0) {
        return VALIDATE_BAD("%s: damaged: no tower", what);
    }
    if (h->embed_dim == 0 || h->embed_dim > CLIPC_MAX_DIM) {
        return VALIDATE_BAD("%s: damaged: embedding size %u", what, h->embed_dim);
    }
    if (!finite_all(scalars, 4) || fabsf(h->logit_scale) > 80) {
        return VALIDATE_BAD("%s: damaged: logit scale %g, bias %g, display range %g to %g", what,
                            (double)h->logit_scale, (double)h->logit_bias, (double)h->display_low,
                            (double)h->display_high);
    }
    if (h->score != FORMAT_SOFTMAX && h->score != FORMAT_SIGMOID) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "%s: scores of kind %u: use a newer clipc", what,
                         h->score);
    }
    return CLIPC_OK;
}

static int check_tower(const struct format_header *h, const struct format_tower *t,
                       const char *name, uint32_t max_positions, const char *what)
{
    if (t->width == 0 || t->width > MAX_WIDTH || t->layers > MAX_LAYERS || t->mlp_width == 0 ||
        t->mlp_width > MAX_WIDTH * 4 || t->heads == 0 || t->width % t->heads != 0 ||
        t->positions == 0 || t->positions > max_positions) {
        return VALIDATE_BAD(
            "%s: damaged: %s tower of width %u, %u heads, %u layers, %u MLP, %u positions", what,
            name, t->width, t->heads, t->layers, t->mlp_width, t->positions);
    }
    if (!(t->ln_eps > 0 && t->ln_eps < 1)) {
        return VALIDATE_BAD("%s: damaged: %s tower's layer norm epsilon is %g", what, name,
                            (double)t->ln_eps);
    }
    if (!(t->flags & FORMAT_PROJECTION) &&
        (t->width != h->embed_dim || (t->flags & FORMAT_PROJECTION_BIAS))) {
        return VALIDATE_BAD("%s: damaged: %s tower of width %u without a projection, embedding "
                            "size %u",
                            what, name, t->width, h->embed_dim);
    }
    return CLIPC_OK;
}

static int check_vision(const struct format_header *h, const char *what)
{
    const struct format_tower *v = &h->vision;
    uint32_t class_token = (v->flags & FORMAT_CLASS_TOKEN) != 0;

    if (h->image_size == 0 || h->image_size > CLIPC_MAX_IMAGE_SIZE || h->patch_size == 0 ||
        h->patch_size > h->image_size) {
        return VALIDATE_BAD("%s: damaged: image size %u, patch size %u", what, h->image_size,
                            h->patch_size);
    }
    uint32_t grid = h->image_size / h->patch_size;
    if (v->positions != grid * grid + class_token) {
        return VALIDATE_BAD("%s: damaged: %u positions for %u x %u patches and %u class tokens",
                            what, v->positions, grid, grid, class_token);
    }
    if (v->pool == FORMAT_POOL_CLASS && !class_token) {
        return VALIDATE_BAD("%s: damaged: image tower pools its class token, but has none", what);
    }
    if (v->pool == FORMAT_POOL_MAP && (v->flags & FORMAT_POST_LN_POOLED)) {
        return VALIDATE_BAD("%s: damaged: image tower normalises behind its attention pooling",
                            what);
    }
    if (!finite_all(h->mean, 3) || !finite_all(h->std, 3) || h->std[0] <= 0 || h->std[1] <= 0 ||
        h->std[2] <= 0) {
        return VALIDATE_BAD("%s: damaged: mean or standard deviation of the pixels", what);
    }
    return CLIPC_OK;
}

static int check_text(const struct format_header *h, const char *what)
{
    if (h->vocab_size == 0 || h->vocab_size > MAX_VOCAB || h->sot_id >= h->vocab_size ||
        h->eot_id >= h->vocab_size || h->pad_id >= h->vocab_size) {
        return VALIDATE_BAD("%s: damaged: vocabulary of %u with special ids %u, %u, %u", what,
                            h->vocab_size, h->sot_id, h->eot_id, h->pad_id);
    }
    return CLIPC_OK;
}

/* ---- What is computed ---------------------------------------------------------------------- */

struct limit {
    bool beyond;
    const char *what;
};

static const char *first_beyond(const struct limit *limits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (limits[i].beyond) {
            return limits[i].what;
        }
    }
    return NULL;
}

/* The one place that says what this clipc's towers leave out of the format: src/model computes what
 * passes here.  A sentence, or NULL. */
static const char *vision_beyond(const struct format_header *h)
{
    const struct format_tower *v = &h->vision;
    const struct limit limits[] = {
        {v->activation < FORMAT_QUICK_GELU || v->activation > FORMAT_GELU_TANH,
         "has an activation of another kind"},
        {v->flags & ~(uint32_t)VISION_FLAGS, "has parts of another kind"},
        {v->pool != FORMAT_POOL_CLASS && v->pool != FORMAT_POOL_MEAN && v->pool != FORMAT_POOL_MAP,
         "pools in another way"},
        {h->resize != FORMAT_SHORTEST && h->resize != FORMAT_SQUASH, "resizes in another way"},
        {h->filter != FORMAT_BICUBIC && h->filter != FORMAT_BILINEAR, "resizes by another filter"},
        {h->preprocess != FORMAT_OPENAI && h->preprocess != FORMAT_HF,
         "prepares pictures by other rules"},
    };

    return first_beyond(limits, sizeof limits / sizeof limits[0]);
}

static uint32_t known_flags(uint32_t tokenizer)
{
    return tokenizer == FORMAT_TOKENIZER_WORDPIECE ? WORDPIECE_FLAGS
           : tokenizer == FORMAT_TOKENIZER_MERGES  ? MERGES_FLAGS
           : tokenizer > FORMAT_TOKENIZER_BPE      ? PIECES_FLAGS
                                                   : 0;
}

static const char *text_beyond(const struct format_header *h)
{
    const struct format_tower *t = &h->text;
    bool wordpiece = h->tokenizer == FORMAT_TOKENIZER_WORDPIECE;
    bool merges = h->tokenizer == FORMAT_TOKENIZER_MERGES;
    bool starts = h->tokenizer == FORMAT_TOKENIZER_BPE || wordpiece;
    bool pieces = h->tokenizer > FORMAT_TOKENIZER_BPE && !wordpiece;
    const struct limit limits[] = {
        {t->activation < FORMAT_QUICK_GELU || t->activation > FORMAT_GELU_TANH,
         "has an activation of another kind"},
        {t->flags & ~(uint32_t)TEXT_FLAGS, "has parts of another kind"},
        {t->pool != FORMAT_POOL_ARGMAX && t->pool != FORMAT_POOL_FIRST_EOT &&
             t->pool != FORMAT_POOL_LAST,
         "pools in another way"},
        {h->tokenizer > FORMAT_TOKENIZER_WORDPIECE, "has a tokenizer of another kind"},
        {starts && (t->flags & FORMAT_NO_START_TOKEN), "begins its texts without a start token"},
        {pieces && !(t->flags & FORMAT_NO_START_TOKEN), "begins its texts with a start token"},
        {h->tokenizer == FORMAT_TOKENIZER_BPE && h->tokenizer_rules != FORMAT_OPENAI &&
             h->tokenizer_rules != FORMAT_HF,
         "cleans texts by other rules"},
        {pieces && !merges && h->tokenizer_rules != FORMAT_SENTENCEPIECE &&
             h->tokenizer_rules != FORMAT_SIGLIP &&
             (h->tokenizer != FORMAT_TOKENIZER_UNIGRAM || h->tokenizer_rules != FORMAT_HF),
         "cleans texts by other rules"},
        {(merges || wordpiece) && h->tokenizer_rules != FORMAT_HF, "cleans texts by other rules"},
        {h->tokenizer_flags & ~known_flags(h->tokenizer), "normalizes texts in another way"},
    };

    return first_beyond(limits, sizeof limits / sizeof limits[0]);
}

static int check_computed(const struct format_header *h, const char *what)
{
    const char *vision = h->vision.layers != 0 ? vision_beyond(h) : NULL;
    const char *text = h->text.layers != 0 ? text_beyond(h) : NULL;

    if (vision == NULL && text == NULL) {
        return CLIPC_OK;
    }
    return base_fail(CLIPC_ERROR_UNSUPPORTED,
                     "%s: its %s tower %s: this clipc does not compute it yet; use a newer one",
                     what, vision != NULL ? "image" : "text", vision != NULL ? vision : text);
}

/* ---- All ------------------------------------------------------------------------------------ */

static int check_vision_tower(const struct format_header *h, const char *what)
{
    int status = check_tower(h, &h->vision, "image",
                             CLIPC_MAX_IMAGE_SIZE * CLIPC_MAX_IMAGE_SIZE / 16 + 1, what);

    return status == CLIPC_OK ? check_vision(h, what) : status;
}

static int check_text_tower(const struct format_header *h, const char *what)
{
    int status = check_tower(h, &h->text, "text", CLIPC_MAX_CONTEXT, what);

    return status == CLIPC_OK ? check_text(h, what) : status;
}

int validate_header(struct weights *w, const char *what)
{
    const struct format_header *h = &w->header;
    int status = read_header(w, what);

    if (status == CLIPC_OK) {
        status = check_model(h, what);
    }
    /* Before the numbers, which may follow other rules in a kind of model that is new. */
    if (status == CLIPC_OK) {
        status = check_computed(h, what);
    }
    if (status == CLIPC_OK && h->vision.layers != 0) {
        status = check_vision_tower(h, what);
    }
    if (status == CLIPC_OK && h->text.layers != 0) {
        status = check_text_tower(h, what);
    }
    return status;
}
