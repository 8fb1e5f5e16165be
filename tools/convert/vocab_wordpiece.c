/* vocab_wordpiece.c - BERT's vocabulary: vocab.txt, a token a line, or a tokenizer.json of the kind
 * WordPiece; and what tokenizer_config.json says of special tokens and of the class around them. */
#include "vocab_wordpiece.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/utf8.h"
#include "json_read.h"
#include "vocab_ids.h"
#include "vocab_json.h"
#include "vocab_tables.h"

#define MAX_LIST_BYTES ((size_t)64 << 20)

/* ---- vocab.txt ----------------------------------------------------------------------------- */

static bool is_utf8(const char *text, size_t n)
{
    int valid = 1;
    uint32_t c;

    for (size_t i = 0; i < n && valid; i += utf8_read(text + i, n - i, &c, &valid)) {
    }
    return valid;
}

int vocab_wordpiece_list(const char *path, const char *text, size_t size, struct vocab *v)
{
    size_t at = utf8_mark(text, size), lines = 0;

    for (size_t i = at; i < size; i++) {
        lines += text[i] == '\n' || i + 1 == size;
    }
    int status = vocab_begin_pieces(path, v, lines, size);
    while (status == CLIPC_OK && at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end != NULL ? (size_t)(end - text) - at : size - at;
        size_t word = n > 0 && text[at + n - 1] == '\r' ? n - 1 : n;
        if (!is_utf8(text + at, word)) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "%s: line %u is not UTF-8: a vocabulary of BERT is wanted, a token a "
                             "line",
                             path, v->n + 1);
        }
        vocab_add_piece(v, text + at, word, 0, FORMAT_PIECE_NORMAL);
        at += n + 1;
    }
    v->flags = FORMAT_LOWER_CASE; /* unless a config says otherwise */
    return status;
}

static int read_list(const char *path, struct files *files, struct vocab *v)
{
    unsigned char *data;
    size_t size;
    int status = files_add(files, path);

    if (status == CLIPC_OK) {
        status = base_read_file(path, MAX_LIST_BYTES, &data, &size);
    }
    if (status == CLIPC_OK) {
        status = vocab_wordpiece_list(path, (const char *)data, size, v);
        base_free(data);
    }
    return status;
}

/* ---- tokenizer.json ------------------------------------------------------------------------ */

static bool is_true(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

/* BERT's, with both or neither of lower case and no accents: strip_accents is as lowercase unless
 * it says otherwise. */
static int take_normalizer(const char *path, const json_t *n, struct vocab *v)
{
    const json_t *accents = json_object_get(n, "strip_accents");
    bool lower = is_true(n, "lowercase");

    if (strcmp(vocab_json_text(n, "type"), "BertNormalizer") != 0) {
        return vocab_json_refuse(path, "normalizer", vocab_json_text(n, "type"),
                                 "BertNormalizer is");
    }
    if (!is_true(n, "clean_text") || !is_true(n, "handle_chinese_chars") ||
        (json_is_boolean(accents) && json_is_true(accents) != lower)) {
        return vocab_json_refuse(path, "normalizer", "a BertNormalizer with parts left out",
                                 "clean_text, handle_chinese_chars, and strip_accents as "
                                 "lowercase, are");
    }
    v->flags = lower ? FORMAT_LOWER_CASE : 0;
    return CLIPC_OK;
}

static int check_model(const char *path, const json_t *root)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    const char *type = model != NULL ? vocab_json_text(model, "type") : "missing";
    const char *before = vocab_json_text(json_object_get(root, "pre_tokenizer"), "type");

    if (strcmp(type, "WordPiece") != 0 || !json_is_object(json_object_get(model, "vocab"))) {
        return vocab_json_refuse(path, "model", type, "WordPiece with a vocab is");
    }
    if (strcmp(vocab_json_text(model, "continuing_subword_prefix"), "##") != 0 ||
        (most != NULL && json_integer_value(most) != 100)) {
        return vocab_json_refuse(path, "model", "WordPiece with another prefix or length",
                                 "## and 100 characters are");
    }
    return strcmp(before, "BertPreTokenizer") == 0
               ? CLIPC_OK
               : vocab_json_refuse(path, "pre_tokenizer", before, "BertPreTokenizer is");
}

/* Each added token is a piece, found in the raw text. */
static int take_added(const char *path, const json_t *list, struct vocab *v)
{
    size_t i;
    json_t *token;

    json_array_foreach(list, i, token)
    {
        const char *text = vocab_json_text(token, "content");
        const json_t *id = json_object_get(token, "id");
        uint32_t piece = vocab_piece_id(v, text);
        if (piece == UINT32_MAX || !json_is_integer(id) || json_integer_value(id) != piece ||
            vocab_json_is_odd(token)) {
            return vocab_json_refuse(path, "added token", text,
                                     "those that are pieces, without flags, are");
        }
        v->types[piece] = FORMAT_PIECE_USER;
    }
    return CLIPC_OK;
}

static int take_vocab(const char *path, const json_t *vocab, struct vocab *v)
{
    struct vocab_loader l = {path, (json_t *)(uintptr_t)vocab, v};
    const char **names = vocab_names(&l);
    size_t n = json_object_size(vocab), bytes = 0;

    if (names == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    for (size_t i = 0; i < n; i++) {
        bytes += strlen(names[i]);
    }
    int status = vocab_begin_pieces(path, v, n, bytes);
    for (size_t i = 0; i < n && status == CLIPC_OK; i++) {
        vocab_add_piece(v, names[i], strlen(names[i]), 0, FORMAT_PIECE_NORMAL);
    }
    free(names);
    return status;
}

int vocab_wordpiece_parse(const char *path, const json_t *root, struct vocab *v)
{
    int status = check_model(path, root);

    if (status == CLIPC_OK) {
        status = take_normalizer(path, json_object_get(root, "normalizer"), v);
    }
    if (status == CLIPC_OK) {
        status = take_vocab(path, json_object_get(json_object_get(root, "model"), "vocab"), v);
    }
    return status == CLIPC_OK ? take_added(path, json_object_get(root, "added_tokens"), v) : status;
}

static int read_json(const char *path, struct files *files, struct vocab *v)
{
    json_t *root = json_read_file(path, files);
    int status = root != NULL ? vocab_wordpiece_parse(path, root, v) : CLIPC_ERROR_FORMAT;

    json_decref(root);
    return status;
}

/* ---- What is around them ------------------------------------------------------------------- */

/* BertTokenizer(Fast), as the files of the published models have it.  The special tokens are pieces
 * that are found in the raw text; the unknown one too. */
int vocab_wordpiece_finish(const char *path, const json_t *config, struct vocab *v)
{
    static const struct {
        const char *key, *text;
    } special[] = {{"unk_token", "[UNK]"},
                   {"cls_token", "[CLS]"},
                   {"sep_token", "[SEP]"},
                   {"pad_token", "[PAD]"},
                   {"mask_token", "[MASK]"}};
    uint32_t ids[5];

    for (size_t i = 0; i < 5; i++) {
        const char *text = vocab_json_token(config, special[i].key, special[i].text);
        ids[i] = vocab_piece_id(v, text);
        if (ids[i] == UINT32_MAX && i < 4) {
            return base_fail(CLIPC_ERROR_FORMAT,
                             "%s: none of its tokens is the special token '%.60s': a vocabulary of "
                             "BERT has it",
                             path, text);
        }
        if (ids[i] != UINT32_MAX) {
            v->types[ids[i]] = i == 0 ? FORMAT_PIECE_UNKNOWN : FORMAT_PIECE_USER;
        }
    }
    v->kind = FORMAT_TOKENIZER_WORDPIECE;
    v->rules = FORMAT_HF;
    v->sot_id = ids[1];
    v->eot_id = ids[2];
    v->pad_id = ids[3];
    return vocab_finish_pieces(path, v);
}

static int take_config(struct json_section *c, struct vocab *v)
{
    const char *class = json_take_string(c, "tokenizer_class", "BertTokenizer");
    const json_t *decoder = json_object_get(c->object, "added_tokens_decoder");
    const char *number;
    json_t *token;
    bool lower = json_take_bool(c, "do_lower_case", (v->flags & FORMAT_LOWER_CASE) != 0);

    if (strcmp(class, "BertTokenizer") != 0 && strcmp(class, "BertTokenizerFast") != 0) {
        json_refuse(c, "tokenizer_class", "this text tower wants BertTokenizer(Fast)");
    }
    if (!json_take_bool(c, "tokenize_chinese_chars", true)) {
        json_refuse(c, "tokenize_chinese_chars", "ideographs are words of one character here");
    }
    if (json_take_bool(c, "strip_accents", lower) != lower) {
        json_refuse(c, "strip_accents", "accents go where letters become lower-case");
    }
    if (strcmp(json_take_string(c, "padding_side", "right"), "right") != 0) {
        json_refuse(c, "padding_side", "clipc pads on the right");
    }
    v->flags = lower ? FORMAT_LOWER_CASE : 0;
    json_object_foreach((json_t *)(uintptr_t)decoder, number, token)
    {
        const char *text = vocab_json_text(token, "content");
        uint32_t id = vocab_piece_id(v, text);
        if (c->status == CLIPC_OK && (id == UINT32_MAX || (long)id != strtol(number, NULL, 10) ||
                                      vocab_json_is_odd(token))) {
            c->status = vocab_json_refuse(c->path, "added token", text,
                                          "those that are tokens of the vocabulary are");
        }
        if (c->status == CLIPC_OK) {
            v->types[id] = FORMAT_PIECE_USER;
        }
    }
    return c->status;
}

/* The vocabulary at `file`, and the config in its folder, if there is one. */
static int load(const char *folder, const char *file, struct files *files, struct vocab *v)
{
    size_t n = strlen(file);
    bool json = n >= 5 && strcmp(file + n - 5, ".json") == 0;
    char *config = files_join(folder, "tokenizer_config.json");
    bool has_config = config != NULL && files_exists(config);
    json_t *root = NULL;
    int status = config != NULL ? CLIPC_OK : CLIPC_ERROR_MEMORY;

    if (status == CLIPC_OK) {
        status = json ? read_json(file, files, v) : read_list(file, files, v);
    }
    if (status == CLIPC_OK && has_config) {
        root = json_read_file(config, files);
        struct json_section c = {config, "", root, CLIPC_OK};
        status = root != NULL ? take_config(&c, v) : CLIPC_ERROR_FORMAT;
    }
    if (status == CLIPC_OK) {
        status = vocab_wordpiece_finish(file, root, v);
    }
    json_decref(root);
    free(config);
    return status;
}

/* The file of `folder` that holds the vocabulary, or NULL: it has none. */
static char *find_file(const char *folder)
{
    static const char *const names[] = {"tokenizer.json", "vocab.txt"};

    for (size_t i = 0; i < 2; i++) {
        char *path = files_join(folder, names[i]);
        if (path != NULL && files_exists(path)) {
            return path;
        }
        free(path);
    }
    base_fail(CLIPC_ERROR_IO, "%s: no tokenizer.json or vocab.txt of BERT", folder);
    return NULL;
}

int vocab_load_wordpiece(const char *path, struct files *files, struct vocab *v)
{
    bool is_folder = files_is_folder(path);
    char *folder, *found = NULL;
    int status = files_home(path, &folder);

    memset(v, 0, sizeof *v);
    if (status == CLIPC_OK && is_folder && (found = find_file(folder)) == NULL) {
        status = CLIPC_ERROR_IO;
    }
    if (status == CLIPC_OK) {
        status = load(folder, is_folder ? found : path, files, v);
    }
    free(found);
    free(folder);
    if (status != CLIPC_OK) {
        vocab_free(v);
    }
    return status;
}
