/* siglip.c - what transformers' SiglipTokenizer does around the library.
 *
 * Sources: tokenization_siglip.py and PreTrainedTokenizer.tokenize: U+2581 becomes a space and one
 * is put in front, lower case, special tokens cut the text and strip what is beside them, ASCII
 * punctuation goes, white space becomes single spaces, and each part is encoded behind the unknown
 * token's spelling, whose own pieces are then dropped. */
#include "siglip.h"

#include <string.h>

#include "../base/utf8.h"
#include "unicode.h"

/* Python's str.isspace. */
static bool is_space(uint32_t c)
{
    return unicode_is_space(c) || (c >= 0x1c && c <= 0x1f);
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

    encoding_run(e, flags, spelling, length);
    size_t drop = e->n - first;
    e->n = first;
    e->plain.n = 0;
    normalizer_add(&e->plain, spelling, length);
    for (size_t i = 0; i < n; i++) {
        unsigned char bytes[4];
        if (unicode_is_mark(s[i])) {
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
    encoding_run(e, flags, e->plain.data, e->plain.n);
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

    return last->length == ENCODING_SPACE_BYTES &&
           memcmp(e->normal.data + e->normal.n - ENCODING_SPACE_BYTES, ENCODING_SPACE_TEXT,
                  ENCODING_SPACE_BYTES) == 0 &&
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
        encoding_add(e, id);
        i += length;
        start = i;
    }
}

void siglip_encode(struct encoding *e, const char *text, size_t length)
{
    struct unicode_text points = {0}, lower = {0};

    unicode_decode(&points, text, length);
    unicode_add(&lower, ENCODING_SPACE);
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
            unicode_add(&lower, to[k] == ENCODING_SPACE ? ' ' : to[k]);
        }
    }
    e->failed |= points.failed || lower.failed;
    if (!e->failed) {
        encode_parts(e, lower.data, lower.n);
    }
    unicode_free(&points);
    unicode_free(&lower);
}
