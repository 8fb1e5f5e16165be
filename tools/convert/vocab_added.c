/* vocab_added.c - added_tokens.json, and what tokenizer.json, tokenizer_config.json and
 * special_tokens_map.json say of tokens beside the vocabulary. */
#include "vocab_added.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "json_read.h"
#include "openai.h"

/* One list's check, which stops at the first token that is refused. */
struct check {
    const char *path;
    const struct vocab *v;
    int status;
};

static bool is_start(const char *content)
{
    return strcmp(content, OPENAI_START) == 0 || strcmp(content, OPENCLIP_START) == 0;
}

static bool is_end(const char *content)
{
    return strcmp(content, OPENAI_END) == 0 || strcmp(content, OPENCLIP_END) == 0;
}

bool vocab_is_special(const char *content)
{
    return is_start(content) || is_end(content);
}

/* A token as files write it: its text, or an object with "content" and flags.  id: a number, or
 * NULL where the file gives none. */
static void check_token(struct check *c, const json_t *token, const json_t *id)
{
    const char *content = json_string_value(token);
    bool plain = true;

    if (c->status != CLIPC_OK || token == NULL || json_is_null(token)) {
        return;
    }
    if (json_is_object(token)) {
        content = json_string_value(json_object_get(token, "content"));
        plain = !json_is_true(json_object_get(token, "lstrip")) &&
                !json_is_true(json_object_get(token, "rstrip")) &&
                !json_is_true(json_object_get(token, "single_word"));
    }
    if (content == NULL) {
        c->status = base_fail(CLIPC_ERROR_FORMAT, "%s: an added token without its text", c->path);
        return;
    }
    bool special = vocab_is_special(content);
    json_int_t mine = is_start(content) ? c->v->sot_id : c->v->eot_id;
    if (!special || !plain || (id != NULL && json_integer_value(id) != mine)) {
        c->status =
            base_fail(CLIPC_ERROR_UNSUPPORTED,
                      "%s: adds the token '%.60s'%s, which clipc does not know: a text with it "
                      "would get other "
                      "ids.  If no text needs it, name a vocabulary without it: --vocab FOLDER",
                      c->path, content, special ? " with another id or with flags" : "");
    }
}

/* Lists and objects of tokens; the values of an object, or its names when they have ids. */
static void check_list(struct check *c, const json_t *list)
{
    const char *name;
    json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        check_token(c, value, json_object_get(value, "id"));
    }
    json_object_foreach((json_t *)(uintptr_t)list, name, value)
    {
        check_token(c, value, NULL);
    }
}

/* {"TEXT": id}. */
static void check_added(struct check *c, json_t *root)
{
    const char *content;
    json_t *id;

    json_object_foreach(root, content, id)
    {
        json_t *text = json_string(content);
        check_token(c, text, id);
        json_decref(text);
    }
}

/* {"49406": {"content": ...}}. */
static void check_decoder(struct check *c, json_t *decoder)
{
    const char *number;
    json_t *token;

    json_object_foreach(decoder, number, token)
    {
        json_t *id = json_integer(strtol(number, NULL, 10));
        check_token(c, token, id);
        json_decref(id);
    }
}

/* The keys by which tokenizers name their special tokens, which transformers adds when it loads. */
static void check_special(struct check *c, const json_t *root)
{
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        check_token(c, json_object_get(root, keys[i]), NULL);
    }
    check_list(c, json_object_get(root, "additional_special_tokens"));
    check_list(c, json_object_get(root, "extra_special_tokens"));
}

int vocab_check_tokenizer(const char *path, const json_t *root, const struct vocab *v)
{
    struct check c = {path, v, CLIPC_OK};

    check_list(&c, json_object_get(root, "added_tokens"));
    return c.status;
}

static void check_file(struct check *c, const char *name, json_t *root)
{
    if (strcmp(name, "added_tokens.json") == 0) {
        check_added(c, root);
    } else if (strcmp(name, "tokenizer.json") == 0) {
        c->status = vocab_check_tokenizer(c->path, root, c->v);
    } else {
        check_decoder(c, json_object_get(root, "added_tokens_decoder"));
        check_special(c, root);
    }
}

int vocab_check_added(const char *folder, struct files *files, const struct vocab *v)
{
    static const char *const names[] = {"added_tokens.json", "tokenizer.json",
                                        "tokenizer_config.json", "special_tokens_map.json"};
    int status = CLIPC_OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == CLIPC_OK; i++) {
        char *path = files_join(folder, names[i]);
        if (path == NULL) {
            status = CLIPC_ERROR_MEMORY;
        } else if (files_exists(path)) {
            json_t *root = json_read_file(path, files);
            struct check c = {path, v, root != NULL ? CLIPC_OK : CLIPC_ERROR_FORMAT};
            check_file(&c, names[i], root);
            json_decref(root);
            status = c.status;
        }
        free(path);
    }
    return status;
}
