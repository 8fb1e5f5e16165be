/* encoding.c - ids from pieces as SentencePieceProcessor gives them: runs of what is unknown are
 * one id, or the pieces of its bytes (byte_fallback). */
#include "encoding.h"

#include <stdlib.h>

#include "../base/utf8.h"
#include "piece_bpe.h"
#include "unicode.h"
#include "unigram.h"

void encoding_free(struct encoding *e)
{
    bpe_free_room(&e->words);
    free(e->plain.data);
    free(e->normal.data);
    free(e->spaced.data);
    free(e->cuts.data);
    free(e->ids);
}

void encoding_add(struct encoding *e, int32_t id)
{
    if (e->n == e->room && !e->failed) {
        size_t room = 2 * e->room + 64;
        int32_t *more = realloc(e->ids, room * sizeof *more);
        e->failed = more == NULL;
        e->ids = more != NULL ? more : e->ids;
        e->room = more != NULL ? room : e->room;
    }
    if (!e->failed) {
        e->ids[e->n++] = id;
    }
}

void encoding_change_letters(uint32_t flags, const unsigned char *text, size_t n,
                             struct normalizer_text *out)
{
    out->n = 0;
    for (size_t i = 0; i < n;) {
        uint32_t to[2];
        size_t count = 1;
        i += utf8_read((const char *)text + i, n - i, &to[0], NULL);
        if (flags & FORMAT_LOWER_CASE) {
            count = unicode_lower(unicode_later_lower(to[0]), to);
        }
        for (size_t k = 0; k < count; k++) {
            unsigned char bytes[4];
            bool space = to[k] == ' ' && (flags & FORMAT_ESCAPE_SPACES);
            normalizer_add(out, bytes, utf8_write(space ? ENCODING_SPACE : to[k], bytes));
        }
    }
}

static void add_pieces(struct encoding *e, const unsigned char *text)
{
    const struct pieces *p = e->s->pieces;
    bool after_unknown = false;

    for (size_t i = 0; i < e->cuts.n; text += e->cuts.data[i++].length) {
        const struct pieces_cut *cut = &e->cuts.data[i];
        bool unknown = cut->id == p->unknown;
        if (unknown && (p->tables.flags & FORMAT_BYTE_FALLBACK)) {
            for (uint32_t b = 0; b < cut->length; b++) {
                encoding_add(e, p->bytes[text[b]]);
            }
        } else if (!unknown || !after_unknown) {
            encoding_add(e, cut->id);
        }
        after_unknown = unknown;
    }
}

void encoding_cut(struct encoding *e, const unsigned char *text, size_t n)
{
    const struct pieces *p = e->s->pieces;

    e->cuts.n = 0;
    bool good = e->s->kind == FORMAT_TOKENIZER_UNIGRAM ? unigram_encode(p, text, n, &e->cuts)
                                                       : piece_bpe_encode(p, text, n, &e->cuts);
    e->failed |= !good;
    if (good) {
        add_pieces(e, text);
    }
}

void encoding_run(struct encoding *e, uint32_t flags, const void *text, size_t n)
{
    normalizer_run(e->s->pieces, flags, text, n, &e->normal);
    e->failed |= e->normal.failed;
    if (!e->failed) {
        encoding_cut(e, e->normal.data, e->normal.n);
    }
}
