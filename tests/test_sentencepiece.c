/* SentencePiece's kinds of tokenizers on vocabularies made here: the best path against all paths,
 * the order of merges, rules of spaces, and tables that must be refused.  With arguments it is the C
 * half of the oracles in Python:  test_sentencepiece FILE library|siglip|folder CONTEXT  reads lines
 * of hexadecimal digits, texts, and prints ids; by the library's rules, SiglipTokenizer's, or those
 * that the files beside FILE say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "../src/token/tokenizer.h"
#include "check.h"

#if HAVE_JANSSON /* what convert takes, and with it the vocabularies */

#include "../tools/convert/spm_model.h"
#include "../tools/convert/vocab_tables.h"

enum { BIG = 1 << 16 };
static int32_t ids[BIG];

static struct weights_pieces tables_of(const struct vocab *v)
{
    return (struct weights_pieces){
        v->tokens, v->tokens_bytes, v->types,    v->scores,         v->n,
        v->order,  v->n_order,      v->charsmap, v->charsmap_bytes, v->flags};
}

static struct tokenizer *open_vocab(const struct vocab *v, enum format_rules rules)
{
    struct tokenizer_tables tables = {.kind = v->kind,
                                      .rules = rules,
                                      .eot_id = (int32_t)v->eot_id,
                                      .pad_id = (int32_t)v->pad_id,
                                      .merges = v->merges,
                                      .n_merges = v->n_merges,
                                      .pieces = tables_of(v)};
    struct tokenizer *t = NULL;

    if (tokenizer_new(&tables, &t) != CLIPC_OK) {
        fprintf(stderr, "%s\n", base_errmsg());
        exit(2);
    }
    return t;
}

/* ---- Vocabularies made here ---------------------------------------------------------------- */

enum { MOST = 64 };
/* Special pieces come first: <unk>, </s>. */
struct made {
    struct vocab v;
};

static void begin(struct made *m, enum format_tokenizer_kind kind)
{
    memset(m, 0, sizeof *m);
    m->v.kind = kind;
    if (vocab_begin_pieces("made", &m->v, MOST + 256, (size_t)(MOST + 256) * 32) != CLIPC_OK) {
        abort();
    }
    vocab_add_piece(&m->v, "<unk>", 5, 0, FORMAT_PIECE_UNKNOWN);
    vocab_add_piece(&m->v, "</s>", 4, 0, FORMAT_PIECE_CONTROL);
}

static void add(struct made *m, const char *text, float score, enum format_piece type)
{
    vocab_add_piece(&m->v, text, strlen(text), score, (uint8_t)type);
}

static struct tokenizer *finish(struct made *m)
{
    if (vocab_finish_pieces("made", &m->v) != CLIPC_OK) {
        printf("# %s\n", base_errmsg());
        abort();
    }
    m->v.eot_id = m->v.pad_id = 1;
    return open_vocab(&m->v, FORMAT_SENTENCEPIECE);
}

static uint32_t random_number(void)
{
    static uint32_t state = 12345;

    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

/* ---- Unigram ------------------------------------------------------------------------------- */

static float score_of(const struct made *m, const char *text, size_t n)
{
    size_t at = 0;

    for (uint32_t i = 0; i < m->v.n; i++) {
        size_t length = base_u16(m->v.tokens + at);
        if (i >= 2 && length == n && memcmp(m->v.tokens + at + 2, text, n) == 0) {
            return m->v.scores[i];
        }
        at += 2 + length;
    }
    return -1e6f;
}

/* The best sum of scores among all 2^(n - 1) ways to cut text: [n]. */
static float best_of_all(const struct made *m, const char *text, size_t n)
{
    float best = -1e9f;

    for (uint32_t cuts = 0; cuts < 1u << (n - 1); cuts++) {
        float sum = 0;
        for (size_t i = 0, start = 0; i < n; i++) {
            if (i + 1 == n || cuts >> i & 1) {
                sum += score_of(m, text + start, i + 1 - start);
                start = i + 1;
            }
        }
        best = sum > best ? sum : best;
    }
    return best;
}

/* Scores are quarters, so that sums are exact. */
static void test_best_path(void)
{
    bool good = true;

    for (int round = 0; round < 60; round++) {
        struct made m;
        char text[12];
        size_t n_ids, n = 1 + random_number() % 11;
        begin(&m, FORMAT_TOKENIZER_UNIGRAM);
        for (int i = 0; i < 30; i++) {
            char piece[6] = {0};
            size_t length = i < 3 ? 1 : 2 + random_number() % 4;
            for (size_t k = 0; k < length; k++) {
                piece[k] = (char)('a' + (i < 3 ? (uint32_t)i : random_number() % 3));
            }
            if (vocab_piece_id(&m.v, piece) == UINT32_MAX) {
                add(&m, piece, -(float)(random_number() % 40) / 4, FORMAT_PIECE_NORMAL);
            }
        }
        struct tokenizer *t = finish(&m);
        for (size_t i = 0; i < n; i++) {
            text[i] = (char)('a' + random_number() % 3);
        }
        tokenizer_encode(t, text, n, FORMAT_SENTENCEPIECE, BIG, ids, &n_ids);
        float sum = 0;
        for (size_t i = 0; i + 1 < n_ids; i++) {
            sum += m.v.scores[ids[i]];
        }
        good &= sum == best_of_all(&m, text, n);
        tokenizer_free(t);
        vocab_free(&m.v);
    }
    check(good, "the sum of the pieces' scores is that of the best of all ways to cut a text");
}

/* ---- BPE, and long texts ------------------------------------------------------------------- */

/* a, aa, aaaa, ...: a run of n becomes one piece for each bit of n, and n / 512 of the longest. */
static void test_long(enum format_tokenizer_kind kind)
{
    enum { LEVELS = 9, LONG = 1 << 20 };
    struct made m;
    char *text = malloc(LONG), piece[(1 << LEVELS) + 1];
    size_t n_ids;

    begin(&m, kind);
    memset(piece, 'a', sizeof piece);
    for (int level = 0; level <= LEVELS; level++) {
        vocab_add_piece(&m.v, piece, (size_t)1 << level, -1 - (float)level * 0.001f,
                        FORMAT_PIECE_NORMAL);
    }
    memset(text, 'a', LONG);
    struct tokenizer *t = finish(&m);
    int status = tokenizer_encode(t, text, LONG, FORMAT_SENTENCEPIECE, BIG, ids, &n_ids);
    bool same = true;
    for (size_t i = 0; i + 1 < n_ids; i++) {
        same &= ids[i] == 2 + LEVELS;
    }
    check(status == CLIPC_OK && n_ids == (LONG >> LEVELS) + 1 && same && ids[n_ids - 1] == 1,
          "kind %d: 1 MB of one letter: %zu pieces", (int)kind, n_ids - 1);
    for (size_t n = 1; n < 1024; n = 3 * n + 1) {
        size_t want = n >> LEVELS;
        for (size_t bits = n & ((1 << LEVELS) - 1); bits > 0; bits >>= 1) {
            want += bits & 1;
        }
        tokenizer_encode(t, text, n, FORMAT_SENTENCEPIECE, BIG, ids, &n_ids);
        check(n_ids == want + 1, "kind %d: %zu letters: %zu pieces", (int)kind, n, n_ids - 1);
    }
    for (size_t context = 1; context < 4; context++) {
        tokenizer_encode(t, text, 511, FORMAT_SENTENCEPIECE, context, ids, &n_ids);
        check(n_ids == context && ids[context - 1] == 1, "cut to %zu: the end token stays",
              context);
    }
    free(text);
    tokenizer_free(t);
    vocab_free(&m.v);
}

/* ---- Tables that are refused --------------------------------------------------------------- */

/* A trie of 512 units that maps 'A' to the text at 0 and "AB" to the text at 2. */
static void make_charsmap(struct vocab *v)
{
    static const char texts[] = "x\0long";
    uint32_t units[512] = {0};

    units[0] = 256u << 10; /* root: children at 256 ^ label */
    units[256 ^ 'A'] = 'A' | 0x100 | (uint32_t)(0x80 ^ 0) << 10;
    uint32_t base = (256 ^ 'A') ^ 0x80; /* of A's children; its value there */
    units[base] = 1u << 31 | 0;
    units[base ^ 'B'] = 'B' | 0x100 | 0x10u << 10;
    units[base ^ 'B' ^ 0x10] = 1u << 31 | 2;
    v->charsmap_bytes = 4 + sizeof units + sizeof texts;
    v->charsmap = malloc(v->charsmap_bytes);
    uint32_t bytes = sizeof units;
    memcpy(v->charsmap, &bytes, 4);
    memcpy(v->charsmap + 4, units, sizeof units);
    memcpy(v->charsmap + 4 + sizeof units, texts, sizeof texts);
}

static void make_whole(struct made *m)
{
    begin(m, FORMAT_TOKENIZER_UNIGRAM);
    for (const char *c = "abcxlong"; *c != '\0'; c++) {
        add(m, (char[]){*c, '\0'}, -1, FORMAT_PIECE_NORMAL);
    }
    make_charsmap(&m->v);
}

static void test_charsmap(void)
{
    static const struct {
        const char *text;
        const char *as; /* the same ids */
    } cases[] = {{"A", "x"}, {"AB", "long"}, {"AAB", "xlong"}, {"aABb", "alongb"}, {"B", "@"}};
    int32_t want[16];
    size_t n, n_want;
    struct made m;

    make_whole(&m);
    struct tokenizer *t = finish(&m);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tokenizer_encode(t, cases[i].as, strlen(cases[i].as), FORMAT_SENTENCEPIECE, 16, want,
                         &n_want);
        tokenizer_encode(t, cases[i].text, strlen(cases[i].text), FORMAT_SENTENCEPIECE, 16, ids,
                         &n);
        check(n == n_want && memcmp(ids, want, n * sizeof *ids) == 0, "%s is %s", cases[i].text,
              cases[i].as);
    }
    tokenizer_free(t);
    vocab_free(&m.v);
}

static void refused(struct made *m, const char *word, const char *text)
{
    struct weights_pieces tables = tables_of(&m->v);
    int status = weights_check_pieces(&tables, "made");

    check(status == CLIPC_ERROR_FORMAT && strstr(base_errmsg(), word) != NULL, "%s: %s", text,
          status == CLIPC_OK ? "passed" : base_errmsg());
    vocab_free(&m->v);
    make_whole(m);
    vocab_finish_pieces("made", &m->v);
}

static void put_unit(struct vocab *v, size_t i, uint32_t unit)
{
    memcpy(v->charsmap + 4 + 4 * i, &unit, 4);
}

static void test_refused(void)
{
    struct made m;

    make_whole(&m);
    vocab_finish_pieces("made", &m.v);
    m.v.tokens[0] = 0;
    refused(&m, "piece 0 of 10 is empty", "an empty piece");
    m.v.tokens[1] = 0x80;
    refused(&m, "longer than 1024 bytes", "a piece of 32 KB");
    m.v.tokens_bytes--;
    refused(&m, "piece 9 of 10 is empty, cut", "the last piece cut");
    m.v.n--;
    refused(&m, "followed by others", "one piece more");
    m.v.types[3] = 0;
    refused(&m, "is of kind 0", "a kind that is none");
    m.v.types[3] = 7;
    refused(&m, "is of kind 7", "a kind to come");
    m.v.types[3] = FORMAT_PIECE_UNKNOWN;
    refused(&m, "2 pieces for what is unknown", "two unknown pieces");
    m.v.types[0] = FORMAT_PIECE_CONTROL;
    refused(&m, "0 pieces for what is unknown", "no unknown piece");
    m.v.scores[4] = (float)(1e38 * 1e38);
    refused(&m, "score inf", "an infinite score");
    m.v.order[0] = -1;
    refused(&m, "names 4294967295", "an id below 0");
    m.v.order[0] = 10;
    refused(&m, "names 10", "an id beyond the pieces");
    m.v.order[0] = 1;
    refused(&m, "names 1, which spells no text", "a control piece in order");
    m.v.order[1] = m.v.order[0];
    refused(&m, "there twice", "an id twice");
    m.v.n_order--;
    refused(&m, "8 pieces spell text, but 7", "one left out");
    m.v.flags = FORMAT_BYTE_FALLBACK;
    refused(&m, "each of 256 bytes", "byte fallback without bytes");
    m.v.charsmap_bytes = 3;
    refused(&m, "a charsmap of 3 bytes", "a charsmap of 3 bytes");
    m.v.charsmap[1] = 9;
    refused(&m, "with a trie of 2304", "a trie longer than the charsmap");
    m.v.charsmap[0] = 4;
    refused(&m, "with a trie of 2052", "a trie of half a block");
    put_unit(&m.v, 0, 512u << 10);
    refused(&m, "lead out of it", "an offset beyond the trie");
    put_unit(&m.v, 7, 0x1fffffu << 10 | 0x200 | 9);
    refused(&m, "lead out of it", "the largest offset, in a unit that nothing leads to");
    put_unit(&m.v, (256 ^ 'A') ^ 0x80, 1u << 31 | 7);
    refused(&m, "lead out of it", "a value beyond the texts");
    m.v.charsmap[m.v.charsmap_bytes - 1] = 'x';
    refused(&m, "lead out of it", "a last text without an end");
    vocab_free(&m.v);
}

/* A charsmap of chance that passes the check is walked without leaving it (the sanitizer looks), and
 * a trie that leads back into itself ends with the text or at the longest rule that there may be. */
static void test_wild_charsmaps(void)
{
    struct made m;
    size_t n, passed = 0;
    char text[600];

    for (int round = 0; round < 300; round++) {
        make_whole(&m);
        for (size_t i = 0; i < 512; i++) {
            uint32_t label = random_number() % 4 + 'A', offset = random_number() % 512;
            put_unit(&m.v, i, (label ^ (uint32_t)(i % 2)) | offset << 10);
        }
        for (int i = 0; i < round % 5; i++) { /* some values too, most of which lead away */
            size_t at = random_number() % 512;
            put_unit(&m.v, at, 'A' | 0x100 | (uint32_t)at << 10);
        }
        if (vocab_finish_pieces("made", &m.v) == CLIPC_OK) {
            struct tokenizer *t = open_vocab(&m.v, FORMAT_SENTENCEPIECE);
            for (size_t i = 0; i < sizeof text; i++) {
                text[i] = (char)('@' + random_number() % 6);
            }
            passed += tokenizer_encode(t, text, sizeof text, FORMAT_SENTENCEPIECE, BIG, ids, &n) ==
                      CLIPC_OK;
            tokenizer_free(t);
        }
        vocab_free(&m.v);
    }
    check(passed > 20, "tries of chance: %zu of 300 pass, and are walked", passed);
}

/* ---- For the oracles in Python ------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int open_files(const char *path, const char *rules, struct files *files, struct vocab *v)
{
    int status;

    if (strcmp(rules, "folder") == 0) {
        return vocab_load_pieces(path, false, files, v);
    }
    status = spm_model_read(path, files, v);
    v->eot_id = v->pad_id = status == CLIPC_OK ? vocab_piece_id(v, "</s>") : 0;
    v->rules = FORMAT_SENTENCEPIECE;
    if (strcmp(rules, "siglip") == 0) {
        v->rules = FORMAT_SIGLIP;
        v->flags = (v->flags & ~(uint32_t)FORMAT_DUMMY_PREFIX) | FORMAT_LOWER_CASE;
    }
    return status;
}

static int drive(const char *path, const char *rules, size_t context)
{
    struct files files = {0};
    struct vocab v = {0};
    char *line = NULL;
    size_t room = 0, n;

    if (context > BIG || open_files(path, rules, &files, &v) != CLIPC_OK) {
        fprintf(stderr, "%s\n", base_errmsg());
        vocab_free(&v);
        files_free(&files);
        return 1;
    }
    struct tokenizer *t = open_vocab(&v, v.rules);
    while (getline(&line, &room, stdin) > 0) {
        size_t length = 0; /* two digits make one byte: never past what is still to read */
        for (const char *hex = line; hex[0] > ' ' && hex[1] > ' '; hex += 2) {
            line[length++] = (char)(hex_digit(hex[0]) * 16 + hex_digit(hex[1]));
        }
        if (tokenizer_encode(t, line, length, FORMAT_HF, context, ids, &n) != CLIPC_OK) {
            return 2;
        }
        for (size_t i = 0; i < n; i++) {
            printf("%d ", (int)ids[i]);
        }
        putchar('\n');
    }
    free(line);
    tokenizer_free(t);
    vocab_free(&v);
    files_free(&files);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        return drive(argv[1], argv[2], strtoul(argv[3], NULL, 10));
    }
    test_best_path();
    test_long(FORMAT_TOKENIZER_UNIGRAM);
    test_long(FORMAT_TOKENIZER_PIECES);
    test_charsmap();
    test_refused();
    test_wild_charsmaps();
    return check_done();
}

#else

int main(void)
{
    check_skip("built without jansson, and so without convert's vocabularies");
    return check_done();
}

#endif
