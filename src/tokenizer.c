/* tokenizer.c - clean text is cut into words, words into bytes, bytes merged into tokens.
 *
 * Sources: openai/CLIP clip/simple_tokenizer.py; for FORMAT_HF the tokenizer.json of the published
 * models, run by the tokenizers library (NFC, white space, lower case; ByteLevel; BPE with </w>). */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "clean.h"
#include "unicode.h"

struct merge {
    int32_t left, right; /* left < 0: an empty place */
    int32_t rank, merged;
};

struct tokenizer {
    struct tokenizer_tables tables;
    struct merge *merges; /* [mask + 1], open addressing */
    size_t mask, reach;   /* no merge lies farther than `reach` from its first place */
};

/* The 48,894 merges of CLIP reach 18; a file made to collide is refused, for it would be slow. */
#define MAX_REACH 512

/* ---- Merges --------------------------------------------------------------------------------------- */

static size_t merge_hash(int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key ^ key >> 32);
}

/* The merge of two tokens, or NULL. */
static const struct merge *find_merge(const struct tokenizer *t, int32_t left, int32_t right)
{
    size_t i = merge_hash(left, right);

    for (size_t k = 0; k <= t->reach; k++, i++) {
        const struct merge *m = &t->merges[i & t->mask];
        if (m->left < 0) {
            return NULL;
        }
        if (m->left == left && m->right == right) {
            return m;
        }
    }
    return NULL;
}

static bool add_merge(struct tokenizer *t, struct merge merge)
{
    size_t i = merge_hash(merge.left, merge.right);

    for (size_t k = 0; k <= MAX_REACH; k++, i++) {
        struct merge *m = &t->merges[i & t->mask];
        if (m->left == merge.left && m->right == merge.right) {
            return true; /* of two equal merges the first ranks */
        }
        if (m->left < 0) {
            *m = merge;
            t->reach = k > t->reach ? k : t->reach;
            return true;
        }
    }
    return false;
}

int tokenizer_new(const struct tokenizer_tables *tables, struct tokenizer **out)
{
    struct tokenizer *t = base_alloc(sizeof *t);
    size_t size = 64;

    while (size < 2 * tables->n_merges + 2) {
        size *= 2;
    }
    if (t == NULL || (t->merges = base_alloc(size * sizeof *t->merges)) == NULL) {
        base_free(t);
        return base_fail(CLIPC_ERROR_MEMORY, "tokenizer: no memory for %zu merges", tables->n_merges);
    }
    t->tables = *tables;
    t->mask = size - 1;
    for (size_t i = 0; i < size; i++) {
        t->merges[i].left = -1;
    }
    for (size_t i = 0; i < tables->n_merges; i++) {
        const int32_t *m = tables->merges + 3 * i;
        if (!add_merge(t, (struct merge){m[0], m[1], (int32_t)i, m[2]})) {
            tokenizer_free(t);
            return base_fail(CLIPC_ERROR_FORMAT, "tokenizer: the merges collide at number %zu of %zu: "
                             "no vocabulary does that by chance; convert the model again",
                             i, tables->n_merges);
        }
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

int tokenizer_open(const struct weights *w, struct tokenizer **tokenizer)
{
    const struct format_record *merges = weights_find(w, "tokenizer.merges");
    struct tokenizer_tables tables = {
        .merges = merges != NULL ? weights_data(w, merges) : NULL,
        .n_merges = merges != NULL ? merges->rows : 0,
        .bytes = weights_data(w, weights_find(w, "tokenizer.bytes")),
        .sot_id = (int32_t)w->header.sot_id,
        .eot_id = (int32_t)w->header.eot_id,
    };

    tables.sot = spelling(w, tables.sot_id, &tables.sot_length);
    tables.eot = spelling(w, tables.eot_id, &tables.eot_length);
    return tokenizer_new(&tables, tokenizer);
}

void tokenizer_free(struct tokenizer *t)
{
    if (t != NULL) {
        base_free(t->merges);
        base_free(t);
    }
}

/* ---- Byte-pair encoding of one word --------------------------------------------------------------- */

/* A symbol in the doubly linked list of a word; a merge keeps the left one's place. */
struct symbol {
    int32_t id, previous, next; /* -1: none; id -1: merged into its left neighbour */
};

/* A merge that might be done: the best rank first, of equals the leftmost, which is the order of
 * the reference's passes. */
struct candidate {
    int32_t rank, at, left, right; /* the ids it was made for: stale when they have changed */
};

struct encoder {
    const struct tokenizer *t;
    struct symbol *symbols;     /* [room] */
    struct candidate *heap;     /* [n of 2 * room] */
    size_t room, n;
    int32_t *ids; /* [context] */
    size_t n_ids, context;
    bool full; /* no further id will be seen */
};

static bool before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(struct encoder *e, struct candidate c)
{
    size_t i = e->n++;

    while (i > 0 && before(&c, &e->heap[(i - 1) / 2])) {
        e->heap[i] = e->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    e->heap[i] = c;
}

static struct candidate pop(struct encoder *e)
{
    struct candidate top = e->heap[0], last = e->heap[--e->n];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < e->n; i = child) {
        child += child + 1 < e->n && before(&e->heap[child + 1], &e->heap[child]);
        if (!before(&e->heap[child], &last)) {
            break;
        }
        e->heap[i] = e->heap[child];
    }
    e->heap[i] = last;
    return top;
}

/* Consider merging symbol `at` with its right neighbour. */
static void consider(struct encoder *e, int32_t at)
{
    if (at < 0 || e->symbols[at].next < 0) {
        return;
    }
    int32_t left = e->symbols[at].id, right = e->symbols[e->symbols[at].next].id;
    const struct merge *m = find_merge(e->t, left, right);
    if (m != NULL) {
        push(e, (struct candidate){m->rank, at, left, right});
    }
}

static void add_id(struct encoder *e, int32_t id)
{
    if (e->n_ids < e->context) {
        e->ids[e->n_ids++] = id;
    } else {
        e->full = true;
    }
}

static bool make_room(struct encoder *e, size_t n)
{
    if (n <= e->room) {
        return true;
    }
    free(e->symbols);
    free(e->heap);
    e->room = n < 512 ? 512 : n + n / 2;
    e->symbols = malloc(e->room * sizeof *e->symbols);
    e->heap = malloc(2 * e->room * sizeof *e->heap); /* below n at first, a merge adds one */
    return e->symbols != NULL && e->heap != NULL;
}

/* Append the ids of the word whose UTF-8 bytes are bytes: [n]. */
static bool encode_word(struct encoder *e, const unsigned char *bytes, size_t n)
{
    if (n == 0) {
        return true;
    }
    if (n > INT32_MAX / 4 || !make_room(e, n)) {
        return false;
    }
    e->n = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t at = (int32_t)i;
        e->symbols[i] = (struct symbol){e->t->tables.bytes[(i + 1 == n) * 256 + bytes[i]], at - 1,
                                        i + 1 < n ? at + 1 : -1};
    }
    for (size_t i = 0; i + 1 < n; i++) {
        consider(e, (int32_t)i);
    }
    while (e->n > 0) {
        struct candidate c = pop(e);
        struct symbol *s = &e->symbols[c.at];
        if (s->id != c.left || s->next < 0 || e->symbols[s->next].id != c.right) {
            continue;
        }
        struct symbol *gone = &e->symbols[s->next];
        s->id = find_merge(e->t, c.left, c.right)->merged;
        s->next = gone->next;
        gone->id = -1;
        if (s->next >= 0) {
            e->symbols[s->next].previous = c.at;
        }
        consider(e, s->previous);
        consider(e, c.at);
    }
    for (int32_t i = 0; i >= 0; i = e->symbols[i].next) {
        add_id(e, e->symbols[i].id);
    }
    return true;
}

/* ---- Words ---------------------------------------------------------------------------------------- */

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
    /* U+0345 is no letter but folds to iota: OpenAI's pattern, which ignores case, matches it nowhere. */
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
static bool encode_words(struct encoder *e, const uint32_t *s, size_t n, enum format_rules rules,
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
            used += unicode_encode(s[i + j], bytes + used);
        }
        if (!encode_word(e, bytes, used)) {
            return false;
        }
    }
    return true;
}

/* Clean text, cut at HuggingFace's start token, which stands apart wherever it is. */
static bool encode_clean(struct encoder *e, const struct unicode_text *text,
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

static bool encode_part(struct encoder *e, const uint32_t *s, size_t n, enum format_rules rules)
{
    struct unicode_text part = {0};

    for (size_t i = 0; i < n; i++) {
        unicode_add(&part, s[i]);
    }
    clean_text(&part, rules);
    unsigned char *bytes = malloc(4 * part.n + 4);
    bool good = !part.failed && bytes != NULL && encode_clean(e, &part, rules, bytes);
    free(bytes);
    unicode_free(&part);
    return good;
}

/* HuggingFace's end token cuts the raw text, before clean-up; each part is cleaned by itself. */
static bool encode_all(struct encoder *e, const struct unicode_text *text, enum format_rules rules)
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
    return encode_part(e, text->data + start, text->n - start, rules);
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t length,
                     enum format_rules rules, size_t context, int32_t *ids, size_t *n_ids)
{
    struct encoder e = {.t = t, .ids = ids, .context = context};
    struct unicode_text points = {0};

    unicode_decode(&points, text, length);
    add_id(&e, t->tables.sot_id);
    bool good = !points.failed && encode_all(&e, &points, rules);
    add_id(&e, t->tables.eot_id);
    ids[e.n_ids - 1] = t->tables.eot_id; /* also when the text was cut */
    *n_ids = e.n_ids;
    unicode_free(&points);
    free(e.symbols);
    free(e.heap);
    return good ? CLIPC_OK
                : base_fail(CLIPC_ERROR_MEMORY, "tokenizer: no memory for a text of %zu bytes", length);
}
