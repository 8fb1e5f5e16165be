/* vocab.c - vocab.json + merges.txt, or tokenizer.json, to tables of ids. */
#include "vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/base/utf8.h"
#include "gunzip.h"
#include "json_read.h"
#include "openai.h"
#include "stand_ins.h"
#include "vocab_added.h"
#include "vocab_ids.h"
#include "vocab_merges.h"

#define MAX_MERGES_BYTES ((size_t)64 << 20)

/* The real bytes of a token's printable spelling; -1 when a character stands for none. */
static int real_bytes(const char *text, size_t n, const int *from_stand_in, unsigned char *to)
{
    int length = 0;

    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += utf8_read(text + i, n - i, &c, NULL);
        if (c >= 512 || from_stand_in[c] < 0) {
            return -1;
        }
        to[length++] = (unsigned char)from_stand_in[c];
    }
    return length;
}

static int take_bytes(const struct vocab_loader *l)
{
    for (int end = 0; end < 2; end++) {
        for (int b = 0; b < 256; b++) {
            char name[8];
            uint32_t id;
            size_t n = stand_in_spell(b, name);
            memcpy(name + n, end ? "</w>" : "", end ? 5 : 1);
            int status = vocab_find_id(l, name, &id);
            if (status != CLIPC_OK) {
                return status;
            }
            l->v->bytes[end][b] = (int32_t)id;
        }
    }
    return CLIPC_OK;
}

static int take_special(const struct vocab_loader *l, const char *first, const char *second,
                        uint32_t *id)
{
    return json_object_get(l->ids, first) != NULL ? vocab_find_id(l, first, id)
                                                  : vocab_find_id(l, second, id);
}

static int take_tokens(const struct vocab_loader *l)
{
    const char **names = vocab_names(l);
    int from_stand_in[512];
    size_t used = 0, total = 0;

    if (names == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    memset(from_stand_in, -1, sizeof from_stand_in);
    for (int b = 0; b < 256; b++) {
        from_stand_in[stand_in_of(b)] = b;
    }
    l->v->n = (uint32_t)json_object_size(l->ids);
    for (uint32_t i = 0; i < l->v->n; i++) {
        total += 2 + strlen(names[i]);
    }
    l->v->tokens = malloc(total + 1);
    for (uint32_t i = 0; l->v->tokens != NULL && i < l->v->n; i++) {
        size_t n = strlen(names[i]);
        bool end = n > 4 && strcmp(names[i] + n - 4, "</w>") == 0;
        unsigned char *to = l->v->tokens + used + 2;
        int length = real_bytes(names[i], end ? n - 4 : n, from_stand_in, to);
        if (length < 0) { /* a special token spelled in plain text */
            memcpy(to, names[i], n);
            length = (int)n;
            end = false;
        }
        unsigned head = (unsigned)length | (end ? FORMAT_WORD_END : 0);
        to[-2] = (unsigned char)(head & 0xff);
        to[-1] = (unsigned char)(head >> 8);
        used += 2 + (size_t)length;
    }
    free(names);
    l->v->tokens_bytes = used;
    return l->v->tokens != NULL ? CLIPC_OK
                                : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", l->path);
}

static int take_merge_lines(const struct vocab_loader *l, const char *text, size_t size)
{
    struct vocab_merge m = {0};
    size_t lines = 0;
    int status = CLIPC_OK;

    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    l->v->merges = calloc(lines + 2, 3 * sizeof *l->v->merges);
    if (l->v->merges == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", l->path);
    }
    while (status == CLIPC_OK && vocab_next_merge(text, size, &m)) {
        status = vocab_add_merge(l, m.left, m.n_left, m.right, m.n_right, m.line);
    }
    return status;
}

static int finish(const struct vocab_loader *l)
{
    int status = take_special(l, OPENAI_START, OPENCLIP_START, &l->v->sot_id);

    if (status == CLIPC_OK) {
        status = take_special(l, OPENAI_END, OPENCLIP_END, &l->v->eot_id);
    }
    if (status == CLIPC_OK) {
        status = take_bytes(l);
    }
    return status == CLIPC_OK ? take_tokens(l) : status;
}

/* A list of merges as text: packed by gzip or not, without a byte order mark; free() it. */
static int read_merges(const char *path, struct files *files, char **text, size_t *size)
{
    unsigned char *data, *unpacked = NULL;
    int status = files_add(files, path);

    if (status == CLIPC_OK) {
        status = base_read_file(path, MAX_MERGES_BYTES, &data, size);
    }
    if (status != CLIPC_OK) {
        return status;
    }
    if (*size >= 2 && data[0] == 0x1f && data[1] == 0x8b) {
        status = gunzip(path, data, *size, MAX_MERGES_BYTES, &unpacked, size);
    }
    const char *from = (const char *)(unpacked != NULL ? unpacked : data);
    size_t mark = status == CLIPC_OK ? utf8_mark(from, *size) : 0;
    *text = status == CLIPC_OK ? malloc(*size - mark + 1) : NULL;
    if (*text != NULL) {
        *size -= mark;
        memcpy(*text, from + mark, *size);
    } else if (status == CLIPC_OK) {
        status = base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", path);
    }
    base_free(data);
    free(unpacked);
    return status;
}

/* vocab: vocab.json; NULL: what follows from the merges. */
static int load_pair(const char *vocab, const char *merges, struct files *files, struct vocab *v)
{
    struct vocab_loader l = {vocab != NULL ? vocab : merges, NULL, v};
    char *text = NULL;
    size_t size = 0;
    int status = read_merges(merges, files, &text, &size);

    if (status == CLIPC_OK) {
        l.ids =
            vocab != NULL ? json_read_file(vocab, files) : vocab_ids_of_merges(merges, text, &size);
        status = l.ids != NULL ? finish(&l) : CLIPC_ERROR_FORMAT;
    }
    if (status == CLIPC_OK) {
        l.path = merges;
        status = take_merge_lines(&l, text, size);
    }
    json_decref(l.ids);
    free(text);
    return status;
}

static int load_tokenizer_json(const char *path, struct files *files, struct vocab *v)
{
    json_t *root = json_read_file(path, files);
    const json_t *model = json_object_get(root, "model");
    struct vocab_loader l = {path, NULL, v};
    size_t i;
    json_t *added;

    if (root == NULL) {
        return CLIPC_ERROR_FORMAT;
    }
    l.ids = json_copy(json_object_get(model, "vocab"));
    int status = json_is_object(l.ids) && json_is_array(json_object_get(model, "merges"))
                     ? CLIPC_OK
                     : base_fail(CLIPC_ERROR_FORMAT, "%s: not a byte-pair tokenizer", path);
    json_array_foreach(json_object_get(root, "added_tokens"), i, added)
    {
        const char *content = json_string_value(json_object_get(added, "content"));
        if (status == CLIPC_OK && content != NULL && vocab_is_special(content)) {
            json_object_set(l.ids, content, json_object_get(added, "id"));
        }
    }
    if (status == CLIPC_OK) {
        status = finish(&l);
    }
    if (status == CLIPC_OK) {
        status = vocab_take_merges(&l, json_object_get(model, "merges"));
    }
    if (status == CLIPC_OK) {
        status = vocab_check_tokenizer(path, root, v);
    }
    json_decref(l.ids);
    json_decref(root);
    return status;
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);

    return n >= m && strcmp(path + n - m, end) == 0;
}

static bool is_named(const char *path, const char *name)
{
    size_t n = strlen(path), m = strlen(name);

    return ends_with(path, name) && (n == m || path[n - m - 1] == '/');
}

/* What a folder may hold, the fullest first: a file, and one that goes with it. */
static const struct {
    const char *name, *with;
} known[] = {{"merges.txt", "vocab.json"},
             {"tokenizer.json", NULL},
             {"merges.txt", NULL},
             {"bpe_simple_vocab_16e6.txt.gz", NULL}};

/* known[i] in `folder`; *there: it is. */
static int load_known(const char *folder, size_t i, struct files *files, struct vocab *v,
                      bool *there)
{
    char *one = files_join(folder, known[i].name);
    char *with = files_join(folder, known[i].with != NULL ? known[i].with : "");
    int status = one != NULL && with != NULL ? CLIPC_OK : CLIPC_ERROR_MEMORY;

    *there = status != CLIPC_OK || (files_exists(one) && files_exists(with));
    if (status == CLIPC_OK && *there) {
        status = is_named(one, "tokenizer.json")
                     ? load_tokenizer_json(one, files, v)
                     : load_pair(known[i].with != NULL ? with : NULL, one, files, v);
    }
    free(one);
    free(with);
    return status;
}

static int load_folder(const char *folder, struct files *files, struct vocab *v)
{
    bool there = false;
    int status = CLIPC_OK;

    for (size_t i = 0; i < sizeof known / sizeof known[0] && !there; i++) {
        status = load_known(folder, i, files, v, &there);
    }
    return there ? status
                 : base_fail(CLIPC_ERROR_IO, "%s: no vocab.json + merges.txt or tokenizer.json",
                             folder);
}

int vocab_load(const char *path, struct files *files, struct vocab *v)
{
    bool is_folder = files_is_folder(path);
    char *folder;
    bool only_json = !is_folder && is_named(path, "tokenizer.json");
    /* A list by its name: by itself, whatever lies beside it. */
    bool list =
        !is_folder && !only_json && !is_named(path, "merges.txt") && !is_named(path, "vocab.json");
    int status = files_home(path, &folder);

    memset(v, 0, sizeof *v);
    if (status == CLIPC_OK && list && ends_with(path, ".model")) {
        status =
            base_fail(CLIPC_ERROR_FORMAT,
                      "%s: a SentencePiece model: this text tower wants the byte pairs of CLIP "
                      "(vocab.json and merges.txt, tokenizer.json, or OpenAI's list)",
                      path);
    } else if (status == CLIPC_OK && (only_json || list)) {
        status = only_json ? load_tokenizer_json(path, files, v) : load_pair(NULL, path, files, v);
    } else if (status == CLIPC_OK) {
        status = load_folder(folder, files, v);
    }
    if (status == CLIPC_OK && !only_json && !list) {
        status = vocab_check_added(folder, files, v);
    }
    free(folder);
    if (status != CLIPC_OK) {
        vocab_free(v);
    } else {
        v->kind = FORMAT_TOKENIZER_BPE;
    }
    return status;
}
