/* sentencepiece.c - a text by the rules of its pieces: the library's own, SiglipTokenizer's, or
 * those of a tokenizer.json; and the end token. */
#include "sentencepiece.h"

#include <string.h>

#include "added.h"
#include "siglip.h"

bool sentencepiece_encode(const struct sentencepiece *s, const char *text, size_t length,
                          size_t context, int32_t *ids, size_t *n_ids)
{
    struct encoding e = {.s = s};
    size_t n;

    if (s->sot_id >= 0) {
        encoding_add(&e, s->sot_id);
    }
    if (s->rules == FORMAT_HF) {
        added_encode(&e, text, length);
    } else if (s->rules == FORMAT_SIGLIP) {
        siglip_encode(&e, text, length);
    } else if (s->pieces->tables.flags & FORMAT_LOWER_CASE) {
        encoding_change_letters(FORMAT_LOWER_CASE, (const unsigned char *)text, length, &e.plain);
        e.failed |= e.plain.failed;
        encoding_run(&e, s->pieces->tables.flags, e.plain.data, e.plain.n);
    } else {
        encoding_run(&e, s->pieces->tables.flags, text, length);
    }
    n = e.n < context ? e.n : context - 1;
    if (!e.failed) {
        if (n > 0) {
            memcpy(ids, e.ids, n * sizeof *ids);
        }
        /* SiglipTokenizer adds none behind one that the text itself ends with. */
        bool ends = s->rules == FORMAT_SIGLIP && n > 0 && ids[n - 1] == s->eot_id;
        ids[n] = s->eot_id;
        *n_ids = n + !ends;
    }
    for (size_t i = 0; i < *n_ids && !e.failed && (s->pieces->tables.flags & FORMAT_ZERO_END);
         i++) {
        ids[i] = ids[i] == s->eot_id ? 0 : ids[i];
    }
    encoding_free(&e);
    return !e.failed;
}
