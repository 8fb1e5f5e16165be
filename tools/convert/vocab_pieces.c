/* vocab_pieces.c - the tokenizer's files beside a SigLIP model: which file holds the pieces, and
 * what tokenizer_config.json says of special tokens and of the class around them. */
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "spm_model.h"
#include "vocab_tables.h"

/* The text of a special token: a string, or an object with "content"; `otherwise` when the file
 * has none. */
static const char *token_text(const json_t *config, const char *key, const char *otherwise)
{
    const json_t *token = json_object_get(config, key);
    const char *text =
        json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);

    return text != NULL ? text : otherwise;
}

static int find_special(const char *path, const struct vocab *v, const char *text, uint32_t *id)
{
    *id = vocab_piece_id(v, text);
    return *id != UINT32_MAX
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_FORMAT,
                           "%s: none of its pieces is the special token '%.60s'", path, text);
}

/* Every added token is one that the rules know: the end token, which pads too, and the unknown
 * one. */
static int check_added(const char *path, const json_t *config, const struct vocab *v)
{
    const json_t *decoder = json_object_get(config, "added_tokens_decoder");
    const char *number;
    json_t *token;

    json_object_foreach((json_t *)(uintptr_t)decoder, number, token)
    {
        const char *text = json_string_value(json_object_get(token, "content"));
        uint32_t id = text != NULL ? vocab_piece_id(v, text) : UINT32_MAX;
        if (id == UINT32_MAX || (long)id != strtol(number, NULL, 10) ||
            (id != v->eot_id && id != v->pad_id && v->types[id] != FORMAT_PIECE_UNKNOWN)) {
            return base_fail(CLIPC_ERROR_UNSUPPORTED,
                             "%s: adds the token '%.60s', which clipc does not know: a text with "
                             "it would get other ids",
                             path, text != NULL ? text : number);
        }
    }
    return CLIPC_OK;
}

/* SiglipTokenizer's rules, with its defaults for what the file leaves out. */
static int take_rules(const char *path, const json_t *config, struct vocab *v)
{
    struct json_section c = {path, "", config, CLIPC_OK};
    const char *class = json_take_string(&c, "tokenizer_class", "SiglipTokenizer");
    bool lower = json_take_bool(&c, "do_lower_case", true);
    int status = c.status;

    if (status == CLIPC_OK && strcmp(class, "SiglipTokenizer") != 0) {
        json_refuse(&c, "tokenizer_class", "of SentencePiece's, clipc knows SiglipTokenizer");
        status = c.status;
    }
    v->rules = FORMAT_SIGLIP;
    v->flags = (v->flags & ~(uint32_t)FORMAT_DUMMY_PREFIX) | (lower ? FORMAT_LOWER_CASE : 0);
    if (status == CLIPC_OK) {
        status = find_special(path, v, token_text(config, "eos_token", "</s>"), &v->eot_id);
    }
    if (status == CLIPC_OK) {
        status = find_special(path, v, token_text(config, "pad_token", "</s>"), &v->pad_id);
    }
    return status == CLIPC_OK ? check_added(path, config, v) : status;
}

static int load_model(const char *folder, const char *path, struct files *files, struct vocab *v)
{
    char *config = files_join(folder, "tokenizer_config.json");
    int status = config != NULL ? spm_model_read(path, files, v) : CLIPC_ERROR_MEMORY;
    json_t *root = NULL;

    if (status == CLIPC_OK && files_exists(config)) {
        root = json_read_file(config, files);
        status = root != NULL ? take_rules(config, root, v) : CLIPC_ERROR_FORMAT;
    } else if (status == CLIPC_OK) {
        status = take_rules(path, root, v);
    }
    json_decref(root);
    free(config);
    return status;
}

/* The model file of `folder`; NULL with CLIPC_ERROR_IO's message when it has none. */
static char *find_model(const char *folder)
{
    static const char *const names[] = {"spiece.model", "tokenizer.model"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = files_join(folder, names[i]);
        if (path == NULL || files_exists(path)) {
            return path;
        }
        free(path);
    }
    base_fail(CLIPC_ERROR_IO, "%s: no spiece.model or tokenizer.model", folder);
    return NULL;
}

int vocab_load_pieces(const char *path, struct files *files, struct vocab *v)
{
    bool is_folder = files_is_folder(path);
    char *folder = is_folder ? strdup(path) : files_parent(path);
    char *model = NULL;
    int status = CLIPC_ERROR_IO;

    memset(v, 0, sizeof *v);
    if (folder == NULL) {
        status = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    } else if (!files_exists(path)) {
        status = base_fail(CLIPC_ERROR_IO, "%s: no such file or folder", path);
    } else if ((model = is_folder ? find_model(folder) : strdup(path)) != NULL) {
        status = load_model(folder, model, files, v);
    }
    free(model);
    free(folder);
    if (status != CLIPC_OK) {
        vocab_free(v);
    }
    return status;
}
