/* source_clipc.c - a weight file as the source of another. */
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "source.h"

struct opened {
    struct weights w;
    char *path;
};

static int row(const struct source *s, const struct weights_spec *spec, uint32_t r, float *values)
{
    const struct opened *o = s->data;
    const struct format_record *rec = weights_find(&o->w, spec->name);
    const struct kernels_linear l = weights_linear(&o->w, rec);

    if (!(rec->layout == FORMAT_PANELS ? pack_unpack_row(values, &l, r)
                                       : pack_table_row(values, l.dtype, l.panels, r, rec->cols))) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "'%s': elements of type %d", spec->name,
                         (int)rec->dtype);
    }
    if (r + 1 == spec->rows) {
        base_map_release(&o->w.map);
    }
    return source_check_finite(o->path, spec->name, values, rec->cols);
}

/* A copy of record `name`, or NULL where there is none; *status: out of memory. */
static void *copy(const struct weights *w, const char *name, size_t *bytes, int *status)
{
    const struct format_record *rec = weights_find(w, name);
    void *p = rec != NULL ? malloc(rec->bytes) : NULL;

    *bytes = p != NULL ? rec->bytes : 0;
    if (p != NULL) {
        memcpy(p, weights_data(w, rec), rec->bytes);
    } else if (rec != NULL) {
        *status = base_fail(CLIPC_ERROR_MEMORY, "'%s': out of memory", name);
    }
    return p;
}

static int take_merges(const struct weights *w, struct vocab *v)
{
    size_t bytes;
    int status = CLIPC_OK;

    v->merges = copy(w, "tokenizer.merges", &bytes, &status);
    v->n_merges = bytes / (3 * sizeof *v->merges);
    return status;
}

static int take_pieces(const struct weights *w, struct vocab *v)
{
    size_t bytes;
    int status = CLIPC_OK;

    v->types = copy(w, "tokenizer.types", &bytes, &status);
    v->scores = copy(w, "tokenizer.scores", &bytes, &status);
    v->order = copy(w, "tokenizer.order", &bytes, &status);
    v->n_order = (uint32_t)(bytes / sizeof *v->order);
    v->charsmap = copy(w, "tokenizer.charsmap", &v->charsmap_bytes, &status);
    return status;
}

static int take_vocab(const struct weights *w, struct vocab *v)
{
    int status = CLIPC_OK;

    v->kind = (enum format_tokenizer_kind)w->header.tokenizer;
    if (v->kind == FORMAT_TOKENIZER_NONE) {
        return CLIPC_OK;
    }
    v->tokens = copy(w, "tokenizer.tokens", &v->tokens_bytes, &status);
    v->sot_id = w->header.sot_id;
    v->eot_id = w->header.eot_id;
    for (size_t at = 0; at + 2 <= v->tokens_bytes; v->n++) {
        at += 2 + (base_u16(v->tokens + at) & (FORMAT_WORD_END - 1));
    }
    if (status == CLIPC_OK) {
        status = take_merges(w, v);
    }
    if (status == CLIPC_OK && v->kind != FORMAT_TOKENIZER_BPE) {
        status = take_pieces(w, v);
    } else if (status == CLIPC_OK) {
        memcpy(v->bytes, weights_data(w, weights_find(w, "tokenizer.bytes")), sizeof v->bytes);
    }
    return status;
}

/* What every linear layer is stored as, by the records themselves; f32 holds any mixture. */
static int find_native(void *arg, const struct weights_spec *spec)
{
    struct source *s = arg;
    const struct opened *o = s->data;

    if (spec->linear) {
        enum format_dtype dtype = (enum format_dtype)weights_find(&o->w, spec->name)->dtype;
        s->native = s->native == 0 || s->native == dtype ? dtype : FORMAT_F32;
        s->quantised |= dtype == FORMAT_Q8;
    }
    return CLIPC_OK;
}

static void close_weights(struct source *s)
{
    struct opened *o = s->data;

    weights_close(&o->w);
    free(o->path);
    free(o);
}

static int take_all(struct source *s, const char *path)
{
    struct opened *o = s->data;
    const struct format_record *notes = weights_find(&o->w, "provenance");
    int status = (o->path = strdup(path)) != NULL
                     ? files_add(&s->files, path)
                     : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);

    s->header = o->w.header;
    s->native = 0;
    weights_each_spec(&s->header, find_native, s);
    if (status == CLIPC_OK) {
        status = take_vocab(&o->w, &s->vocab);
    }
    if (notes != NULL && (s->provenance = calloc(1, notes->bytes + 1)) == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    } else if (notes != NULL) {
        memcpy(s->provenance, weights_data(&o->w, notes), notes->bytes);
    }
    return status == CLIPC_OK ? source_note_file(s, path) : status;
}

int source_open_clipc(const char *path, struct source *s)
{
    struct opened *o = calloc(1, sizeof *o);

    memset(s, 0, sizeof *s);
    if (o == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    int status = weights_open(path, &o->w);
    if (status != CLIPC_OK) {
        free(o);
        return status;
    }
    s->data = o;
    s->close = close_weights;
    s->row = row;
    status = take_all(s, path);
    if (status != CLIPC_OK) {
        source_close(s);
    }
    return status;
}
