/* html.c - HTML character references to characters, as html.unescape reads them (any reference that
 * a browser would take) and as ftfy does (only those beyond doubt). */
#include "html.h"

#include <string.h>

#define LONGEST 32 /* of the names, ';' included; and what html.unescape looks at */
#define BARE    0x80000000u

/* What HTML5 makes of &#128; to &#159;: windows-1252, holes as they are. */
static const uint16_t c1[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

/* Index of the name [n] without its ';', or html_count. */
static size_t find_name(const char *name, size_t n)
{
    size_t low = 0, high = html_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        size_t length = (size_t)(html_starts[middle + 1] - html_starts[middle]);
        int order = memcmp(name, html_names + html_starts[middle], n < length ? n : length);
        if (order == 0 && n == length) {
            return middle;
        }
        if (order > 0 || (order == 0 && n > length)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return html_count;
}

/* Index of the longest name that name [n] begins with and that needs no ';', or html_count. */
static size_t find_bare(const char *name, size_t n)
{
    for (; n > 1; n--) {
        size_t i = find_name(name, n);
        if (i < html_count && (html_values[i] & BARE)) {
            return i;
        }
    }
    return html_count;
}

static void add_value(struct unicode_text *out, size_t i)
{
    unicode_add(out, html_values[i] & 0xffffff);
    if (html_values[i] >> 24 & 15) {
        unicode_add(out, html_seconds[html_values[i] >> 24 & 15]);
    }
}

static int digit(uint32_t c, uint32_t base)
{
    uint32_t d = c >= '0' && c <= '9'   ? c - '0'
                 : c >= 'a' && c <= 'f' ? c - 'a' + 10
                 : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                        : 99;
    return d < base ? (int)d : -1;
}

/* Code points that a reference may not name. */
static bool invalid(uint32_t c)
{
    return (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || (c >= 0x7f && c <= 0x9f) ||
           (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* "&#...": how many code points were read, 0 when it is not a reference. */
static size_t numeric(const uint32_t *s, size_t n, struct unicode_text *out)
{
    uint32_t base = n > 2 && (s[2] == 'x' || s[2] == 'X') ? 16 : 10, value = 0;
    size_t start = base == 16 ? 3 : 2, i = start;

    for (; i < n && digit(s[i], base) >= 0; i++) {
        value = value > 0x110000 ? value : value * base + (uint32_t)digit(s[i], base);
    }
    if (i == start) {
        return 0;
    }
    if (value >= 0x80 && value <= 0x9f) {
        unicode_add(out, c1[value - 0x80]);
    } else if (value == 0 || (value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) {
        unicode_add(out, 0xfffd);
    } else if (value == 0xd || !invalid(value)) {
        unicode_add(out, value);
    }
    return i < n && s[i] == ';' ? i + 1 : i;
}

/* "&name": the longest name there is; html.unescape's rules. */
static size_t named(const uint32_t *s, size_t n, struct unicode_text *out)
{
    char name[LONGEST];
    size_t length = 0;

    while (length < LONGEST && length + 1 < n) {
        uint32_t c = s[length + 1];
        if (c == '\t' || c == '\n' || c == '\f' || c == ' ' || c == '<' || c == '&' || c == '#' ||
            c == ';') {
            break;
        }
        name[length++] = c < 0x80 ? (char)c : '\x7f';
    }
    if (length + 1 < n && s[length + 1] == ';') {
        size_t i = find_name(name, length);
        if (i < html_count) {
            add_value(out, i);
            return length + 2;
        }
    }
    size_t i = find_bare(name, length);
    if (i < html_count) {
        add_value(out, i);
        return (size_t)(html_starts[i + 1] - html_starts[i]) + 1;
    }
    return 0;
}

void html_unescape(const struct unicode_text *in, struct unicode_text *out)
{
    for (size_t i = 0; i < in->n;) {
        const uint32_t *s = in->data + i;
        size_t n = in->n - i, used = 0;
        if (s[0] == '&' && n > 1) {
            used = s[1] == '#' ? numeric(s, n, out) : named(s, n, out);
        }
        if (used == 0) {
            unicode_add(out, s[0]);
            used = 1;
        }
        i += used;
    }
}

static bool alphanumeric(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* str.upper of what an entity stands for: to: [3], how many.  Where lower case does not undo it: */
static size_t upper(uint32_t c, uint32_t *to)
{
    static const struct {
        uint32_t c, to[3];
    } odd[] = {
        {0xb5, {0x39c}},           {0xdf, {'S', 'S'}},   {0x131, {'I'}},
        {0x149, {0x2bc, 'N'}},     {0x3c2, {0x3a3}},     {0x3d1, {0x398}},
        {0x3d5, {0x3a6}},          {0x3d6, {0x3a0}},     {0x3f0, {0x39a}},
        {0x3f1, {0x3a1}},          {0x3f5, {0x395}},     {0xfb00, {'F', 'F'}},
        {0xfb01, {'F', 'I'}},      {0xfb02, {'F', 'L'}}, {0xfb03, {'F', 'F', 'I'}},
        {0xfb04, {'F', 'F', 'L'}},
    };
    size_t n = 0;

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        for (; odd[i].c == c && n < 3 && odd[i].to[n] != 0; n++) {
            to[n] = odd[i].to[n];
        }
    }
    if (n > 0) {
        return n;
    }
    to[0] = c;
    for (uint32_t u = 0x41; u < 0x530 && c < 0x530 && c >= 0x61; u++) {
        uint32_t lower[2];
        if (u != c && unicode_lower(u, lower) == 1 && lower[0] == c) {
            to[0] = u;
            break;
        }
    }
    return 1;
}

/* The characters of a wholly capital name whose lower-case one exists, in capitals; not where
 * html.unescape reads the start of the capital name (&GTDOT; is >DOT;). */
static bool add_capital(const char *name, size_t n, struct unicode_text *out)
{
    char small[LONGEST];

    for (size_t i = 0; i < n; i++) {
        if (name[i] >= 'a' && name[i] <= 'z') {
            return false;
        }
        small[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    }
    size_t i = find_name(small, n);
    if (i == html_count || find_bare(name, n) < html_count) {
        return false;
    }
    uint32_t pair[] = {html_values[i] & 0xffffff, html_seconds[html_values[i] >> 24 & 15]}, to[3];
    for (size_t k = 0; k < 2 && pair[k] != 0; k++) {
        size_t count = upper(pair[k], to);
        for (size_t j = 0; j < count; j++) {
            unicode_add(out, to[j]);
        }
    }
    return true;
}

static size_t named_ftfy(const uint32_t *s, size_t n, struct unicode_text *out)
{
    char name[LONGEST];
    size_t length = 0;

    while (length < 24 && length + 1 < n && alphanumeric(s[length + 1])) {
        name[length] = (char)s[length + 1];
        length++;
    }
    if (length == 0 || length + 1 >= n || s[length + 1] != ';') {
        return 0;
    }
    size_t i = find_name(name, length);
    if (i < html_count) {
        add_value(out, i);
        return length + 2;
    }
    return add_capital(name, length, out) ? length + 2 : 0;
}

/* "&#[0-9A-Za-z]{1,24};" whose number html.unescape can read to the end, and that is not a ';'. */
static size_t numeric_ftfy(const uint32_t *s, size_t n, struct unicode_text *out)
{
    size_t length = 0, before = out->n;

    while (length < 24 && length + 2 < n && alphanumeric(s[length + 2])) {
        length++;
    }
    if (length == 0 || length + 2 >= n || s[length + 2] != ';') {
        return 0;
    }
    if (numeric(s, n, out) == length + 3 && (out->n == before || out->data[before] != ';')) {
        return length + 3;
    }
    out->n = before;
    return 0;
}

void html_unescape_ftfy(const struct unicode_text *in, struct unicode_text *out)
{
    for (size_t i = 0; i < in->n;) {
        const uint32_t *s = in->data + i;
        size_t n = in->n - i, used = 0;
        if (s[0] == '&' && n > 2) {
            used = s[1] == '#' ? numeric_ftfy(s, n, out) : named_ftfy(s, n, out);
        }
        if (used == 0) {
            unicode_add(out, s[0]);
            used = 1;
        }
        i += used;
    }
}
