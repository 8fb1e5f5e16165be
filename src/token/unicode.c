/* unicode.c - what the tokenizer needs of Unicode, by search in the tables of unicode_tables.c:
 * properties of characters, lower case as Python has it, Normalization Form C. */
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"

/* ---- Properties ---------------------------------------------------------------------------- */

bool unicode_in_ranges(const struct unicode_range *table, size_t n, uint32_t c)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > table[middle].last) {
            low = middle + 1;
        } else if (c < table[middle].first) {
            high = middle;
        } else {
            return true;
        }
    }
    return false;
}

bool unicode_is_letter(uint32_t c)
{
    return unicode_in_ranges(unicode_letters, unicode_letters_count, c);
}

bool unicode_is_number(uint32_t c)
{
    return unicode_in_ranges(unicode_numbers, unicode_numbers_count, c);
}

/* DerivedAge.txt of Unicode 16.0, ages 15.1 and 16.0. */
static const struct unicode_range later_letters[] = {
    {0x1c89, 0x1c8a},   {0xa7cb, 0xa7cd},   {0xa7da, 0xa7dc},   {0x105c0, 0x105f3},
    {0x10d4a, 0x10d65}, {0x10d6f, 0x10d85}, {0x10ec2, 0x10ec4}, {0x11380, 0x11389},
    {0x1138b, 0x1138b}, {0x1138e, 0x1138e}, {0x11390, 0x113b5}, {0x113b7, 0x113b7},
    {0x113d1, 0x113d1}, {0x113d3, 0x113d3}, {0x11bc0, 0x11be0}, {0x13460, 0x143fa},
    {0x16100, 0x1611d}, {0x16d40, 0x16d6c}, {0x18cff, 0x18cff}, {0x1e5d0, 0x1e5ed},
    {0x1e5f0, 0x1e5f0}, {0x2ebf0, 0x2ee5d},
};
static const struct unicode_range later_numbers[] = {
    {0x10d40, 0x10d49}, {0x116d0, 0x116e3}, {0x11bf0, 0x11bf9}, {0x16130, 0x16139},
    {0x16d70, 0x16d79}, {0x1ccf0, 0x1ccf9}, {0x1e5f1, 0x1e5fa},
};

bool unicode_is_later_letter(uint32_t c)
{
    return unicode_in_ranges(later_letters, sizeof later_letters / sizeof later_letters[0], c);
}

bool unicode_is_later_number(uint32_t c)
{
    return unicode_in_ranges(later_numbers, sizeof later_numbers / sizeof later_numbers[0], c);
}

uint32_t unicode_later_lower(uint32_t c)
{
    return c == 0x1c89 || c == 0xa7cc || c == 0xa7da ? c + 1
           : c == 0xa7cb                             ? 0x264
           : c == 0xa7dc                             ? 0x19b
           : c >= 0x10d50 && c <= 0x10d65            ? c + 0x20
                                                     : c;
}

bool unicode_is_old_mark(uint32_t c)
{
    return unicode_in_ranges(unicode_old_marks, unicode_old_marks_count, c);
}

bool unicode_is_old_punctuation(uint32_t c)
{
    return unicode_in_ranges(unicode_old_punctuation, unicode_old_punctuation_count, c);
}

bool unicode_is_old_control(uint32_t c)
{
    return unicode_in_ranges(unicode_old_controls, unicode_old_controls_count, c);
}

bool unicode_is_digit(uint32_t c)
{
    return unicode_in_ranges(unicode_digits, unicode_digits_count, c);
}

bool unicode_is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool unicode_is_mark(uint32_t c)
{
    return c > 0x20 && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
           !(c >= 'a' && c <= 'z');
}

size_t unicode_lower(uint32_t c, uint32_t *to)
{
    size_t low = 0, high = unicode_lower_runs_count;

    if (c == 0x130) {
        to[0] = 'i';
        to[1] = 0x307;
        return 2;
    }
    to[0] = c;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct unicode_lower_run *run = &unicode_lower_runs[middle];
        if (c > run->last) {
            low = middle + 1;
        } else if (c < run->first) {
            high = middle;
        } else {
            if ((c - run->first) % run->step == 0) {
                to[0] = (uint32_t)((int32_t)c + run->distance);
            }
            break;
        }
    }
    return 1;
}

bool unicode_final_sigma(const uint32_t *text, size_t n, size_t i)
{
    size_t j = i;

    while (j > 0 &&
           unicode_in_ranges(unicode_case_ignorable, unicode_case_ignorable_count, text[j - 1])) {
        j--;
    }
    if (j == 0 || !unicode_in_ranges(unicode_cased, unicode_cased_count, text[j - 1])) {
        return false;
    }
    j = i + 1;
    while (j < n &&
           unicode_in_ranges(unicode_case_ignorable, unicode_case_ignorable_count, text[j])) {
        j++;
    }
    return j == n || !unicode_in_ranges(unicode_cased, unicode_cased_count, text[j]);
}

size_t unicode_width(uint32_t c, uint32_t *to)
{
    for (size_t i = 0; c >= 0xff01 && c <= 0xffee && i < unicode_widths_count; i++) {
        if (unicode_widths[i].key == c) {
            to[0] = unicode_widths[i].a;
            to[1] = unicode_widths[i].b;
            return to[1] != 0 ? 2 : 1;
        }
    }
    return 0;
}

/* ---- Text ---------------------------------------------------------------------------------- */

void unicode_add(struct unicode_text *text, uint32_t c)
{
    if (text->failed) {
        return;
    }
    if (text->n == text->room) {
        size_t room = text->room < 64 ? 64 : 2 * text->room;
        uint32_t *data = room > SIZE_MAX / 8 ? NULL : realloc(text->data, room * sizeof *data);
        if (data == NULL) {
            text->failed = true;
            return;
        }
        text->data = data;
        text->room = room;
    }
    text->data[text->n++] = c;
}

void unicode_free(struct unicode_text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

void unicode_decode(struct unicode_text *text, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += utf8_read(bytes + i, n - i, &c, NULL);
        unicode_add(text, c);
    }
}

/* ---- Normalization Form C (Unicode Standard Annex 15) -------------------------------------- */

static uint32_t combining_class(uint32_t c)
{
    size_t low = 0, high = unicode_class_runs_count;

    while (c >= 0x300 && low < high) {
        size_t middle = (low + high) / 2;
        if (c > unicode_class_runs[middle].last) {
            low = middle + 1;
        } else if (c < unicode_class_runs[middle].first) {
            high = middle;
        } else {
            return unicode_class_runs[middle].combining_class;
        }
    }
    return 0;
}

/* Hangul syllables are composed by arithmetic (Unicode 3.12). */
enum { HANGUL_S = 0xac00, HANGUL_L = 0x1100, HANGUL_V = 0x1161, HANGUL_T = 0x11a7 };
enum { HANGUL_LS = 19, HANGUL_VS = 21, HANGUL_TS = 28, HANGUL_SS = 19 * 21 * 28 };

static void decompose(struct unicode_text *out, uint32_t c)
{
    if (c >= HANGUL_S && c < HANGUL_S + HANGUL_SS) {
        uint32_t s = c - HANGUL_S;
        unicode_add(out, HANGUL_L + s / (HANGUL_VS * HANGUL_TS));
        unicode_add(out, HANGUL_V + s % (HANGUL_VS * HANGUL_TS) / HANGUL_TS);
        if (s % HANGUL_TS != 0) {
            unicode_add(out, HANGUL_T + s % HANGUL_TS);
        }
        return;
    }
    size_t low = 0, high = unicode_decompositions_count;
    while (c >= 0xc0 && low < high) {
        size_t middle = (low + high) / 2;
        const struct unicode_pair *pair = &unicode_decompositions[middle];
        if (c > pair->key) {
            low = middle + 1;
        } else if (c < pair->key) {
            high = middle;
        } else {
            decompose(out, pair->a); /* at most a few levels deep */
            if (pair->b != 0) {
                unicode_add(out, pair->b);
            }
            return;
        }
    }
    unicode_add(out, c);
}

/* Canonical order: each run of non-starters, stably by class.  Runs are mostly of one or two, but a
 * hostile text may be one long run, so runs are sorted by merging. */
static void sort_run(uint32_t *run, uint32_t *spare, size_t n)
{
    if (n < 2) {
        return;
    }
    size_t half = n / 2, i = 0, j = half, k = 0;
    sort_run(run, spare, half);
    sort_run(run + half, spare, n - half);
    while (i < half && j < n) {
        spare[k++] = combining_class(run[j]) < combining_class(run[i]) ? run[j++] : run[i++];
    }
    while (i < half) {
        spare[k++] = run[i++];
    }
    memcpy(run, spare, k * sizeof *run);
}

static bool order(struct unicode_text *t)
{
    uint32_t *spare = malloc((t->n + 1) * sizeof *spare);

    for (size_t i = 0, n; spare != NULL && i < t->n; i += n + 1) {
        for (n = 0; i + n < t->n && combining_class(t->data[i + n]) != 0; n++) {
        }
        sort_run(t->data + i, spare, n);
    }
    free(spare);
    return spare != NULL;
}

static uint32_t compose_pair(uint32_t a, uint32_t b)
{
    size_t low = 0, high = unicode_compositions_count;

    if (a >= HANGUL_L && a < HANGUL_L + HANGUL_LS && b >= HANGUL_V && b < HANGUL_V + HANGUL_VS) {
        return HANGUL_S + ((a - HANGUL_L) * HANGUL_VS + (b - HANGUL_V)) * HANGUL_TS;
    }
    if (a >= HANGUL_S && a < HANGUL_S + HANGUL_SS && (a - HANGUL_S) % HANGUL_TS == 0 &&
        b > HANGUL_T && b < HANGUL_T + HANGUL_TS) {
        return a + (b - HANGUL_T);
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct unicode_pair *pair = &unicode_decompositions[unicode_compositions[middle]];
        if (a > pair->a || (a == pair->a && b > pair->b)) {
            low = middle + 1;
        } else if (a < pair->a || b < pair->b) {
            high = middle;
        } else {
            return pair->key;
        }
    }
    return 0;
}

static void compose(struct unicode_text *t)
{
    size_t out = 0, starter = SIZE_MAX;
    uint32_t last_class = 0;

    for (size_t i = 0; i < t->n; i++) {
        uint32_t c = t->data[i], class = combining_class(c), composed = 0;
        bool adjacent = starter != SIZE_MAX && starter + 1 == out;
        if (starter != SIZE_MAX && (adjacent || (last_class < class && last_class != 0))) {
            composed = compose_pair(t->data[starter], c);
        }
        if (composed != 0) {
            t->data[starter] = composed;
            continue;
        }
        if (class == 0) {
            starter = out;
        }
        last_class = class;
        t->data[out++] = c;
    }
    t->n = out;
}

void unicode_nfd(struct unicode_text *text)
{
    struct unicode_text out = {0};

    for (size_t i = 0; i < text->n; i++) {
        decompose(&out, text->data[i]);
    }
    if (text->failed || out.failed || !order(&out)) {
        text->failed = true;
        unicode_free(&out);
        return;
    }
    free(text->data);
    *text = out;
}

void unicode_nfc(struct unicode_text *text)
{
    size_t i = 0;

    while (i < text->n &&
           text->data[i] < 0x300) { /* nothing below decomposes into what NFC changes */
        i++;
    }
    if (i == text->n || text->failed) {
        return;
    }
    unicode_nfd(text);
    if (!text->failed) {
        compose(text);
    }
}
