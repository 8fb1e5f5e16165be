/* vocab_unigram.c - pieces, scores and charsmap of a tokenizer.json, which was made from a
 * SentencePiece model: they become that model's tables again, and texts get its ids. */
#include "vocab_unigram.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "../cli/base64.h"
#include "vocab_json.h"
#include "vocab_tables.h"

#define SPACE_SYMBOL "\xe2\x96\x81"

struct reader {
    const char *path;
    struct vocab *v;
    bool siglip;
};

/* ---- Normalizers --------------------------------------------------------------------------- */

static int take_charsmap(const struct reader *r, const json_t *text)
{
    size_t n = json_string_length(text);
    long size;

    if (n == 0) { /* null or empty: nothing is replaced */
        return CLIPC_OK;
    }
    free(r->v->charsmap);
    r->v->charsmap = malloc(n * 3 / 4 + 3);
    if (r->v->charsmap == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", r->path);
    }
    size = base64_decode(json_string_value(text), n, r->v->charsmap);
    if (size <= 0) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: its precompiled_charsmap is no base64", r->path);
    }
    r->v->charsmap_bytes = (size_t)size;
    return CLIPC_OK;
}

/* Does the regular expression match one of the 32 characters of ASCII punctuation, and no other? */
static bool is_punctuation(const char *regex)
{
    bool found[128] = {false};
    size_t n = strlen(regex), count = 0;

    if (n < 2 || regex[0] != '[' || regex[n - 1] != ']' || regex[1] == '^') {
        return false;
    }
    for (size_t i = 1; i + 1 < n; i++) {
        i += regex[i] == '\\' && i + 2 < n;
        unsigned char c = (unsigned char)regex[i];
        bool mark = c > 0x20 && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
                    !(c >= 'a' && c <= 'z');
        if (!mark || found[c]) {
            return false;
        }
        found[c] = true;
        count++;
    }
    return count == 32;
}

/* A replacement that SentencePiece or SiglipTokenizer does by itself. */
static bool is_known_replace(const struct reader *r, const json_t *n)
{
    const json_t *pattern = json_object_get(n, "pattern");
    const char *text = vocab_json_text(pattern, "String"),
               *regex = vocab_json_text(pattern, "Regex");
    const char *content = vocab_json_text(n, "content");
    bool space = strcmp(content, " ") == 0 || strcmp(content, SPACE_SYMBOL) == 0;

    return (space && (strcmp(text, " ") == 0 || strcmp(regex, " {2,}") == 0)) ||
           (r->siglip && space && strcmp(regex, "\\s+") == 0) ||
           (r->siglip && content[0] == '\0' && is_punctuation(regex));
}

static int take_normalizer(const struct reader *r, const json_t *n)
{
    const char *type = vocab_json_text(n, "type");

    if (strcmp(type, "Precompiled") == 0) {
        return take_charsmap(r, json_object_get(n, "precompiled_charsmap"));
    }
    if (strcmp(type, "Lowercase") == 0) {
        r->v->flags |= FORMAT_LOWER_CASE;
        return CLIPC_OK;
    }
    return strcmp(type, "Strip") == 0 || (strcmp(type, "Replace") == 0 && is_known_replace(r, n))
               ? CLIPC_OK
               : vocab_json_refuse(r->path, "normalizer", type,
                                   "Precompiled, Lowercase, Strip and Replace of several spaces "
                                   "are; of punctuation, with SiglipTokenizer");
}

static int take_normalizers(const struct reader *r, const json_t *n)
{
    const json_t *list = json_object_get(n, "normalizers");
    int status = CLIPC_OK;
    size_t i;
    json_t *one;

    if (n == NULL || json_is_null(n)) {
        return CLIPC_OK;
    }
    if (list == NULL) {
        return take_normalizer(r, n);
    }
    json_array_foreach(list, i, one)
    {
        status = status == CLIPC_OK ? take_normalizer(r, one) : status;
    }
    return status;
}

/* ---- Pre-tokenizers ------------------------------------------------------------------------ */

static int take_pre_tokenizer(const struct reader *r, const json_t *p)
{
    const char *type = vocab_json_text(p, "type"), *scheme = vocab_json_text(p, "prepend_scheme");

    if (strcmp(type, "Metaspace") == 0) {
        bool never = scheme[0] != '\0' ? strcmp(scheme, "never") == 0
                                       : json_is_false(json_object_get(p, "add_prefix_space"));
        r->v->flags |= never                          ? 0
                       : strcmp(scheme, "first") == 0 ? FORMAT_DUMMY_PREFIX | FORMAT_FIRST_PREFIX
                                                      : FORMAT_DUMMY_PREFIX;
        return json_is_false(json_object_get(p, "split"))
                   ? vocab_json_refuse(r->path, "pre_tokenizer", "Metaspace without split",
                                       "one with it is")
                   : CLIPC_OK;
    }
    return strcmp(type, "WhitespaceSplit") == 0
               ? CLIPC_OK
               : vocab_json_refuse(r->path, "pre_tokenizer", type,
                                   "Metaspace and WhitespaceSplit are");
}

static int take_pre_tokenizers(const struct reader *r, const json_t *p)
{
    const json_t *list = json_object_get(p, "pretokenizers");
    int status = CLIPC_OK;
    size_t i;
    json_t *one;

    if (p == NULL || json_is_null(p)) {
        return CLIPC_OK;
    }
    if (list == NULL) {
        return take_pre_tokenizer(r, p);
    }
    json_array_foreach(list, i, one)
    {
        status = status == CLIPC_OK ? take_pre_tokenizer(r, one) : status;
    }
    return status;
}

/* ---- Pieces -------------------------------------------------------------------------------- */

static int add_pieces(const struct reader *r, const json_t *model)
{
    const json_t *vocab = json_object_get(model, "vocab");
    const json_t *unknown = json_object_get(model, "unk_id");
    size_t i, bytes = 0;
    json_t *piece;

    json_array_foreach(vocab, i, piece)
    {
        bytes += json_string_length(json_array_get(piece, 0));
    }
    int status = vocab_begin_pieces(r->path, r->v, json_array_size(vocab), bytes);
    json_array_foreach(vocab, i, piece)
    {
        const char *text = json_string_value(json_array_get(piece, 0));
        const json_t *score = json_array_get(piece, 1);
        if (status == CLIPC_OK && (text == NULL || !json_is_number(score))) {
            status =
                base_fail(CLIPC_ERROR_FORMAT, "%s: piece %zu is no text and score", r->path, i);
        }
        if (status == CLIPC_OK) {
            bool byte = (r->v->flags & FORMAT_BYTE_FALLBACK) && vocab_json_is_byte(text);
            bool is_unknown =
                json_is_integer(unknown) && json_integer_value(unknown) == (json_int_t)i;
            vocab_add_piece(r->v, text, json_string_length(json_array_get(piece, 0)),
                            (float)json_number_value(score),
                            is_unknown ? FORMAT_PIECE_UNKNOWN
                            : byte     ? FORMAT_PIECE_BYTE
                                       : FORMAT_PIECE_NORMAL);
        }
    }
    return status;
}

/* What is added was user-defined; special tokens are control pieces to SiglipTokenizer, which looks
 * for them by their ids. */
static int take_added(const struct reader *r, const json_t *list)
{
    size_t i;
    json_t *token;

    json_array_foreach(list, i, token)
    {
        const char *text = vocab_json_text(token, "content");
        const json_t *id = json_object_get(token, "id");
        uint32_t piece = vocab_piece_id(r->v, text);
        if (piece == UINT32_MAX || !json_is_integer(id) || json_integer_value(id) != piece ||
            (!r->siglip && vocab_json_is_odd(token))) {
            return vocab_json_refuse(r->path, "added token", text,
                                     "those that are pieces, without flags, are");
        }
        if (r->v->types[piece] == FORMAT_PIECE_NORMAL) {
            bool control = r->siglip && json_is_true(json_object_get(token, "special"));
            r->v->types[piece] = control ? FORMAT_PIECE_CONTROL : FORMAT_PIECE_USER;
        }
    }
    return CLIPC_OK;
}

int vocab_unigram_read(const char *path, const json_t *root, bool siglip, struct vocab *v)
{
    const struct reader r = {path, v, siglip};
    const json_t *model = json_object_get(root, "model");
    int status;

    v->kind = FORMAT_TOKENIZER_UNIGRAM;
    v->flags = FORMAT_TRIM_SPACES | FORMAT_ESCAPE_SPACES;
    if (json_is_true(json_object_get(model, "byte_fallback"))) {
        v->flags |= FORMAT_BYTE_FALLBACK;
    }
    if ((status = take_normalizers(&r, json_object_get(root, "normalizer"))) != CLIPC_OK ||
        (status = take_pre_tokenizers(&r, json_object_get(root, "pre_tokenizer"))) != CLIPC_OK ||
        (status = add_pieces(&r, model)) != CLIPC_OK ||
        (status = take_added(&r, json_object_get(root, "added_tokens"))) != CLIPC_OK) {
        return status;
    }
    return vocab_finish_pieces(path, v);
}
