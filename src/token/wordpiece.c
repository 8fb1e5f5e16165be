/* wordpiece.c - a text to words and words to pieces as the tokenizers library does it for BERT: its
 * BertNormalizer, BertPreTokenizer and WordPiece, which follow BERT's tokenization.py but for the
 * characters that a Unicode of today knows and theirs does not. */
#include "wordpiece.h"

#include <stdlib.h>

#include "../base/utf8.h"
#include "unicode.h"

enum { MAX_WORD = 100 }; /* characters; a longer word is unknown */

/* Ideographs are words of one character.  The fifth range begins a block late, as theirs does. */
static bool is_ideograph(uint32_t c)
{
    static const struct unicode_range ranges[] = {
        {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df},
        {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f},
    };

    return unicode_in_ranges(ranges, sizeof ranges / sizeof ranges[0], c);
}

/* BertNormalizer of text: [n], to *out. */
static void normalize(uint32_t flags, const unsigned char *text, size_t n, struct unicode_text *out)
{
    size_t kept = 0;

    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += utf8_read((const char *)text + i, n - i, &c, NULL);
        bool line = c == '\t' || c == '\n' || c == '\r';
        if (c == UTF8_REPLACEMENT || (!line && unicode_is_old_control(c))) {
            continue;
        }
        if (is_ideograph(c)) {
            unicode_add(out, ' ');
            unicode_add(out, c);
            unicode_add(out, ' ');
        } else {
            unicode_add(out, unicode_is_space(c) ? ' ' : c);
        }
    }
    if (!(flags & FORMAT_LOWER_CASE)) {
        return;
    }
    unicode_nfd(out);
    for (size_t i = 0; i < out->n; i++) {
        uint32_t to[2]; /* but for U+0130, which is decomposed here, always one */
        if (!unicode_is_old_mark(out->data[i])) {
            unicode_lower(unicode_later_lower(out->data[i]), to);
            out->data[kept++] = to[0];
        }
    }
    out->n = kept;
}

static bool is_punctuation(uint32_t c)
{
    return unicode_is_mark(c) || unicode_is_old_punctuation(c);
}

/* The length of the longest piece at the start of word: [n], behind "##" when it goes on; *id. */
static size_t longest_piece(const struct pieces *p, const unsigned char *word, size_t n,
                            bool goes_on, int32_t *id)
{
    struct pieces_span span = pieces_begin(p);
    size_t longest = 0;

    if (goes_on && (!pieces_step(p, &span, '#') || !pieces_step(p, &span, '#'))) {
        return 0;
    }
    for (size_t i = 0; i < n && pieces_step(p, &span, word[i]); i++) {
        int32_t here = pieces_here(p, &span);
        if (here >= 0) {
            *id = here;
            longest = i + 1;
        }
    }
    return longest;
}

/* A word that pieces do not spell to its end is unknown as a whole. */
static void add_word(struct encoding *e, const uint32_t *word, size_t n)
{
    const struct pieces *p = e->s->pieces;
    unsigned char bytes[4 * MAX_WORD];
    size_t used = 0, first = e->n, length;
    int32_t id;

    for (size_t i = 0; i < n && n <= MAX_WORD; i++) {
        used += utf8_write(word[i], bytes + used);
    }
    for (size_t at = 0; at < used || n > MAX_WORD; at += length) {
        length = n > MAX_WORD ? 0 : longest_piece(p, bytes + at, used - at, at > 0, &id);
        if (length == 0) {
            e->n = e->n > first ? first : e->n;
            encoding_add(e, p->unknown);
            return;
        }
        encoding_add(e, id);
    }
}

void wordpiece_encode(struct encoding *e, const unsigned char *text, size_t n)
{
    struct unicode_text t = {0};

    normalize(e->s->pieces->tables.flags, text, n, &t);
    e->failed |= t.failed;
    for (size_t i = 0, length; i < t.n && !e->failed; i += length) {
        length = 1;
        if (unicode_is_space(t.data[i])) {
            continue;
        }
        while (!is_punctuation(t.data[i]) && i + length < t.n &&
               !unicode_is_space(t.data[i + length]) && !is_punctuation(t.data[i + length])) {
            length++;
        }
        add_word(e, t.data + i, length);
    }
    unicode_free(&t);
}
