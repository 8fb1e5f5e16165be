/* clean.c - what OpenAI's and HuggingFace's tokenizers do to a text before they look for words:
 * ftfy's repairs, HTML references, white space, lower case. */
#include "clean.h"

#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"
#include "html.h"

/* ---- ftfy 6.3 (fix_text with its defaults), without fix_encoding --------------------------- */

/* What its C1, ligature, quote and control fixes make of one character; 0 ends, 1 means removed. */
static const struct {
    uint32_t c, to[3];
} fixes[] = {
    {0x80, {0x20ac}},
    {0x82, {'\''}},
    {0x83, {0x192}},
    {0x84, {'"'}},
    {0x85, {0x2026}},
    {0x86, {0x2020}},
    {0x87, {0x2021}},
    {0x88, {0x2c6}},
    {0x89, {0x2030}},
    {0x8a, {0x160}},
    {0x8b, {0x2039}},
    {0x8c, {0x152}},
    {0x8e, {0x17d}},
    {0x91, {'\''}},
    {0x92, {'\''}},
    {0x93, {'"'}},
    {0x94, {'"'}},
    {0x95, {0x2022}},
    {0x96, {0x2013}},
    {0x97, {0x2014}},
    {0x98, {0x2dc}},
    {0x99, {0x2122}},
    {0x9a, {0x161}},
    {0x9b, {0x203a}},
    {0x9c, {0x153}},
    {0x9e, {0x17e}},
    {0x9f, {0x178}},
    {0x132, {'I', 'J'}},
    {0x133, {'i', 'j'}},
    {0x149, {'\'', 'n'}},
    {0x1c4, {'D', 0x17d}},
    {0x1c5, {'D', 0x17e}},
    {0x1c6, {'d', 0x17e}},
    {0x1c7, {'L', 'J'}},
    {0x1c8, {'L', 'j'}},
    {0x1c9, {'l', 'j'}},
    {0x1ca, {'N', 'J'}},
    {0x1cb, {'N', 'j'}},
    {0x1cc, {'n', 'j'}},
    {0x1f1, {'D', 'Z'}},
    {0x1f2, {'D', 'z'}},
    {0x1f3, {'d', 'z'}},
    {0x2bc, {'\''}},
    {0x2018, {'\''}},
    {0x2019, {'\''}},
    {0x201a, {'\''}},
    {0x201b, {'\''}},
    {0x201c, {'"'}},
    {0x201d, {'"'}},
    {0x201e, {'"'}},
    {0x201f, {'"'}},
    {0x2028, {'\n'}},
    {0x2029, {'\n'}},
    {0x3000, {' '}},
    {0xfb00, {'f', 'f'}},
    {0xfb01, {'f', 'i'}},
    {0xfb02, {'f', 'l'}},
    {0xfb03, {'f', 'f', 'i'}},
    {0xfb04, {'f', 'f', 'l'}},
    {0xfb05, {0x17f, 't'}},
    {0xfb06, {'s', 't'}},
};

static bool removed_control(uint32_t c)
{
    return c < 9 || c == 0xb || (c >= 0xe && c < 0x20) || c == 0x7f ||
           (c >= 0x206a && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffc);
}

static void fix_character(uint32_t c, struct unicode_text *out)
{
    uint32_t wide[2];

    if (c == '\r') {
        unicode_add(out, '\n');
        return;
    }
    for (size_t i = 0; c >= 0x80 && i < sizeof fixes / sizeof fixes[0]; i++) {
        if (fixes[i].c == c) {
            for (size_t j = 0; j < 3 && fixes[i].to[j] != 0; j++) {
                unicode_add(out, fixes[i].to[j]);
            }
            return;
        }
    }
    size_t n = unicode_width(c, wide);
    for (size_t i = 0; i < n; i++) {
        unicode_add(out, wide[i]);
    }
    if (n == 0) {
        unicode_add(out, c);
    }
}

/* ESC [ digits and semicolons, then a letter: how many code points; 0 when it is none. */
static size_t terminal_escape(const uint32_t *s, size_t n)
{
    size_t i = 2;

    if (n < 3 || s[0] != 0x1b || s[1] != '[') {
        return 0;
    }
    while (i < n && (unicode_is_digit(s[i]) || s[i] == ';')) {
        i++;
    }
    return i < n && ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z')) ? i + 1 : 0;
}

/* Terminal escapes, then control characters, in place. */
static void remove_controls(struct unicode_text *text)
{
    size_t kept = 0;

    for (size_t i = 0; i < text->n;) {
        size_t n = terminal_escape(text->data + i, text->n - i);
        if (n == 0 && !removed_control(text->data[i])) {
            text->data[kept++] = text->data[i];
        }
        i += n > 0 ? n : 1;
    }
    text->n = kept;
}

/* One round over a segment. */
static void fix_round(const struct unicode_text *in, bool unescape, struct unicode_text *out)
{
    struct unicode_text plain = {0};
    const struct unicode_text *from = in;

    if (unescape) {
        html_unescape_ftfy(in, &plain);
        from = &plain;
    }
    for (size_t i = 0; i < from->n; i++) {
        fix_character(from->data[i], out);
    }
    out->failed |= from->failed;
    remove_controls(out);
    unicode_nfc(out);
    unicode_free(&plain);
}

/* Rounds until nothing changes.  Nested references (&amp;amp;...) unfold once each round, so that a
 * hostile text of n characters asks for n / 4 rounds: the work is bounded, and what that leaves
 * standing is text of more than MAX_WORK / rounds characters. */
#define MAX_WORK (1u << 24)

static void fix_segment(struct unicode_text *segment, bool unescape)
{
    for (size_t work = 0, round = 0; round < 64 || work < MAX_WORK; round++) {
        struct unicode_text out = {0};
        work += segment->n;
        fix_round(segment, unescape, &out);
        bool same = out.n == segment->n &&
                    (out.n == 0 || memcmp(out.data, segment->data, out.n * sizeof *out.data) == 0);
        out.failed |= segment->failed;
        unicode_free(segment);
        *segment = out;
        if (same || out.failed) {
            return;
        }
    }
}

#define MAX_SEGMENT 1000000 /* ftfy's max_decode_length */

/* Lines, cut at a million characters, are fixed one by one; from the first with '<' on, references
 * stay as they are. */
static void fix_text(struct unicode_text *text)
{
    struct unicode_text out = {0};
    bool unescape = true;

    for (size_t i = 0; i < text->n && !out.failed;) {
        struct unicode_text segment = {0};
        bool end = false;
        for (; i < text->n && !end; i++) {
            unescape &= text->data[i] != '<';
            end = text->data[i] == '\n' || segment.n + 1 == MAX_SEGMENT;
            unicode_add(&segment, text->data[i]);
        }
        fix_segment(&segment, unescape);
        for (size_t j = 0; j < segment.n; j++) {
            unicode_add(&out, segment.data[j]);
        }
        out.failed |= segment.failed;
        unicode_free(&segment);
    }
    out.failed |= text->failed;
    free(text->data);
    *text = out;
}

/* ---- Both references ----------------------------------------------------------------------- */

static void unescape_twice(struct unicode_text *text)
{
    for (int i = 0; i < 2; i++) {
        struct unicode_text out = {0};
        html_unescape(text, &out);
        out.failed |= text->failed;
        free(text->data);
        *text = out;
    }
}

/* Runs of white space to one space, none at the ends (no word holds any: only places count). */
static void collapse_spaces(struct unicode_text *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->n; i++) {
        bool space = unicode_is_space(text->data[i]) ||
                     (text->data[i] >= 0x1c && text->data[i] <= 0x1f && n == 0); /* str.strip */
        if (!space) {
            text->data[n++] = text->data[i];
        } else if (n > 0 && text->data[n - 1] != ' ') {
            text->data[n++] = ' ';
        }
    }
    text->n = n > 0 && text->data[n - 1] == ' ' ? n - 1 : n;
}

/* str.lower knows the final sigma; letter by letter there is none, but more letters. */
static void lower_case(struct unicode_text *text, bool final_sigma)
{
    struct unicode_text out = {0};

    for (size_t i = 0; i < text->n; i++) {
        uint32_t to[2];
        if (final_sigma && text->data[i] == 0x3a3) {
            unicode_add(&out, unicode_final_sigma(text->data, text->n, i) ? 0x3c2 : 0x3c3);
            continue;
        }
        size_t n =
            unicode_lower(final_sigma ? text->data[i] : unicode_later_lower(text->data[i]), to);
        for (size_t j = 0; j < n; j++) {
            unicode_add(&out, to[j]);
        }
    }
    out.failed |= text->failed;
    free(text->data);
    *text = out;
}

void clean_text(struct unicode_text *text, enum format_rules rules)
{
    if (rules == FORMAT_OPENAI) {
        fix_text(text);
        unescape_twice(text);
        collapse_spaces(text);
        lower_case(text, true);
    } else {
        unicode_nfc(text);
        lower_case(text, false);
    }
}

/* ---- OpenCLIP's src/open_clip/tokenizer.py, get_clean_fn ----------------------------------- */

/* string.punctuation goes, but an underscore is a space. */
static void drop_punctuation(struct unicode_text *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->n; i++) {
        uint32_t c = text->data[i];
        if (c == '_') {
            text->data[n++] = ' ';
        } else if (!unicode_is_mark(c)) {
            text->data[n++] = c;
        }
    }
    text->n = n;
}

char *clean_open_clip(const char *text, size_t n, uint32_t flags, size_t *length)
{
    struct unicode_text points = {0};
    unsigned char *out = NULL;

    unicode_decode(&points, text, n);
    if (flags & FORMAT_FIX_TEXT) {
        fix_text(&points);
        unescape_twice(&points);
    }
    if (flags & FORMAT_DROP_PUNCTUATION) {
        drop_punctuation(&points);
    }
    if (flags & FORMAT_LOWER_TEXT) {
        lower_case(&points, true);
    }
    if (flags & FORMAT_FIX_TEXT) {
        collapse_spaces(&points);
    }
    if (!points.failed && (out = malloc(4 * points.n + 1)) != NULL) {
        *length = 0;
        for (size_t i = 0; i < points.n; i++) {
            *length += utf8_write(points.data[i], out + *length);
        }
    }
    unicode_free(&points);
    return (char *)out;
}
