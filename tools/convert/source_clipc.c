/* source_clipc.c - a weight file as the source of another. */
#include <stdlib.h>
#include <string.h>

#include "../../kernels/pack.h"
#include "source.h"

static int row(const struct source *s, const struct weights_spec *spec, uint32_t r, float *values)
{
    const struct weights *w = s->data;
    const struct format_record *rec = weights_find(w, spec->name);
    const void *data = weights_data(w, rec);

    if (rec->layout == FORMAT_PANELS) {
        struct kernels_linear l = {.panels = data,
                                   .in = rec->cols,
                                   .out = rec->rows,
                                   .dtype = (enum kernels_dtype)rec->dtype};
        return pack_unpack_row(values, &l, r)
                   ? CLIPC_OK
                   : base_fail(CLIPC_ERROR_UNSUPPORTED, "'%s': elements of type %d", spec->name,
                               (int)rec->dtype);
    }
    for (size_t i = 0, at = (size_t)r * rec->cols; i < rec->cols; i++, at++) {
        values[i] = rec->dtype == FORMAT_F16 ? pack_f16_to_f32(((const uint16_t *)data)[at])
                                             : ((const float *)data)[at];
    }
    return CLIPC_OK;
}

static void *copy(const struct weights *w, const char *name, size_t *bytes)
{
    const struct format_record *rec = weights_find(w, name);
    void *p = rec != NULL ? malloc(rec->bytes) : NULL;

    *bytes = 0;
    if (p != NULL) {
        memcpy(p, weights_data(w, rec), rec->bytes);
        *bytes = rec->bytes;
    }
    return p;
}

static void take_vocab(const struct weights *w, struct vocab *v)
{
    size_t bytes;
    void *ids = copy(w, "tokenizer.bytes", &bytes);

    if (ids != NULL) {
        memcpy(v->bytes, ids, sizeof v->bytes);
        free(ids);
        v->tokens = copy(w, "tokenizer.tokens", &v->tokens_bytes);
        v->merges = copy(w, "tokenizer.merges", &bytes);
        v->n_merges = bytes / 12;
        v->sot_id = w->header.sot_id;
        v->eot_id = w->header.eot_id;
        v->n = 1; /* there is one; how many tokens it has is in `tokens` */
    }
}

static void close_weights(struct source *s)
{
    weights_close(s->data);
    free(s->data);
}

int source_open_clipc(const char *path, struct source *s)
{
    struct weights *w = malloc(sizeof *w);
    int status;

    memset(s, 0, sizeof *s);
    if (w == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "out of memory");
    }
    status = weights_open(path, w);
    if (status != CLIPC_OK) {
        free(w);
        return status;
    }
    s->data = w;
    s->close = close_weights;
    s->row = row;
    s->header = w->header;
    const struct format_tower *t =
        w->header.vision.layers != 0 ? &w->header.vision : &w->header.text;
    s->native = (enum format_dtype)t->dtype;
    if (w->header.tokenizer != FORMAT_TOKENIZER_NONE) {
        take_vocab(w, &s->vocab);
    }
    const struct format_record *p = weights_find(w, "provenance");
    if (p != NULL) {
        s->provenance = calloc(1, p->bytes + 1);
        if (s->provenance != NULL) {
            memcpy(s->provenance, weights_data(w, p), p->bytes);
        }
    }
    status = source_note_file(s, path);
    if (status != CLIPC_OK) {
        source_close(s);
    }
    return status;
}
