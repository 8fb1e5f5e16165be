/* added.c - what HuggingFace's tokenizers library does with pieces: added tokens cut the raw text,
 * and what is between them is normalized and encoded.
 *
 * Sources: the library's BPE, Unigram, Metaspace and AddedVocabulary.  It reads a charsmap by
 * grapheme clusters, which loses marks behind some letters; that is left out: a charsmap is
 * SentencePiece's, and applied as there. */
#include "added.h"

#include <string.h>

#include "../base/utf8.h"
#include "unicode.h"
#include "wordpiece.h"

/* Adds the ids of text: [n] UTF-8 without an added token.  Its symbols are characters, or the bytes
 * of those that are none of the vocabulary, or the unknown token for a run of them. */
static void encode_merges(struct encoding *e, const unsigned char *text, size_t n)
{
    const struct pieces *p = e->s->pieces;
    size_t symbols = 0;

    encoding_change_letters(p->tables.flags, text, n, &e->normal);
    if (e->normal.failed || !bpe_make_room(&e->words, e->normal.n)) {
        e->failed = true;
        return;
    }
    for (size_t i = 0, length; i < e->normal.n; i += length) {
        const unsigned char *character = e->normal.data + i;
        int32_t *ids = e->words.ids;
        length = pieces_char(character, e->normal.n - i);
        int32_t id = pieces_find(p, character, length);
        if (id < 0 && (p->tables.flags & FORMAT_BYTE_FALLBACK)) {
            for (size_t b = 0; b < length; b++) {
                ids[symbols++] = p->bytes[character[b]];
            }
        } else if (id >= 0 || symbols == 0 || ids[symbols - 1] != p->unknown) {
            ids[symbols++] = id >= 0 ? id : p->unknown;
        }
    }
    bpe_merge_ids(e->s->bpe, &e->words, symbols);
    for (size_t i = 0; i < e->words.n_ids; i++) {
        encoding_add(e, e->words.ids[i]);
    }
}

/* Does U+2581 stand at text: [n]? */
static bool begins_word(const unsigned char *text, size_t n)
{
    return n >= ENCODING_SPACE_BYTES &&
           memcmp(text, ENCODING_SPACE_TEXT, ENCODING_SPACE_BYTES) == 0;
}

/* A part of a text whose pieces have spaces in front of words, as Unigram's are: the charsmap,
 * spaces of which none stays at the end and one of several, and Metaspace, which cuts words before
 * U+2581 and puts it before a text that has none there. */
static void encode_words(struct encoding *e, const unsigned char *text, size_t n, bool first)
{
    const struct pieces *p = e->s->pieces;
    uint32_t flags = p->tables.flags;
    struct normalizer_text *words = &e->spaced;

    if (n == 0) {
        return;
    }
    encoding_change_letters(flags & FORMAT_LOWER_CASE, text, n, words);
    e->failed |= words->failed;
    normalizer_run(p, 0, words->data, words->n, &e->normal);
    const unsigned char *from = e->normal.data;
    size_t end = e->normal.n;
    while (end > 0 && from[end - 1] == ' ') {
        end--;
    }
    words->n = 0;
    if ((flags & FORMAT_DUMMY_PREFIX) && (first || !(flags & FORMAT_FIRST_PREFIX)) && end > 0 &&
        from[0] != ' ' && !begins_word(from, end)) {
        normalizer_add(words, ENCODING_SPACE_TEXT, ENCODING_SPACE_BYTES);
    }
    for (size_t i = 0; i < end; i++) {
        if (from[i] != ' ') {
            normalizer_add(words, from + i, 1);
        } else if (i == 0 || from[i - 1] != ' ') {
            normalizer_add(words, ENCODING_SPACE_TEXT, ENCODING_SPACE_BYTES);
        }
    }
    e->failed |= e->normal.failed || words->failed;
    for (size_t i = 0, length; i < words->n && !e->failed; i += length) {
        length = pieces_char(words->data + i, words->n - i);
        while (i + length < words->n &&
               !begins_word(words->data + i + length, words->n - i - length)) {
            length += pieces_char(words->data + i + length, words->n - i - length);
        }
        encoding_cut(e, words->data + i, length);
    }
}

static void encode_part(struct encoding *e, const unsigned char *text, size_t n, bool first)
{
    if (e->s->kind == FORMAT_TOKENIZER_MERGES) {
        encode_merges(e, text, n);
    } else if (e->s->kind == FORMAT_TOKENIZER_WORDPIECE) {
        wordpiece_encode(e, text, n);
    } else {
        encode_words(e, text, n, first);
    }
}

/* The added token at text: [n], the longest one; *id its id.  The unknown token is one of them. */
static size_t find_added(const struct encoding *e, const unsigned char *text, size_t n, int32_t *id)
{
    const struct pieces *p = e->s->pieces;
    size_t length, added = pieces_user(p, text, n);
    const unsigned char *unknown = pieces_spelling(p, p->unknown, &length);

    if (length > added && length <= n && memcmp(text, unknown, length) == 0) {
        *id = p->unknown;
        return length;
    }
    *id = added > 0 ? pieces_find(p, text, added) : -1;
    return added;
}

/* Added tokens cut the raw text; what is between them is normalized and encoded. */
void added_encode(struct encoding *e, const char *text, size_t length)
{
    struct unicode_text points = {0};
    size_t start = 0;

    unicode_decode(&points, text, length); /* bytes that are no UTF-8 are U+FFFD */
    for (size_t i = 0; i < points.n; i++) {
        unsigned char bytes[4];
        normalizer_add(&e->plain, bytes, utf8_write(points.data[i], bytes));
    }
    e->failed |= points.failed || e->plain.failed;
    unicode_free(&points);
    for (size_t i = 0; i < e->plain.n && !e->failed;) {
        int32_t id;
        size_t added = find_added(e, e->plain.data + i, e->plain.n - i, &id);
        if (added == 0) {
            i += pieces_char(e->plain.data + i, e->plain.n - i);
            continue;
        }
        encode_part(e, e->plain.data + start, i - start, start == 0);
        encoding_add(e, id);
        i += added;
        start = i;
    }
    if (!e->failed && e->plain.n > 0) {
        encode_part(e, e->plain.data + start, e->plain.n - start, start == 0);
    }
}
