/* vocab_pieces.c - the tokenizer's files beside a SigLIP model, HuggingFace's or OpenCLIP's: which
 * file holds the pieces, and what tokenizer_config.json says of special tokens and of the class
 * around them. */
#include <stdlib.h>
#include <string.h>

#include "json_read.h"
#include "spm_model.h"
#include "vocab_json.h"
#include "vocab_tables.h"

static int find_special(const char *path, const struct vocab *v, const char *text, uint32_t *id)
{
    *id = vocab_piece_id(v, text);
    return *id != UINT32_MAX
               ? CLIPC_OK
               : base_fail(CLIPC_ERROR_FORMAT,
                           "%s: none of its pieces is the special token '%.60s'", path, text);
}

/* From now on found wherever a text spells it; UINT32_MAX: none. */
static void add_token(struct vocab *v, uint32_t id)
{
    if (id != UINT32_MAX && v->types[id] != FORMAT_PIECE_UNKNOWN) {
        v->types[id] = FORMAT_PIECE_USER;
    }
}

/* Every added token is one that the rules know: the end, the padding and the unknown token, and
 * what the pieces themselves say is found wherever a text spells it.  The rules of the tokenizers
 * library find any. */
static int check_added(const char *path, const json_t *config, struct vocab *v)
{
    const json_t *decoder = json_object_get(config, "added_tokens_decoder");
    const char *number;
    json_t *token;
    bool any = v->kind == FORMAT_TOKENIZER_UNIGRAM && v->rules == FORMAT_HF;

    json_object_foreach((json_t *)(uintptr_t)decoder, number, token)
    {
        const char *text = json_string_value(json_object_get(token, "content"));
        uint32_t id = text != NULL ? vocab_piece_id(v, text) : UINT32_MAX;
        if (id == UINT32_MAX || (long)id != strtol(number, NULL, 10) ||
            (!any && id != v->eot_id && id != v->pad_id && v->types[id] != FORMAT_PIECE_UNKNOWN &&
             (v->types[id] != FORMAT_PIECE_USER || v->rules == FORMAT_SIGLIP))) {
            return base_fail(CLIPC_ERROR_UNSUPPORTED,
                             "%s: adds the token '%.60s', which clipc does not know: a text with "
                             "it would get other ids",
                             path, text != NULL ? text : number);
        }
        add_token(v, any ? id : UINT32_MAX);
    }
    add_token(v, any ? v->eot_id : UINT32_MAX);
    add_token(v, any ? v->pad_id : UINT32_MAX);
    return any ? vocab_finish_pieces(path, v) : CLIPC_OK;
}

/* Whose rules a folder's texts follow. */
struct class
{
    const char *name; /* of tokenizer_config.json */
    bool json;        /* tokenizer.json before a model file */
    bool lower;       /* letters, unless do_lower_case says no */
    enum format_rules rules;
    const char *eos, *pad; /* when the file leaves them out */
};
static const struct class classes[] = {
    {"SiglipTokenizer", false, true, FORMAT_SIGLIP, "</s>", "</s>"},
    {"GemmaTokenizer", true, true, FORMAT_SENTENCEPIECE, "<eos>", "<pad>"},
    {"GemmaTokenizerFast", true, true, FORMAT_SENTENCEPIECE, "<eos>", "<pad>"},
    {"Siglip2Tokenizer", true, true, FORMAT_SENTENCEPIECE, "<eos>", "<pad>"},
    {"T5Tokenizer", true, false, FORMAT_HF, "</s>", "<pad>"},
    {"T5TokenizerFast", true, false, FORMAT_HF, "</s>", "<pad>"},
};
/* Where no file names one: SigLIP 2's has the forms of Gemma's vocabulary; OpenCLIP's first SigLIP
 * is T5's class, made to pad with the end token. */
static const struct class *const siglip = &classes[0], *const siglip2 = &classes[1];
static const struct class open_clip_siglip = {"", true, false, FORMAT_HF, "</s>", "</s>"};

/* A folder or a file of pieces, and what is around it. */
struct place {
    const char *folder, *file; /* file NULL: that of the folder */
    bool open_clip;            /* which cleans the texts by its own rules */
};

/* The class that the file names; NULL when it names none, or with c->status. */
static const struct class *find_class(struct json_section *c)
{
    const char *name = json_take_string(c, "tokenizer_class", "");

    for (size_t i = 0; i < sizeof classes / sizeof classes[0] && c->status == CLIPC_OK; i++) {
        if (strcmp(name, classes[i].name) == 0) {
            return &classes[i];
        }
    }
    if (name[0] != '\0') {
        json_refuse(c, "tokenizer_class",
                    "of SentencePiece's, clipc knows SiglipTokenizer, GemmaTokenizer(Fast), "
                    "Siglip2Tokenizer and T5Tokenizer(Fast)");
    }
    return NULL;
}

/* What the class puts around the pieces: the tables' own flags and rules are there already. */
static int take_rules(struct json_section *c, const struct class *class, bool open_clip,
                      struct vocab *v)
{
    bool lower = json_take_bool(c, "do_lower_case",
                                class->lower && (!open_clip || class->rules == FORMAT_SIGLIP));

    if (json_take_bool(c, "add_bos_token", v->starts)) {
        json_refuse(c, "add_bos_token", "SigLIP's texts begin without a start token%s",
                    v->starts ? ", but tokenizer.json's template has one" : "");
    }
    if (!json_take_bool(c, "add_eos_token", true)) {
        json_refuse(c, "add_eos_token", "SigLIP's texts end with an end token");
    }
    if (strcmp(json_take_string(c, "padding_side", "right"), "right") != 0) {
        json_refuse(c, "padding_side", "clipc pads on the right");
    }
    if (class->rules == FORMAT_SIGLIP) {
        v->flags &= ~(uint32_t)(FORMAT_DUMMY_PREFIX | FORMAT_FIRST_PREFIX);
    }
    if (class->rules == FORMAT_HF && v->kind != FORMAT_TOKENIZER_UNIGRAM) {
        json_refuse(c, "tokenizer_class", "T5's pieces are a unigram model, and these are not");
    }
    v->flags |= lower ? FORMAT_LOWER_CASE : 0;
    if (v->kind != FORMAT_TOKENIZER_MERGES) {
        v->rules = class->rules;
    }
    int status = c->status;
    if (status == CLIPC_OK) {
        status = find_special(c->path, v, vocab_json_token(c->object, "eos_token", class->eos),
                              &v->eot_id);
    }
    if (status == CLIPC_OK) {
        status = find_special(c->path, v, vocab_json_token(c->object, "pad_token", class->pad),
                              &v->pad_id);
    }
    return status == CLIPC_OK ? check_added(c->path, c->object, v) : status;
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    return n >= m && strcmp(path + n - m, end) == 0;
}

/* Is the file `name` in `folder`? */
static bool is_there(const char *folder, const char *name)
{
    char *path = files_join(folder, name);
    bool there = path != NULL && files_exists(path);

    free(path);
    return there;
}

/* The file of `folder` that holds the vocabulary; NULL with CLIPC_ERROR_IO's message when it has
 * none. */
static char *find_file(const struct place *p, const struct class *class)
{
    static const char *const names[] = {"tokenizer.json", "spiece.model", "tokenizer.model",
                                        "tokenizer.json"};
    bool json = class != NULL ? class->json : p->open_clip;

    for (size_t i = json ? 0 : 1; i < 4; i++) {
        if (is_there(p->folder, names[i])) {
            return files_join(p->folder, names[i]);
        }
    }
    base_fail(CLIPC_ERROR_IO, "%s: no spiece.model, tokenizer.model or tokenizer.json of SigLIP",
              p->folder);
    return NULL;
}

/* The pieces of `file`, and then the rules of its class. */
static int load_file(const struct place *p, const char *file, struct json_section *c,
                     const struct class *class, struct files *files, struct vocab *v)
{
    bool json = ends_with(file, ".json");
    bool first = class == NULL ? !p->open_clip : class->rules == FORMAT_SIGLIP;
    int status = json ? vocab_json_read(file, files, first, v) : spm_model_read(file, files, v);

    if (status == CLIPC_OK && class == NULL) {
        bool second = v->kind == FORMAT_TOKENIZER_MERGES || ends_with(file, "tokenizer.model");
        class = second ? siglip2 : p->open_clip ? &open_clip_siglip : siglip;
    } else if (status == CLIPC_OK && !json && class->rules == FORMAT_HF &&
               !json_take_bool(c, "legacy", true)) {
        v->flags |= FORMAT_FIRST_PREFIX;
    } else if (status == CLIPC_OK && first && v->kind == FORMAT_TOKENIZER_MERGES) {
        status = vocab_json_refuse(file, "model", "BPE", "Unigram of a SiglipTokenizer is");
    }
    return status == CLIPC_OK ? take_rules(c, class, p->open_clip, v) : status;
}

static int load(const struct place *p, struct files *files, struct vocab *v)
{
    const char *file = p->file;
    char *config = files_join(p->folder, "tokenizer_config.json"), *found = NULL;
    bool has_config = config != NULL && files_exists(config);
    json_t *root = has_config ? json_read_file(config, files) : NULL;
    int status = config == NULL               ? CLIPC_ERROR_MEMORY
                 : has_config && root == NULL ? CLIPC_ERROR_FORMAT
                                              : CLIPC_OK;

    if (status == CLIPC_OK) {
        struct json_section c = {has_config     ? config
                                 : file != NULL ? file
                                                : p->folder,
                                 "", root, CLIPC_OK};
        const struct class *class = find_class(&c);
        status = c.status;
        if (status == CLIPC_OK && file == NULL) {
            file = found = find_file(p, class);
            status = file != NULL ? CLIPC_OK : CLIPC_ERROR_IO;
        }
        if (status == CLIPC_OK) {
            status = load_file(p, file, &c, class, files, v);
        }
    }
    json_decref(root);
    free(config);
    free(found);
    return status;
}

int vocab_load_pieces(const char *path, bool open_clip, struct files *files, struct vocab *v)
{
    char *folder;
    int status = files_home(path, &folder);

    memset(v, 0, sizeof *v);
    if (status == CLIPC_OK) {
        const struct place place = {folder, files_is_folder(path) ? NULL : path, open_clip};
        status = load(&place, files, v);
    }
    free(folder);
    if (status != CLIPC_OK) {
        vocab_free(v);
    }
    return status;
}
