/* tokenizer.c - the kinds of vocabulary; and of byte-pair encoding all else: clean text is cut into
 * words, words into bytes, bytes merged into tokens.
 *
 * Sources: openai/CLIP clip/simple_tokenizer.py; for FORMAT_HF the tokenizer.json of the published
 * models, run by the tokenizers library (NFC, white space, lower case; ByteLevel; BPE with
 * </w>). */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"
#include "bpe.h"
#include "clean.h"
#include "sentencepiece.h"
#include "unicode.h"

struct tokenizer {
    struct tokenizer_tables tables;
    struct bpe *bpe;                    /* FORMAT_TOKENIZER_BPE, _MERGES */
    struct sentencepiece sentencepiece; /* the other kinds */
};

/* A text is searched for both spellings at each place: a hostile file's long ones would be slow. */
enum { MAX_SPECIAL = 256 };

static int open_bpe(struct tokenizer *t)
{
    const struct tokenizer_tables *tables = &t->tables;

    if (tables->sot_length > MAX_SPECIAL || tables->eot_length > MAX_SPECIAL) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "tokenizer: a start or end token of more than %d bytes: "
                         "no vocabulary of CLIP has one; convert the model again",
                         MAX_SPECIAL);
    }
    return bpe_new(tables->merges, tables->n_merges, tables->bytes, &t->bpe);
}

static int open_sentencepiece(struct tokenizer *t)
{
    const struct tokenizer_tables *tables = &t->tables;

    t->sentencepiece.kind = tables->kind;
    t->sentencepiece.rules = tables->rules;
    t->sentencepiece.sot_id = tables->kind == FORMAT_TOKENIZER_WORDPIECE ? tables->sot_id : -1;
    t->sentencepiece.eot_id = tables->eot_id;
    t->sentencepiece.pad_id = tables->pad_id;
    int status = CLIPC_OK;
    if (tables->kind == FORMAT_TOKENIZER_MERGES) {
        status = bpe_new(tables->merges, tables->n_merges, NULL, &t->bpe);
        t->sentencepiece.bpe = t->bpe;
    }
    return status == CLIPC_OK ? pieces_new(&tables->pieces, &t->sentencepiece.pieces) : status;
}

int tokenizer_new(const struct tokenizer_tables *tables, struct tokenizer **out)
{
    bool pieces =
        tables->kind >= FORMAT_TOKENIZER_UNIGRAM && tables->kind <= FORMAT_TOKENIZER_WORDPIECE;

    if (tables->kind != FORMAT_TOKENIZER_BPE && !pieces) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED, "tokenizer of kind %d: use a newer clipc",
                         (int)tables->kind);
    }
    struct tokenizer *t = base_alloc(sizeof *t);
    if (t == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "tokenizer: no memory");
    }
    t->tables = *tables;
    int status = pieces ? open_sentencepiece(t) : open_bpe(t);
    if (status != CLIPC_OK) {
        tokenizer_free(t);
        return status;
    }
    *out = t;
    return CLIPC_OK;
}

/* The spelling of token `id`; weights_open has checked the table's lengths. */
static const char *spelling(const struct weights *w, int32_t id, size_t *length)
{
    const struct format_record *r = weights_find(w, "tokenizer.tokens");
    const unsigned char *p = weights_data(w, r), *end = p + r->bytes;

    for (int32_t i = 0; p < end; i++) {
        *length = base_u16(p) & (FORMAT_WORD_END - 1);
        if (i == id) {
            return (const char *)p + 2;
        }
        p += 2 + *length;
    }
    *length = 0;
    return "";
}

static void take_merges(const struct weights *w, struct tokenizer_tables *tables)
{
    const struct format_record *merges = weights_find(w, "tokenizer.merges");

    tables->merges = merges != NULL ? weights_data(w, merges) : NULL;
    tables->n_merges = merges != NULL ? merges->rows : 0;
}

static void take_bpe(const struct weights *w, struct tokenizer_tables *tables)
{
    take_merges(w, tables);
    tables->bytes = weights_data(w, weights_find(w, "tokenizer.bytes"));
    tables->sot = spelling(w, tables->sot_id, &tables->sot_length);
    tables->eot = spelling(w, tables->eot_id, &tables->eot_length);
}

int tokenizer_open(const struct weights *w, struct tokenizer **tokenizer)
{
    struct tokenizer_tables tables = {
        .kind = (enum format_tokenizer_kind)w->header.tokenizer,
        .rules = (enum format_rules)w->header.tokenizer_rules,
        .sot_id = (int32_t)w->header.sot_id,
        .eot_id = (int32_t)w->header.eot_id,
        .pad_id = (int32_t)w->header.pad_id,
    };

    if (tables.kind == FORMAT_TOKENIZER_BPE) {
        take_bpe(w, &tables);
    } else {
        weights_pieces(w, &tables.pieces);
        take_merges(w, &tables);
    }
    return tokenizer_new(&tables, tokenizer);
}

void tokenizer_free(struct tokenizer *t)
{
    if (t != NULL) {
        bpe_free(t->bpe);
        pieces_free(t->sentencepiece.pieces);
        base_free(t);
    }
}

/* ---- Ids ----------------------------------------------------------------------------------- */

/* The ids of one text as they are found. */
struct id_list {
    const struct tokenizer *t;
    struct bpe_room room;
    int32_t *ids; /* [context] */
    size_t n_ids, context;
    bool full; /* no further id will be seen */
};

static void add_id(struct id_list *e, int32_t id)
{
    if (e->n_ids < e->context) {
        e->ids[e->n_ids++] = id;
    } else {
        e->full = true;
    }
}

/* ---- Words --------------------------------------------------------------------------------- */

static bool is_apostrophe_s(uint32_t c, enum format_rules rules)
{
    /* The reference's pattern ignores case, and the long s (U+017F) folds to s. */
    return c == 's' || (rules == FORMAT_OPENAI && c == 0x17f);
}

/* 's 't 're 've 'm 'll 'd: how many code points, 0 when none. */
static size_t contraction(const uint32_t *s, size_t n, enum format_rules rules)
{
    if (n < 2 || s[0] != '\'') {
        return 0;
    }
    if (is_apostrophe_s(s[1], rules) || s[1] == 't' || s[1] == 'm' || s[1] == 'd') {
        return 2;
    }
    if (n > 2 && ((s[1] == 'r' && s[2] == 'e') || (s[1] == 'v' && s[2] == 'e') ||
                  (s[1] == 'l' && s[2] == 'l'))) {
        return 3;
    }
    return 0;
}

/* What kind of word a code point belongs to; the two references know different Unicode versions. */
enum kind { KIND_NONE, KIND_LETTER, KIND_NUMBER, KIND_OTHER };

static enum kind kind_of(uint32_t c, enum format_rules rules)
{
    bool later = rules == FORMAT_HF;

    if (unicode_is_space(c)) {
        return KIND_NONE;
    }
    if (unicode_is_letter(c) || (later && unicode_is_later_letter(c))) {
        return KIND_LETTER;
    }
    if (unicode_is_number(c) || (later && unicode_is_later_number(c))) {
        return KIND_NUMBER;
    }
    /* U+0345 is not a letter but folds to iota: OpenAI's pattern, which ignores case, matches it
     * nowhere. */
    return c == 0x345 && rules == FORMAT_OPENAI ? KIND_NONE : KIND_OTHER;
}

/* The length of the word that begins at s, 0 when none does. */
static size_t word_length(const uint32_t *s, size_t n, enum format_rules rules)
{
    size_t i = contraction(s, n, rules);
    enum kind kind = kind_of(s[0], rules);

    if (i > 0) {
        return i;
    }
    if (kind == KIND_NONE || kind == KIND_NUMBER) {
        return kind == KIND_NUMBER;
    }
    while (i < n && kind_of(s[i], rules) == kind) {
        i++;
    }
    return i;
}

/* Does `text` stand at s, ignoring ASCII case and (`fold`) the long s?  *exact: to the letter. */
static bool stands_at(const uint32_t *s, size_t n, const char *text, size_t length, bool fold,
                      bool *exact)
{
    *exact = true;
    if (length == 0 || n < length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        uint32_t want = (unsigned char)text[i];
        if (s[i] != want) {
            *exact = false;
            if (!fold || want != 's' || s[i] != 0x17f) {
                return false;
            }
        }
    }
    return true;
}

/* OpenAI's pattern knows both special tokens, where a word may begin: the length of one at s, 0
 * when there is none; *id its id, or -1 when the pattern matches but the spelling does not, so that
 * the reference encodes it as one word. */
static size_t special_word(const struct tokenizer *t, const uint32_t *s, size_t n, int32_t *id)
{
    bool exact;

    if (stands_at(s, n, t->tables.sot, t->tables.sot_length, true, &exact)) {
        *id = exact ? t->tables.sot_id : -1;
        return t->tables.sot_length;
    }
    if (stands_at(s, n, t->tables.eot, t->tables.eot_length, true, &exact)) {
        *id = exact ? t->tables.eot_id : -1;
        return t->tables.eot_length;
    }
    return 0;
}

/* The words of s: [n], one by one; bytes: room for 4 bytes a code point. */
static bool encode_words(struct id_list *e, const uint32_t *s, size_t n, enum format_rules rules,
                         unsigned char *bytes)
{
    for (size_t i = 0, length; i < n && !e->full; i += length > 0 ? length : 1) {
        int32_t id = -1;
        size_t used = 0;
        length = rules == FORMAT_OPENAI ? special_word(e->t, s + i, n - i, &id) : 0;
        if (length == 0) {
            length = word_length(s + i, n - i, rules);
        }
        if (id >= 0) {
            add_id(e, id);
            continue;
        }
        for (size_t j = 0; j < length; j++) {
            used += utf8_write(s[i + j], bytes + used);
        }
        if (!bpe_encode(e->t->bpe, &e->room, bytes, used)) {
            return false;
        }
        for (size_t j = 0; j < e->room.n_ids; j++) {
            add_id(e, e->room.ids[j]);
        }
    }
    return true;
}

/* Clean text, cut at HuggingFace's start token, which stands apart wherever it is. */
static bool encode_clean(struct id_list *e, const struct unicode_text *text,
                         enum format_rules rules, unsigned char *bytes)
{
    const struct tokenizer_tables *t = &e->t->tables;
    size_t start = 0;
    bool exact;

    for (size_t i = 0; rules == FORMAT_HF && i < text->n; i++) {
        if (stands_at(text->data + i, text->n - i, t->sot, t->sot_length, false, &exact)) {
            if (!encode_words(e, text->data + start, i - start, rules, bytes)) {
                return false;
            }
            add_id(e, t->sot_id);
            start = i + t->sot_length;
            i = start - 1;
        }
    }
    return encode_words(e, text->data + start, text->n - start, rules, bytes);
}

static bool encode_part(struct id_list *e, const uint32_t *s, size_t n, enum format_rules rules)
{
    struct unicode_text part = {0};

    for (size_t i = 0; i < n; i++) {
        unicode_add(&part, s[i]);
    }
    clean_text(&part, rules);
    unsigned char *bytes = malloc(4 * part.n + 4);
    bool good =
        !part.failed && bytes != NULL && (part.n == 0 || encode_clean(e, &part, rules, bytes));
    free(bytes);
    unicode_free(&part);
    return good;
}

/* HuggingFace's end token cuts the raw text, before clean-up; each part is cleaned by itself. */
static bool encode_all(struct id_list *e, const struct unicode_text *text, enum format_rules rules)
{
    const struct tokenizer_tables *t = &e->t->tables;
    size_t start = 0;

    for (size_t i = 0; rules == FORMAT_HF && i < text->n; i++) {
        bool exact;
        if (stands_at(text->data + i, text->n - i, t->eot, t->eot_length, false, &exact)) {
            if (!encode_part(e, text->data + start, i - start, rules)) {
                return false;
            }
            add_id(e, t->eot_id);
            start = i + t->eot_length;
            i = start - 1;
        }
    }
    return text->n == 0 || encode_part(e, text->data + start, text->n - start, rules);
}

static bool encode_bpe(const struct tokenizer *t, const char *text, size_t length,
                       enum format_rules rules, size_t context, int32_t *ids, size_t *n_ids)
{
    struct id_list e = {.t = t, .ids = ids, .context = context};
    struct unicode_text points = {0};

    unicode_decode(&points, text, length);
    add_id(&e, t->tables.sot_id);
    bool good = !points.failed && encode_all(&e, &points, rules);
    add_id(&e, t->tables.eot_id);
    ids[e.n_ids - 1] = t->tables.eot_id; /* also when the text was cut */
    *n_ids = e.n_ids;
    unicode_free(&points);
    bpe_free_room(&e.room);
    return good;
}

/* The other kinds, cleaned before as their file says. */
static bool encode_pieces(const struct tokenizer *t, const char *text, size_t length,
                          size_t context, int32_t *ids, size_t *n_ids)
{
    uint32_t flags = t->tables.pieces.flags;
    char *clean = NULL;

    if (flags & FORMAT_CLEAN_FLAGS) {
        text = clean = clean_open_clip(text, length, flags, &length);
    }
    bool good =
        text != NULL && sentencepiece_encode(&t->sentencepiece, text, length, context, ids, n_ids);
    free(clean);
    return good;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t length,
                     enum format_rules rules, size_t context, int32_t *ids, size_t *n_ids)
{
    bool good = t->tables.kind == FORMAT_TOKENIZER_BPE
                    ? encode_bpe(t, text, length, rules, context, ids, n_ids)
                    : encode_pieces(t, text, length, context, ids, n_ids);

    return good ? CLIPC_OK
                : base_fail(CLIPC_ERROR_MEMORY, "tokenizer: no memory for a text of %zu bytes",
                            length);
}
