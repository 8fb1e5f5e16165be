/* records.c - the small records, as one table. */
#include "records.h"

#include <stdlib.h>
#include <string.h>

#include "../measure/oracle.h"

void records_list(const struct source *s, const struct goldens *g, struct record *r)
{
    const struct vocab *v = &s->vocab;
    const struct format_header *h = &s->header;
    bool bpe = h->tokenizer == FORMAT_TOKENIZER_BPE, any = h->tokenizer != FORMAT_TOKENIZER_NONE;
    bool pieces = any && !bpe, scored = h->tokenizer == FORMAT_TOKENIZER_UNIGRAM ||
                                        h->tokenizer == FORMAT_TOKENIZER_PIECES;
    bool image = g != NULL && h->vision.layers != 0, text = g != NULL && h->text.layers != 0;
    const struct record all[RECORDS_MAX] = {
        {"provenance", FORMAT_U8, 1, (uint32_t)strlen(s->provenance), s->provenance, false},
        {"tokenizer.tokens", FORMAT_U8, 1, (uint32_t)v->tokens_bytes, any ? v->tokens : NULL,
         false},
        {"tokenizer.bytes", FORMAT_I32, 2, 256, bpe ? v->bytes : NULL, false},
        {"tokenizer.merges", FORMAT_I32, (uint32_t)v->n_merges, 3,
         any && v->n_merges != 0 ? v->merges : NULL, false},
        {"tokenizer.types", FORMAT_U8, 1, v->n, pieces ? v->types : NULL, false},
        {"tokenizer.scores", FORMAT_F32, 1, v->n, scored ? v->scores : NULL, false},
        {"tokenizer.order", FORMAT_I32, 1, v->n_order, pieces ? v->order : NULL, false},
        {"tokenizer.charsmap", FORMAT_U8, 1, (uint32_t)v->charsmap_bytes,
         pieces ? v->charsmap : NULL, false},
        {"golden.image_vector", FORMAT_F32, 1, h->embed_dim, image ? g->image : NULL, true},
        {"golden.text", FORMAT_I32, 1, golden_count(h), text ? g->ids : NULL, true},
        {"golden.text_vector", FORMAT_F32, 1, h->embed_dim, text ? g->text : NULL, true},
    };

    memcpy(r, all, sizeof all);
}

int records_declare(const struct record *r, struct writer *w)
{
    int status = CLIPC_OK;

    for (size_t i = 0; i < RECORDS_MAX && status == CLIPC_OK; i++) {
        if (r[i].data != NULL) {
            status = writer_declare(w, r[i].name, r[i].dtype, FORMAT_ROWS, r[i].rows, r[i].cols, 0);
        }
    }
    return status;
}

int records_write(const struct record *r, bool golden, struct writer *w)
{
    int status = CLIPC_OK;

    for (size_t i = 0; i < RECORDS_MAX && status == CLIPC_OK; i++) {
        if (r[i].data != NULL && r[i].golden == golden) {
            size_t element = r[i].dtype == FORMAT_U8 ? 1 : 4;
            status = writer_write(w, r[i].name, r[i].data, (size_t)r[i].rows * r[i].cols * element);
        }
    }
    return status;
}

/* ---- Self-test vectors --------------------------------------------------------------------- */

int goldens_begin(const struct format_header *h, struct goldens *g)
{
    g->image = malloc(h->embed_dim * sizeof *g->image);
    g->text = malloc(h->embed_dim * sizeof *g->text);
    if (g->image == NULL || g->text == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "self-test vectors: out of memory");
    }
    if (h->text.layers != 0) {
        golden_ids(h, g->ids);
    }
    return CLIPC_OK;
}

static void narrow(const double *from, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)from[i];
    }
}

int goldens_compute(const struct weights *w, struct goldens *g)
{
    const struct format_header *h = &w->header;
    int status = CLIPC_OK;

    double *vector = malloc(h->embed_dim * sizeof *vector);
    float *pixels = malloc((size_t)3 * h->image_size * h->image_size * sizeof *pixels + 1);
    if (vector == NULL || pixels == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "self-test vectors: out of memory");
    }
    if (status == CLIPC_OK && h->vision.layers != 0) {
        golden_pixels(h, pixels);
        status = oracle_image(w, pixels, vector, NULL, NULL);
        narrow(vector, h->embed_dim, g->image);
    }
    if (status == CLIPC_OK && h->text.layers != 0) {
        status = oracle_text(w, g->ids, golden_count(h), vector, NULL, NULL);
        narrow(vector, h->embed_dim, g->text);
    }
    free(vector);
    free(pixels);
    return status;
}

void goldens_free(struct goldens *g)
{
    free(g->image);
    free(g->text);
}
