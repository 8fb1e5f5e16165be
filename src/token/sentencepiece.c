/* sentencepiece.c - ids from pieces as SentencePieceProcessor gives them, and what transformers'
 * SiglipTokenizer does around it.
 *
 * Sources: sentencepiece's processor (runs of what is unknown are one id, byte_fallback);
 * tokenization_siglip.py and PreTrainedTokenizer.tokenize: U+2581 becomes a space and one is put in
 * front, lower case, special tokens cut the text and strip what is beside them, ASCII punctuation
 * goes, white space becomes single spaces, and each part is encoded behind the unknown token's
 * spelling, whose own pieces are then dropped. */
#include "sentencepiece.h"

#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"
#include "normalizer.h"
#include "piece_bpe.h"
#include "unicode.h"
#include "unigram.h"

#define SPACE_SYMBOL 0x2581u
static const char space_bytes[] = "\xe2\x96\x81";
enum { SYMBOL = sizeof space_bytes - 1 };

/* One text on its way. */
struct encoding {
    const struct sentencepiece *s;
    struct normalizer_text plain, normal; /* before and after the normalizer */
    struct pieces_list cuts;
    struct bpe_room words;
    int32_t *ids; /* [n, of room] malloc */
    size_t n, room;
    bool failed;
};

static void add_id(struct encoding *e, int32_t id)
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

/* Lower case, and U+2581 for spaces, as the flags say, of text: [n] UTF-8, to *out. */
static void change_letters(uint32_t flags, const unsigned char *text, size_t n,
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
            normalizer_add(out, bytes, utf8_write(space ? SPACE_SYMBOL : to[k], bytes));
        }
    }
}

/* ---- The library --------------------------------------------------------------------------- */

static void add_pieces(struct encoding *e)
{
    const struct pieces *p = e->s->pieces;
    const unsigned char *text = e->normal.data;
    bool after_unknown = false;

    for (size_t i = 0; i < e->cuts.n; text += e->cuts.data[i++].length) {
        const struct pieces_cut *cut = &e->cuts.data[i];
        bool unknown = cut->id == p->unknown;
        if (unknown && (p->tables.flags & FORMAT_BYTE_FALLBACK)) {
            for (uint32_t b = 0; b < cut->length; b++) {
                add_id(e, p->bytes[text[b]]);
            }
        } else if (!unknown || !after_unknown) {
            add_id(e, cut->id);
        }
        after_unknown = unknown;
    }
}

/* Adds the ids of text: [n]. */
static void encode(struct encoding *e, uint32_t flags, const void *text, size_t n)
{
    const struct pieces *p = e->s->pieces;

    normalizer_run(p, flags, text, n, &e->normal);
    e->cuts.n = 0;
    bool good =
        !e->normal.failed && (e->s->kind == FORMAT_TOKENIZER_UNIGRAM
                                  ? unigram_encode(p, e->normal.data, e->normal.n, &e->cuts)
                                  : piece_bpe_encode(p, e->normal.data, e->normal.n, &e->cuts));
    e->failed |= !good;
    if (good) {
        add_pieces(e);
    }
}

/* ---- SiglipTokenizer ----------------------------------------------------------------------- */

/* Python's str.isspace. */
static bool is_space(uint32_t c)
{
    return unicode_is_space(c) || (c >= 0x1c && c <= 0x1f);
}

static bool is_punctuation(uint32_t c)
{
    return c > 0x20 && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
           !(c >= 'a' && c <= 'z');
}

/* The length of the spelling of `id` when it stands at s: [n], else 0. */
static size_t special_at(const struct encoding *e, int32_t id, const uint32_t *s, size_t n)
{
    size_t length, at = 0, count = 0;
    const unsigned char *spelling = pieces_spelling(e->s->pieces, id, &length);

    while (at < length && count < n) {
        uint32_t c;
        at += utf8_read((const char *)spelling + at, length - at, &c, NULL);
        if (c != s[count++]) {
            return 0;
        }
    }
    return at == length ? count : 0;
}

/* The special token at s: [n], the longest one that stands there; its length, 0 without one. */
static size_t find_special(const struct encoding *e, const uint32_t *s, size_t n, int32_t *id)
{
    const int32_t special[] = {e->s->eot_id, e->s->pad_id, e->s->pieces->unknown};
    size_t longest = 0;

    *id = -1;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        size_t length = special_at(e, special[i], s, n);
        *id = length > longest ? special[i] : *id;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* canonicalize_text, then _tokenize: behind the unknown token, whose pieces are dropped. */
static void encode_part(struct encoding *e, const uint32_t *s, size_t n)
{
    uint32_t flags = e->s->pieces->tables.flags & ~(uint32_t)FORMAT_DUMMY_PREFIX;
    size_t length, first = e->n;
    const unsigned char *spelling = pieces_spelling(e->s->pieces, e->s->pieces->unknown, &length);
    bool space = false;

    encode(e, flags, spelling, length);
    size_t drop = e->n - first;
    e->n = first;
    e->plain.n = 0;
    normalizer_add(&e->plain, spelling, length);
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[4];
        if (is_punctuation(s[i])) {
            continue;
        }
        if (is_space(s[i])) {
            space = e->plain.n > length;
            continue;
        }
        normalizer_add(&e->plain, " ", space);
        normalizer_add(&e->plain, bytes, utf8_write(s[i], bytes));
        space = false;
    }
    e->failed |= e->plain.failed;
    if (e->failed) {
        return;
    }
    encode(e, flags, e->plain.data, e->plain.n);
    if (e->n - first >= drop && !e->failed) {
        memmove(e->ids + first, e->ids + first + drop, (e->n - first - drop) * sizeof *e->ids);
        e->n -= drop;
    }
}

/* Is the last id that of the space which was put in front, and nothing else?  It does not stay
 * alone before a special token. */
static bool is_lone_space(const struct encoding *e)
{
    const struct pieces_cut *last = e->cuts.data + e->cuts.n - 1;
    int32_t unknown = e->s->pieces->unknown;

    return last->length == SYMBOL &&
           memcmp(e->normal.data + e->normal.n - SYMBOL, space_bytes, SYMBOL) == 0 &&
           (last->id != unknown || e->cuts.n == 1 || last[-1].id != unknown);
}

/* The parts of s: [n], lower-case, between special tokens, which eat the white space beside
 * them. */
static void encode_parts(struct encoding *e, const uint32_t *s, size_t n)
{
    size_t start = 0;

    for (size_t i = 0; i <= n && !e->failed;) {
        int32_t id = -1;
        size_t length = i < n ? find_special(e, s + i, n - i, &id) : 0, end = i;
        if (i < n && length == 0) {
            i++;
            continue;
        }
        while (start > 0 && start < end && is_space(s[start])) {
            start++;
        }
        while (length > 0 && end > start && is_space(s[end - 1])) {
            end--;
        }
        if (end > start) {
            encode_part(e, s + start, end - start);
        }
        if (length == 0) {
            break;
        }
        if (start == 0 && e->n == 1 && is_lone_space(e)) {
            e->n = 0;
        }
        add_id(e, id);
        i += length;
        start = i;
    }
}

static void encode_siglip(struct encoding *e, const char *text, size_t length)
{
    struct unicode_text points = {0}, lower = {0};

    unicode_decode(&points, text, length);
    unicode_add(&lower, SPACE_SYMBOL);
    for (size_t i = 0, special; i<points.n; i += special> 0 ? special : 1) {
        uint32_t to[2];
        int32_t id;
        special = find_special(e, points.data + i, points.n - i, &id);
        for (size_t k = 0; k < special; k++) {
            unicode_add(&lower, points.data[i + k]);
        }
        size_t count = special > 0 ? 0 : 1;
        to[0] = points.data[i];
        if (count > 0 && (e->s->pieces->tables.flags & FORMAT_LOWER_CASE)) {
            count = unicode_lower(points.data[i], to);
        }
        for (size_t k = 0; k < count; k++) {
            unicode_add(&lower, to[k] == SPACE_SYMBOL ? ' ' : to[k]);
        }
    }
    e->failed |= points.failed || lower.failed;
    if (!e->failed) {
        encode_parts(e, lower.data, lower.n);
    }
    unicode_free(&points);
    unicode_free(&lower);
}

/* ---- tokenizer.json ------------------------------------------------------------------------ */

/* Adds the ids of text: [n] UTF-8 without an added token.  Its symbols are characters, or the bytes
 * of those that are none of the vocabulary, or the unknown token for a run of them. */
static void encode_merges(struct encoding *e, const unsigned char *text, size_t n)
{
    const struct pieces *p = e->s->pieces;
    size_t symbols = 0;

    change_letters(p->tables.flags, text, n, &e->normal);
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
        add_id(e, e->words.ids[i]);
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
static void encode_added(struct encoding *e, const char *text, size_t length)
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
        encode_merges(e, e->plain.data + start, i - start);
        add_id(e, id);
        i += added;
        start = i;
    }
    if (!e->failed && e->plain.n > 0) {
        encode_merges(e, e->plain.data + start, e->plain.n - start);
    }
}

/* ---- All ----------------------------------------------------------------------------------- */

bool sentencepiece_encode(const struct sentencepiece *s, const char *text, size_t length,
                          size_t context, int32_t *ids, size_t *n_ids)
{
    struct encoding e = {.s = s};
    size_t n;

    if (s->kind == FORMAT_TOKENIZER_MERGES) {
        encode_added(&e, text, length);
    } else if (s->rules == FORMAT_SIGLIP) {
        encode_siglip(&e, text, length);
    } else if (s->pieces->tables.flags & FORMAT_LOWER_CASE) {
        change_letters(FORMAT_LOWER_CASE, (const unsigned char *)text, length, &e.plain);
        e.failed |= e.plain.failed;
        encode(&e, s->pieces->tables.flags, e.plain.data, e.plain.n);
    } else {
        encode(&e, s->pieces->tables.flags, text, length);
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
    bpe_free_room(&e.words);
    free(e.plain.data);
    free(e.normal.data);
    free(e.cuts.data);
    free(e.ids);
    return !e.failed;
}
