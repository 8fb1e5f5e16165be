/* test_tokenizer.c - words, merges, truncation and hostile texts with small vocabularies made here.
 * With an argument it is the C half of tokenizer_oracle.py:
 *     TABLES      int32 n_merges, sot id, eot id, sot length, eot length, merges [n, 3],
 *                 bytes [2, 256], then the two spellings
 *     --bench TABLES      speed with that vocabulary
 * reads lines "o CONTEXT HEX" or "h CONTEXT HEX" (rules, text) and prints the ids of each. */
#include "../src/base/base.h"
#include "../src/token/clean.h"
#include "../src/token/tokenizer.h"
#include "check.h"

#define BIG 1200000
static int32_t ids[BIG];

/* ---- Vocabularies -------------------------------------------------------------------------- */

/* Ids: byte b inside a word b, at its end 256 + b, start and end token 512 and 513, merges from
 * 514. The vocabulary without merges shows words: each ends with an id of 256 to 511. */
enum { END = 256, SOT = 512, EOT = 513, FIRST = 514 };
static int32_t byte_ids[512];

static struct tokenizer_tables make_tables(const int32_t *merges, size_t n)
{
    for (int32_t i = 0; i < 512; i++) {
        byte_ids[i] = i;
    }
    return (struct tokenizer_tables){.kind = FORMAT_TOKENIZER_BPE,
                                     .merges = merges,
                                     .n_merges = n,
                                     .bytes = byte_ids,
                                     .sot_id = SOT,
                                     .eot_id = EOT,
                                     .sot = "<|startoftext|>",
                                     .eot = "<|endoftext|>",
                                     .sot_length = 15,
                                     .eot_length = 13};
}

static struct tokenizer *make(const int32_t *merges, size_t n)
{
    struct tokenizer_tables tables = make_tables(merges, n);
    struct tokenizer *t = NULL;

    if (tokenizer_new(&tables, &t) != CLIPC_OK) {
        check(false, "tokenizer_new: %s", base_errmsg());
    }
    return t;
}

/* ---- Words --------------------------------------------------------------------------------- */

/* The ids of a vocabulary without merges, as text: words end in '|', special tokens are [ and ]. */
static void spell(size_t n, char *to)
{
    for (size_t i = 0; i < n; i++) {
        *to++ = ids[i] == SOT ? '[' : ids[i] == EOT ? ']' : (char)(ids[i] & 255);
        if (ids[i] >= END && ids[i] < SOT) {
            *to++ = '|';
        }
    }
    *to = '\0';
}

#define TEXT(s) s, sizeof(s) - 1
static void test_words(void)
{
    /* openai: what ftfy (but its repair of mojibake), html.unescape twice, strip, \s+, str.lower
     * and the pattern of clip/simple_tokenizer.py make of it; hf: NULL means the same. */
    static const struct {
        const char *text;
        size_t n;
        const char *openai, *hf;
    } cases[] = {
        {TEXT(""), "[]", NULL},
        {TEXT("  a  photo\tof\n"), "[a|photo|of|]", NULL},
        {TEXT("Don't I'LL we'Ve it's O'Clock"), "[don|'t|i|'ll|we|'ve|it|'s|o|'|clock|]", NULL},
        {TEXT("'\xc5\xbf x"), "['\xc5\xbf|x|]", "['|\xc5\xbf|x|]"},
        {TEXT("'\xc5\xbft"), "['\xc5\xbf|t|]", "['|\xc5\xbft|]"},
        {TEXT("x2025!?...y"), "[x|2|0|2|5|!?...|y|]", NULL},
        {TEXT("caf\xc3\xa9 cafe\xcc\x81"), "[caf\xc3\xa9|caf\xc3\xa9|]", NULL},
        {TEXT("I&#39;m &lt;b&gt; &amp;amp;"), "[i|'m|<|b|>|&|]",
         "[i|&#|3|9|;|m|&|lt|;|b|&|gt|;|&|amp|;|amp|;|]"},
        {TEXT("&lt;&amp;lt;"), "[<<|]", "[&|lt|;&|amp|;|lt|;|]"},
        {TEXT("<p>&amp;amp;amp;lt;"), "[<|p|>&|amp|;|lt|;|]", "[<|p|>&|amp|;|amp|;|amp|;|lt|;|]"},
        {TEXT("&NTILDE;&SZLIG;&GTDOT;"), "[\xc3\xb1ss|>|dot|;|]",
         "[&|ntilde|;&|szlig|;&|gtdot|;|]"},
        {TEXT("&lt&#59;"), "[<;|]", "[&|lt|&#|5|9|;|]"},
        {TEXT("a\0b\x7f"
              "c"),
         "[abc|]", "[a|\0"},
        {TEXT("\x1b[31mred\x1b[0m \x1b[\xd9\xa3mx"), "[red|x|]",
         "[\x1b[|3|1|mred|\x1b[|0|m|\x1b[|\xd9\xa3|mx|]"},
        {TEXT("\x1b\xef\xbc\xbb"
              "31mred"),
         "[red|]", "[\x1b\xef\xbc\xbb|3|1|mred|]"},
        {TEXT("\xef\xac\x81re \xe2\x80\x9cit\xe2\x80\x99s\xe2\x80\x9d \xef\xbc\xa1\xe3\x80\x80z"),
         "[fire|\"|it|'s|\"|a|z|]",
         "[\xef\xac\x81re|\xe2\x80\x9c|it|\xe2\x80\x99|s|\xe2\x80\x9d|\xef\xbd\x81|z|]"},
        {TEXT("\xce\x9f\xce\xa3 \xce\xa3\xce\xa3"), "[\xce\xbf\xcf\x82|\xcf\x83\xcf\x82|]",
         "[\xce\xbf\xcf\x83|\xcf\x83\xcf\x83|]"},
        {TEXT("\xc4\xb0\xe2\x84\xaa"), "[i|\xcc\x87|k|]", NULL},
        {TEXT("\xe0\xa4\x95\xe0\xa4\xbf"), "[\xe0\xa4\x95|\xe0\xa4\xbf|]", NULL},
        {TEXT("a\xff"
              "b\xe2\x82"),
         "[a|\xef\xbf\xbd|b|\xef\xbf\xbd|]", NULL},
        {TEXT("x<|startoftext|>y<|endoftext|>z"), "[x|[y|]z|]", NULL},
        {TEXT("<|startoftext|><|ENDOFTEXT|>z"), "[[]z|]", "[[<||endoftext||>|z|]"},
        {TEXT("!<|startoftext|>"), "[!<||startoftext||>|]", "[!|[]"},
        {TEXT("<|\xc5\xbftartoftext|>"), "[<|\xc5\xbftartoftext|>|]",
         "[<||\xc5\xbftartoftext||>|]"},
        {TEXT("<|start&#111;ftext|>"), "[[]", "[<||start|&#|1|1|1|;|ftext||>|]"},
    };
    struct tokenizer *t = make(NULL, 0);
    char got[256];

    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        bool hf = i % 2 == 1;
        const char *want = hf && cases[i / 2].hf != NULL ? cases[i / 2].hf : cases[i / 2].openai;
        size_t n = 0;
        int status = tokenizer_encode(t, cases[i / 2].text, cases[i / 2].n,
                                      hf ? FORMAT_HF : FORMAT_OPENAI, 77, ids, &n);
        spell(n, got);
        bool good = status == CLIPC_OK && strcmp(got, want) == 0;
        for (char *p = got; *p != '\0'; p++) {
            *p = *p == '\x1b' ? '^' : *p;
        }
        check(good, "%s, text %zu: %s", hf ? "hf" : "openai", i / 2, got);
    }
    tokenizer_free(t);
}

/* ---- Merges -------------------------------------------------------------------------------- */

/* As the reference does it, pass by pass: the best pair there is, all its occurrences from the
 * left. ids: [n]; returns how many are left. */
static size_t merge_by_passes(const int32_t *merges, size_t n_merges, int32_t *word, size_t n)
{
    for (;;) {
        size_t best = n_merges, kept = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            for (size_t m = 0; m < best; m++) {
                if (merges[3 * m] == word[i] && merges[3 * m + 1] == word[i + 1]) {
                    best = m;
                }
            }
        }
        if (best == n_merges) {
            return n;
        }
        for (size_t i = 0; i < n; kept++) {
            bool hit =
                i + 1 < n && word[i] == merges[3 * best] && word[i + 1] == merges[3 * best + 1];
            word[kept] = hit ? merges[3 * best + 2] : word[i];
            i += hit ? 2 : 1;
        }
        n = kept;
    }
}

#define MERGES 60

static bool has_merge(const int32_t *merges, size_t n, int32_t left, int32_t right)
{
    for (size_t i = 0; i < n; i++) {
        if (merges[3 * i] == left && merges[3 * i + 1] == right) {
            return true;
        }
    }
    return false;
}

/* n merges [n, 3] over the letters a, b and c, each of any two tokens that are there by then. */
static void random_merges(uint64_t *seed, int32_t *merges, size_t n)
{
    int32_t tokens[6 + MERGES] = {'a', 'b', 'c', END + 'a', END + 'b', END + 'c'};
    bool ends[6 + MERGES] = {false, false, false, true, true, true};

    for (size_t i = 0; i < n;) {
        size_t left = check_random(seed) % (6 + i), right = check_random(seed) % (6 + i);
        if (!ends[left] && !has_merge(merges, i, tokens[left], tokens[right])) {
            int32_t merge[3] = {tokens[left], tokens[right], FIRST + (int32_t)i};
            memcpy(merges + 3 * i, merge, sizeof merge);
            tokens[6 + i] = merge[2];
            ends[6 + i] = ends[right];
            i++;
        }
    }
}

static void test_merges(void)
{
    uint64_t seed = 7;
    size_t wrong = 0, words = 0;

    for (int vocabulary = 0; vocabulary < 200; vocabulary++) {
        int32_t merges[3 * MERGES];
        size_t n_merges = 1 + check_random(&seed) % MERGES;
        random_merges(&seed, merges, n_merges);
        struct tokenizer *t = make(merges, n_merges);
        for (int i = 0; i < 200; i++, words++) {
            char text[64];
            int32_t want[64];
            size_t n = 1 + check_random(&seed) % sizeof text, letters = 1 + check_random(&seed) % 3,
                   got;
            for (size_t j = 0; j < n; j++) {
                text[j] = (char)('a' + check_random(&seed) % letters);
                want[j] = text[j] + (j + 1 == n ? END : 0);
            }
            size_t count = merge_by_passes(merges, n_merges, want, n);
            tokenizer_encode(t, text, n, FORMAT_OPENAI, 77, ids, &got);
            wrong += got != count + 2 || memcmp(ids + 1, want, count * sizeof *want) != 0;
        }
        tokenizer_free(t);
    }
    check(wrong == 0,
          "merges as the reference's passes do them: %zu words of 200 vocabularies, %zu wrong",
          words, wrong);
}
/* A million letters without a space: merges a a, aa aa, aaaa aaaa, ... leave the powers of two of
 * n - 1 in falling order (the last letter is another token), as 2^k wants 2^k in front of it.
 * A second or so; an encoder of quadratic time would run into the limit of the whole test. */
static void test_long_word(void)
{
    enum { LONG = 1000000, LEVELS = 16 };
    int32_t merges[3 * LEVELS];
    char *text = malloc(LONG);
    size_t got = 0, at = 1, largest = (LONG - 1) >> LEVELS;
    bool good;

    for (int32_t i = 0; i < LEVELS; i++) {
        int32_t half = i == 0 ? 'a' : FIRST + i - 1;
        memcpy(merges + 3 * i, (int32_t[]){half, half, FIRST + i}, 3 * sizeof *merges);
    }
    struct tokenizer *t = make(merges, LEVELS);
    memset(text, 'a', LONG);
    good = tokenizer_encode(t, text, LONG, FORMAT_OPENAI, BIG, ids, &got) == CLIPC_OK;
    for (size_t i = 0; i < largest; i++) {
        good &= ids[at++] == FIRST + LEVELS - 1;
    }
    for (int32_t i = LEVELS - 2; i >= -1; i--) {
        if ((LONG - 1) >> (i + 1) & 1) {
            good &= ids[at++] == (i < 0 ? 'a' : FIRST + i);
        }
    }
    good &= ids[at] == END + 'a' && ids[at + 1] == EOT && got == at + 2;
    check(good, "one word of 1,000,000 letters: %zu ids", got);
    tokenizer_free(t);
    free(text);
}

/* Words of which most merges wait at once: b...bac, where "ba" becomes "a" first of all, from the
 * right end to the left.  Each time two more merges are possible, "ba" and "ac", and nothing of
 * what was possible before ("bb", which ranks last) is looked at until the end: 2 n - 3 in all. */
static void test_many_waiting(void)
{
    static const int32_t merges[] = {'b', 'a', 'a', 'a', END + 'c', FIRST, 'b', 'b', FIRST + 1};
    static const size_t lengths[] = {3, 500, 511, 512, 513, 767, 769, 40000};
    struct tokenizer *t = make(merges, 3);
    bool good = true;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n = lengths[i], got = 0;
        char *text = malloc(n);
        memset(text, 'b', n);
        memcpy(text + n - 2, "ac", 2);
        good &= tokenizer_encode(t, text, n, FORMAT_OPENAI, BIG, ids, &got) == CLIPC_OK &&
                got == 3 && ids[1] == FIRST;
        free(text);
    }
    check(good, "words that merge from the right end to the left");
    tokenizer_free(t);
}

/* ---- The door ------------------------------------------------------------------------------ */

static void test_context(void)
{
    struct tokenizer *t = make(NULL, 0);
    bool good = true;

    for (size_t context = 1; context <= 9; context++) {
        int32_t *room = check_guarded(context * sizeof *room, false);
        size_t n = 0, want = context < 7 ? context : 7;
        good &= tokenizer_encode(t, "abc d e", 7, FORMAT_OPENAI, context, room, &n) == CLIPC_OK;
        good &= n == want && room[n - 1] == EOT && (n == 1 || room[0] == SOT);
    }
    check(good,
          "a text of 5 tokens in contexts of 1 to 9: cut, the end token kept, nothing beyond");
    tokenizer_free(t);
}

/* Texts end at a page that cannot be read, and are cut anywhere. */
static void test_cut(void)
{
    static const char text[] = "\xf0\x9f\x98\x80 &lt; &#x1F600; <|endoftext|> '\xc5\xbf \x1b[1;31m "
                               "\xe2\x82\xac \xed\xa0\x80 e\xcc\x81 \xce\xa3 &CounterClockwise";
    struct tokenizer *t = make(NULL, 0);
    bool good = true;

    for (size_t n = 0; n < sizeof text; n++) {
        char *cut = check_guarded(n, false);
        memcpy(cut, text, n);
        for (int rules = FORMAT_OPENAI; rules <= FORMAT_HF; rules++) {
            size_t count = 0;
            good &=
                tokenizer_encode(t, cut, n, (enum format_rules)rules, 77, ids, &count) == CLIPC_OK;
            good &= count >= 2 && count <= 77 && ids[0] == SOT && ids[count - 1] == EOT;
        }
    }
    check(good, "a text cut at each of its %zu bytes, both rules", sizeof text - 1);
    tokenizer_free(t);
}

/* Merges chosen so that tokenizer.c's hash puts them all in one place: they must be refused, not
 * make every look-up slow. */
static void test_collide(void)
{
    enum { N = 2000 };
    static int32_t merges[3 * N];
    uint64_t inverse = 1, seed = 3;
    struct tokenizer_tables tables = make_tables(merges, N);
    struct tokenizer *t = NULL;

    for (int i = 0; i < 6; i++) { /* Newton: of the hash's odd factor, modulo 2^64 */
        inverse *= 2 - 0x9e3779b97f4a7c15u * inverse;
    }
    for (size_t i = 0; i < N;) {
        uint64_t high = check_random(&seed) >> 32, key = (high << 32 | (high ^ 5)) * inverse;
        if ((key & 0x8000000080000000u) == 0) {
            memcpy(merges + 3 * i++, (int32_t[]){(int32_t)(key >> 32), (int32_t)key, FIRST}, 12);
        }
    }
    check(tokenizer_new(&tables, &t) == CLIPC_ERROR_FORMAT, "merges that collide: %s",
          base_errmsg());
    tokenizer_free(t);
}

/* A kind of tokenizer that is not known here is said, not taken for byte pairs; those of pieces are
 * tried in test_sentencepiece.c and test_wordpiece.py. */
static void test_kind(void)
{
    struct tokenizer_tables tables = make_tables(NULL, 0);
    struct tokenizer *t = NULL;

    static const int kinds[] = {FORMAT_TOKENIZER_NONE, FORMAT_TOKENIZER_BPE,
                                FORMAT_TOKENIZER_WORDPIECE + 1, FORMAT_TOKENIZER_WORDPIECE + 2};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        tables.kind = (enum format_tokenizer_kind)kinds[i];
        int status = tokenizer_new(&tables, &t);
        check(status == (kinds[i] == FORMAT_TOKENIZER_BPE ? CLIPC_OK : CLIPC_ERROR_UNSUPPORTED),
              "tokenizer of kind %d: %d", kinds[i], status);
    }
    tokenizer_free(t);
}

/* ---- For tokenizer_oracle.py --------------------------------------------------------------- */

/* "&amp;amp;...": a "&" wrapped `levels` times.  How many are left after OpenAI's clean-up. */
static size_t levels_left(size_t levels)
{
    struct unicode_text text = {0};

    unicode_add(&text, '&');
    for (size_t i = 0; i < levels; i++) {
        unicode_decode(&text, "amp;", 4);
    }
    clean_text(&text, FORMAT_OPENAI);
    size_t left = text.failed || text.n % 4 != 1 ? SIZE_MAX : text.n / 4;
    unicode_free(&text);
    return left;
}

/* References unfold one level a round, so that a text of n characters asks for n / 4 rounds over
 * all of it.  The work, in characters looked at, is what the levels that are gone have cost: 2^24
 * and the last round, and what the two passes of html.unescape take. */
static void test_rounds(void)
{
    const size_t levels = 20000, bound = ((size_t)1 << 24) + 4 * levels;
    size_t left = levels_left(levels), work = 0;

    check(levels_left(500) == 0, "500 levels of &amp; unfold as ftfy unfolds them");
    for (size_t i = left; i + 2 < levels; i++) {
        work += 4 * (levels - (i - left)) + 1;
    }
    check(left < levels && work <= bound && work > bound / 2,
          "20,000 levels: %zu are left after %zu characters looked at", left, work);
}

static struct tokenizer *read_tables(const char *path)
{
    struct base_map map;
    struct tokenizer *t = NULL;

    if (base_map_file(path, &map) != CLIPC_OK || map.size < 20) {
        fprintf(stderr, "%s\n", base_errmsg());
        exit(2);
    }
    const int32_t *head = (const int32_t *)map.data;
    const char *words = (const char *)(head + 5 + 3 * head[0] + 512);
    struct tokenizer_tables tables = {.kind = FORMAT_TOKENIZER_BPE,
                                      .merges = head + 5,
                                      .n_merges = (size_t)head[0],
                                      .bytes = head + 5 + 3 * head[0],
                                      .sot_id = head[1],
                                      .eot_id = head[2],
                                      .sot = words,
                                      .eot = words + head[3],
                                      .sot_length = (size_t)head[3],
                                      .eot_length = (size_t)head[4]};
    if (tokenizer_new(&tables, &t) != CLIPC_OK) {
        fprintf(stderr, "%s\n", base_errmsg());
        exit(2);
    }
    return t;
}

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int drive(struct tokenizer *t)
{
    char *line = NULL, rules;
    size_t room = 0, context, n;
    int start;

    while (getline(&line, &room, stdin) > 0 &&
           sscanf(line, "%c %zu %n", &rules, &context, &start) == 2) {
        size_t length = 0; /* two digits make one byte: never past what is still to read */
        for (const char *hex = line + start; hex[0] > ' ' && hex[1] > ' '; hex += 2) {
            line[length++] = (char)(hex_digit(hex[0]) * 16 + hex_digit(hex[1]));
        }
        if (tokenizer_encode(t, line, length, rules == 'h' ? FORMAT_HF : FORMAT_OPENAI, context,
                             ids, &n) != CLIPC_OK) {
            return 2;
        }
        for (size_t i = 0; i < n; i++) {
            printf("%d ", (int)ids[i]);
        }
        putchar('\n');
    }
    free(line);
    tokenizer_free(t);
    return 0;
}

static int bench(struct tokenizer *t)
{
    static const char text[] =
        "a photograph of a Black-and-White cat, sitting on the red sofa's left side";
    double start = base_seconds(), seconds;
    size_t n = 0, texts = 0;

    for (; (seconds = base_seconds() - start) < 1; texts++) {
        tokenizer_encode(t, TEXT(text), texts % 2 ? FORMAT_HF : FORMAT_OPENAI, 77, ids, &n);
    }
    printf("captions: %.0f texts/s, %.2f million ids/s, %.1f MB/s\n", (double)texts / seconds,
           (double)(texts * n) / seconds * 1e-6,
           (double)(texts * (sizeof text - 1)) / seconds * 1e-6);
    tokenizer_free(t);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--bench") == 0) {
        return bench(read_tables(argv[2]));
    }
    if (argc == 2) {
        return drive(read_tables(argv[1]));
    }
    test_words();
    test_merges();
    test_long_word();
    test_many_waiting();
    test_context();
    test_cut();
    test_collide();
    test_rounds();
    test_kind();
    return check_done();
}
