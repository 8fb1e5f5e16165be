/* vocab_json.c - a tokenizer.json of HuggingFace's tokenizers library, of the kind that Gemma's
 * SentencePiece model was rewritten to: BPE whose symbols are characters, byte_fallback, spaces
 * replaced by U+2581, tokens that are found in the raw text before all else. */
#include "vocab_json.h"

#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "vocab_ids.h"
#include "vocab_tables.h"
#include "vocab_unigram.h"

#define SPACE_SYMBOL "\xe2\x96\x81"

const char *vocab_json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

const char *vocab_json_token(const json_t *config, const char *key, const char *otherwise)
{
    const json_t *token = json_object_get(config, key);
    const char *text =
        json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);

    return text != NULL ? text : otherwise;
}

int vocab_json_refuse(const char *path, const char *part, const char *found, const char *known)
{
    return base_fail(CLIPC_ERROR_UNSUPPORTED,
                     "%s: its %s is '%.60s', which clipc does not know (%s): texts would get other "
                     "ids.  If there is a spiece.model or tokenizer.model: --vocab FILE",
                     path, part, found, known);
}

bool vocab_json_is_odd(const json_t *token)
{
    static const char *const flags[] = {"normalized", "lstrip", "rstrip", "single_word"};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (json_is_true(json_object_get(token, flags[i]))) {
            return true;
        }
    }
    return false;
}

/* ---- What stands around the model ---------------------------------------------------------- */

static int take_normalizer(const char *path, const json_t *n, uint32_t *flags)
{
    const char *type = vocab_json_text(n, "type");
    size_t i;
    json_t *one;

    if (n == NULL || json_is_null(n)) {
        return CLIPC_OK;
    }
    if (strcmp(type, "Sequence") == 0) {
        json_array_foreach(json_object_get(n, "normalizers"), i, one)
        {
            int status =
                strcmp(vocab_json_text(one, "type"), "Sequence") == 0
                    ? vocab_json_refuse(path, "normalizer", "Sequence in a Sequence", "one of them")
                    : take_normalizer(path, one, flags);
            if (status != CLIPC_OK) {
                return status;
            }
        }
        return CLIPC_OK;
    }
    if (strcmp(type, "Lowercase") == 0) {
        *flags |= FORMAT_LOWER_CASE;
        return CLIPC_OK;
    }
    if (strcmp(type, "Replace") == 0 &&
        strcmp(vocab_json_text(json_object_get(n, "pattern"), "String"), " ") == 0 &&
        strcmp(vocab_json_text(n, "content"), SPACE_SYMBOL) == 0) {
        *flags |= FORMAT_ESCAPE_SPACES;
        return CLIPC_OK;
    }
    return vocab_json_refuse(path, "normalizer", type,
                             "Lowercase, and Replace of spaces by U+2581, are");
}

/* Where spaces have become U+2581, cutting at spaces cuts nothing. */
static int check_pre_tokenizer(const char *path, const json_t *p, uint32_t flags)
{
    const char *type = vocab_json_text(p, "type");

    if (p == NULL || json_is_null(p) ||
        ((flags & FORMAT_ESCAPE_SPACES) && strcmp(type, "Split") == 0 &&
         strcmp(vocab_json_text(json_object_get(p, "pattern"), "String"), " ") == 0)) {
        return CLIPC_OK;
    }
    return vocab_json_refuse(path, "pre_tokenizer", type,
                             "none, or Split at spaces that are replaced, is");
}

/* A template, of which the config may take the start token away. */
static int take_post_processor(const char *path, const json_t *p, struct vocab *v)
{
    const char *type = vocab_json_text(p, "type");
    const json_t *first = json_array_get(json_object_get(p, "single"), 0);

    if (p == NULL || json_is_null(p)) {
        return CLIPC_OK;
    }
    v->starts = json_object_get(first, "SpecialToken") != NULL;
    return strcmp(type, "TemplateProcessing") == 0
               ? CLIPC_OK
               : vocab_json_refuse(path, "post_processor", type, "a template is");
}

static int check_model(const char *path, const json_t *model)
{
    const char *type = model != NULL ? vocab_json_text(model, "type") : "missing";
    const json_t *prefix = json_object_get(model, "continuing_subword_prefix");
    const json_t *suffix = json_object_get(model, "end_of_word_suffix");

    if (!json_is_object(json_object_get(model, "vocab")) ||
        !json_is_array(json_object_get(model, "merges"))) {
        return vocab_json_refuse(path, "model", type, "BPE with vocab and merges is");
    }
    if (json_string_length(prefix) != 0 || json_string_length(suffix) != 0) {
        return vocab_json_refuse(path, "model", "BPE with a prefix or suffix of words",
                                 "one without is");
    }
    if (json_number_value(json_object_get(model, "dropout")) != 0 ||
        json_is_true(json_object_get(model, "ignore_merges"))) {
        return vocab_json_refuse(path, "model", "BPE with dropout or ignore_merges",
                                 "one without is");
    }
    if (!json_is_true(json_object_get(model, "fuse_unk"))) {
        return vocab_json_refuse(path, "model", "BPE without fuse_unk", "one with it is");
    }
    return CLIPC_OK;
}

/* ---- Tokens -------------------------------------------------------------------------------- */

/* {content: id} of added_tokens, which join l->ids too; NULL with base_fail's message. */
static json_t *take_added(struct vocab_loader *l, const json_t *list)
{
    json_t *added = json_object(), *token;
    size_t i;

    json_array_foreach(list, i, token)
    {
        const char *text = vocab_json_text(token, "content");
        json_t *id = json_object_get(token, "id"), *known = json_object_get(l->ids, text);
        if (vocab_json_is_odd(token) || text[0] == '\0' || !json_is_integer(id) ||
            (known != NULL && !json_equal(known, id))) {
            vocab_json_refuse(
                l->path, "added token", text,
                "without normalized, lstrip, rstrip and single_word, and with one id, they are");
            json_decref(added);
            return NULL;
        }
        json_object_set(l->ids, text, id);
        json_object_set(added, text, id);
    }
    return added;
}

bool vocab_json_is_byte(const char *name)
{
    return strlen(name) == 6 && memcmp(name, "<0x", 3) == 0 && name[5] == '>' &&
           strspn(name + 3, "0123456789ABCDEF") == 2;
}

static int take_tokens(const struct vocab_loader *l, const json_t *model, const json_t *added)
{
    const char **names = vocab_names(l);
    size_t n = json_object_size(l->ids), bytes = 0;
    const char *unknown = vocab_json_text(model, "unk_token");

    if (names == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    for (size_t i = 0; i < n; i++) {
        bytes += strlen(names[i]);
    }
    int status = vocab_begin_pieces(l->path, l->v, n, bytes);
    if (status == CLIPC_OK && json_object_get(added, unknown) == NULL) {
        status = vocab_json_refuse(l->path, "unk_token", unknown, "one of the added tokens is");
    }
    for (size_t i = 0; i < n && status == CLIPC_OK; i++) {
        bool byte = (l->v->flags & FORMAT_BYTE_FALLBACK) && vocab_json_is_byte(names[i]);
        vocab_add_piece(l->v, names[i], strlen(names[i]), 0,
                        strcmp(names[i], unknown) == 0             ? FORMAT_PIECE_UNKNOWN
                        : json_object_get(added, names[i]) != NULL ? FORMAT_PIECE_USER
                        : byte                                     ? FORMAT_PIECE_BYTE
                                                                   : FORMAT_PIECE_NORMAL);
    }
    free(names);
    return status == CLIPC_OK ? vocab_finish_pieces(l->path, l->v) : status;
}

static int read_all(struct vocab_loader *l, const json_t *root)
{
    const json_t *model = json_object_get(root, "model");
    json_t *added = NULL;
    int status;

    if ((status = check_model(l->path, model)) != CLIPC_OK ||
        (status = take_normalizer(l->path, json_object_get(root, "normalizer"), &l->v->flags)) !=
            CLIPC_OK ||
        (status = check_pre_tokenizer(l->path, json_object_get(root, "pre_tokenizer"),
                                      l->v->flags)) != CLIPC_OK ||
        (status = take_post_processor(l->path, json_object_get(root, "post_processor"), l->v)) !=
            CLIPC_OK) {
        return status;
    }
    if (json_is_true(json_object_get(model, "byte_fallback"))) {
        l->v->flags |= FORMAT_BYTE_FALLBACK;
    }
    l->ids = json_copy(json_object_get(model, "vocab"));
    added = take_added(l, json_object_get(root, "added_tokens"));
    status = added != NULL ? take_tokens(l, model, added) : CLIPC_ERROR_UNSUPPORTED;
    if (status == CLIPC_OK) {
        status = vocab_take_merges(l, json_object_get(model, "merges"));
    }
    json_decref(added);
    json_decref(l->ids);
    return status;
}

int vocab_json_parse(const char *path, const json_t *root, bool siglip, struct vocab *v)
{
    struct vocab_loader l = {path, NULL, v};
    const json_t *model = json_object_get(root, "model");

    if (json_is_array(json_object_get(model, "vocab"))) {
        return vocab_unigram_read(path, root, siglip, v);
    }
    v->kind = FORMAT_TOKENIZER_MERGES;
    v->rules = FORMAT_HF;
    return read_all(&l, root);
}

int vocab_json_read(const char *path, struct files *files, bool siglip, struct vocab *v)
{
    json_t *root = json_read_file(path, files);
    int status = root != NULL ? vocab_json_parse(path, root, siglip, v) : CLIPC_ERROR_FORMAT;

    json_decref(root);
    return status;
}
