/* test_unicode.c - properties, lower case, NFC, UTF-8 and HTML references: what must hold by
 * itself. With an argument it is the C half of unicode_oracle.py, which compares with Python's
 * tables: properties         every code point: its classes, its lower case and its NFC
 *     nfc|html|ftfy      each line of stdin, UTF-8 in hexadecimal, to a line of the same */
#include <time.h>

#include "../src/base/base.h"
#include "../src/base/utf8.h"
#include "../src/token/clean.h"
#include "../src/token/html.h"
#include "../src/token/unicode.h"
#include "check.h"

enum { LAST = 0x10ffff };

/* ---- For unicode_oracle.py ----------------------------------------------------------------- */

static void print_points(const uint32_t *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        printf(" %x", (unsigned)s[i]);
    }
}

static int print_properties(void)
{
    for (uint32_t c = 0; c <= LAST; c++) {
        struct unicode_text text = {0};
        uint32_t lower[2], context[3] = {'a', c, 0x3a3};
        size_t n = unicode_lower(c, lower);
        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }
        unicode_add(&text, c);
        unicode_nfc(&text);
        printf("%x %d%d%d%d%d%d", (unsigned)c, unicode_is_letter(c), unicode_is_number(c),
               unicode_is_digit(c), unicode_is_space(c), unicode_final_sigma(context, 3, 2),
               unicode_final_sigma(context + 1, 2, 1));
        print_points(lower, n);
        printf(" ,");
        print_points(text.data, text.n);
        putchar('\n');
        unicode_free(&text);
    }
    return 0;
}

static int hex_digit(int c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next line's bytes to `line` [room]; -1 at the end. */
static long read_hex(char *line, long room)
{
    long n = 0;
    int a = getchar(), b;

    if (a == EOF) {
        return -1;
    }
    for (; hex_digit(a) >= 0 && hex_digit(b = getchar()) >= 0 && n < room; a = getchar()) {
        line[n++] = (char)(hex_digit(a) * 16 + hex_digit(b));
    }
    return n;
}

static int print_lines(const char *what)
{
    enum { ROOM = 1 << 20 };
    char *line = malloc(ROOM);
    long n;

    while ((n = read_hex(line, ROOM)) >= 0) {
        struct unicode_text in = {0}, out = {0};
        unicode_decode(&in, line, (size_t)n);
        if (strcmp(what, "html") == 0) {
            html_unescape(&in, &out);
        } else if (strcmp(what, "ftfy") == 0) {
            html_unescape_ftfy(&in, &out);
        } else {
            unicode_nfc(&in);
        }
        const struct unicode_text *from = strcmp(what, "nfc") == 0 ? &in : &out;
        for (size_t i = 0; i < from->n; i++) {
            unsigned char bytes[4];
            size_t count = utf8_write(from->data[i], bytes);
            for (size_t j = 0; j < count; j++) {
                printf("%02x", bytes[j]);
            }
        }
        putchar('\n');
        unicode_free(&in);
        unicode_free(&out);
    }
    free(line);
    return 0;
}

/* ---- What must hold by itself -------------------------------------------------------------- */

static void test_utf8(void)
{
    size_t wrong = 0;

    for (uint32_t c = 0; c <= LAST; c++) {
        struct unicode_text text = {0};
        unsigned char bytes[4];
        size_t n = utf8_write(c, bytes);
        unicode_decode(&text, (char *)bytes, n);
        bool surrogate = c >= 0xd800 && c <= 0xdfff; /* not text: three invalid bytes */
        wrong +=
            surrogate ? text.n != 3 || text.data[0] != 0xfffd : text.n != 1 || text.data[0] != c;
        unicode_free(&text);
    }
    check(wrong == 0, "UTF-8 there and back, every code point (%zu wrong)", wrong);
}

/* The Unicode Standard's own examples of maximal invalid parts (section 3.9, tables 3-8 to 3-11),
 * and parts cut off at a page that cannot be read. */
static void test_invalid(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        uint32_t to[9];
    } cases[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41",
         9,
         {0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0x41}},
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41",
         9,
         {0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0x41}},
        {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42",
         9,
         {0xfffd, 0xfffd, 0xfffd, 0xfffd, 0xfffd, 0x41, 0xfffd, 0xfffd, 0x42}},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", 9, {0xfffd, 0xfffd, 0xfffd, 0xfffd, 0x41}},
        {"\xE2\x82", 2, {0xfffd}},
        {"\xF0\x9F\x98", 3, {0xfffd}},
        {"\xF0", 1, {0xfffd}},
        {"\xE2\x82\xAC\xE2", 4, {0x20ac, 0xfffd}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *bytes = check_guarded(cases[i].n, false);
        struct unicode_text text = {0};
        size_t n = 0;
        while (n < 9 && cases[i].to[n] != 0) {
            n++;
        }
        memcpy(bytes, cases[i].bytes, cases[i].n);
        unicode_decode(&text, bytes, cases[i].n);
        check(text.n == n && memcmp(text.data, cases[i].to, n * sizeof *text.data) == 0,
              "invalid UTF-8, case %zu: %zu code points", i, n);
        unicode_free(&text);
    }
}

static void test_sorted(void)
{
    const struct {
        const struct unicode_range *table;
        size_t n;
        const char *name;
    } tables[] = {
        {unicode_letters, unicode_letters_count, "letters"},
        {unicode_numbers, unicode_numbers_count, "numbers"},
        {unicode_digits, unicode_digits_count, "digits"},
        {unicode_cased, unicode_cased_count, "cased"},
        {unicode_case_ignorable, unicode_case_ignorable_count, "case ignorable"},
    };

    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        bool good = true;
        for (size_t i = 0; i < tables[t].n; i++) {
            good &= tables[t].table[i].first <= tables[t].table[i].last &&
                    (i == 0 || tables[t].table[i].first > tables[t].table[i - 1].last + 1);
        }
        check(good, "table of %s: %zu ranges, sorted, apart", tables[t].name, tables[t].n);
    }
}

static bool same(const struct unicode_text *a, const struct unicode_text *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->data, b->data, a->n * sizeof *a->data) == 0);
}

/* NFC(NFC(x)) = NFC(x), over random heaps of letters and marks. */
static void test_nfc_again(void)
{
    uint64_t seed = 1;
    size_t wrong = 0;

    for (int round = 0; round < 20000; round++) {
        struct unicode_text once = {0}, twice = {0};
        for (size_t n = check_random(&seed) % 12; n > 0; n--) {
            uint64_t r = check_random(&seed);
            uint32_t c = (uint32_t)(r >> 8);
            unicode_add(&once,
                        r % 4 == 0   ? 0x300 + c % 0x50
                        : r % 4 == 1 ? unicode_decompositions[c % unicode_decompositions_count].key
                        : r % 4 == 2 ? unicode_decompositions[c % unicode_decompositions_count].a
                                     : unicode_class_runs[c % unicode_class_runs_count].first);
        }
        unicode_nfc(&once);
        for (size_t i = 0; i < once.n; i++) {
            unicode_add(&twice, once.data[i]);
        }
        unicode_nfc(&twice);
        wrong += !same(&once, &twice);
        unicode_free(&once);
        unicode_free(&twice);
    }
    check(wrong == 0, "NFC once is NFC twice, 20000 random texts (%zu wrong)", wrong);
}

/* Texts made to be slow: each must take time near to linear. */
static void test_hostile(void)
{
    static const struct {
        const char *name;
        uint32_t c[4];
        size_t n;
    } cases[] = {
        {"marks of falling class", {0x301, 0x316, 0x327, 0x334}, 4},
        {"a letter and marks", {'a', 0x316, 0x316, 0x301}, 4},
        {"capital sigmas", {0x3a3}, 1},
        {"sigma and case-ignorable", {0x3a3, ':', '\'', 0xad}, 4},
        {"ampersands", {'&'}, 1},
        {"&amp;amp;...", {'a', 'm', 'p', ';'}, 4},
        {"escapes", {0x1b, '[', '1', ';'}, 4},
        {"Hangul parts", {0x1100, 0x1161, 0x11a8}, 3},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct unicode_text text = {0};
        unicode_add(&text, '&');
        while (text.n < 250000) {
            for (size_t j = 0; j < cases[i].n; j++) {
                unicode_add(&text, cases[i].c[j]);
            }
        }
        clock_t start = clock(); /* work done, not time gone by: the machine may be busy */
        clean_text(&text, FORMAT_OPENAI);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        check(!text.failed && seconds < 20, "250,000 code points of %s are cleaned in %.2f s",
              cases[i].name, seconds);
        unicode_free(&text);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return strcmp(argv[1], "properties") == 0 ? print_properties() : print_lines(argv[1]);
    }
    test_utf8();
    test_invalid();
    test_sorted();
    test_nfc_again();
    test_hostile();
    return check_done();
}
