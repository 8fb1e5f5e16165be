/* vocab_merges.c - a list of merges alone: the vocabulary follows from it, as OpenAI's
 * simple_tokenizer.py and HuggingFace's CLIPTokenizer count it. */
#include <stdlib.h>
#include <string.h>

#include "openai.h"
#include "stand_ins.h"
#include "vocab_merges.h"

/* bpe_simple_vocab_16e6.txt has more lines than OpenAI's vocabulary has merges. */
#define MAX_MERGES (OPENAI_VOCAB - 514)

bool vocab_next_merge(const char *text, size_t size, struct vocab_merge *m)
{
    while (m->at < size) {
        const char *p = text + m->at, *end = memchr(p, '\n', size - m->at);
        size_t n = end != NULL ? (size_t)(end - p) : size - m->at;
        m->at += n + 1;
        m->line++;
        n -= n > 0 && p[n - 1] == '\r';
        bool title = m->line == 1 && (*p == '#' || (n > 0 && *p == '"'));
        if (n == 0 || title) {
            continue;
        }
        const char *space = memchr(p, ' ', n);
        m->left = p;
        m->n_left = space != NULL ? (size_t)(space - p) : n;
        m->right = p + m->n_left + 1;
        m->n_right = space != NULL ? n - m->n_left - 1 : 0;
        return true;
    }
    return false;
}

static int add(json_t *ids, const char *what, const char *name)
{
    json_int_t id = (json_int_t)json_object_size(ids);

    if (json_object_get(ids, name) != NULL ||
        json_object_set_new(ids, name, json_integer(id)) != 0) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: no list of merges: '%.60s' is made twice, or is no UTF-8", what,
                         name);
    }
    return CLIPC_OK;
}

/* Bytes that stand for themselves first, then the others; then all of them at a word's end. */
static int add_bytes(json_t *ids, const char *what)
{
    int status = CLIPC_OK;

    for (int i = 0; i < 4 * 256 && status == CLIPC_OK; i++) {
        char name[8];
        bool end = i >= 2 * 256, others = i / 256 % 2 != 0;
        if ((stand_in_is_itself(i % 256) != 0) == others) {
            continue;
        }
        size_t n = stand_in_spell(i % 256, name);
        memcpy(name + n, end ? "</w>" : "", end ? 5 : 1);
        status = add(ids, what, name);
    }
    return status;
}

json_t *vocab_ids_of_merges(const char *what, const char *text, size_t *size)
{
    json_t *ids = json_object();
    struct vocab_merge m = {0};
    size_t n = 0, used = 0;
    char both[1024];
    int status = ids != NULL ? add_bytes(ids, what)
                             : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", what);

    while (status == CLIPC_OK && n < MAX_MERGES && vocab_next_merge(text, *size, &m)) {
        if (m.n_right == 0 || m.n_left + m.n_right >= sizeof both ||
            memchr(m.left, 0, m.n_left + 1 + m.n_right) != NULL) {
            status = base_fail(CLIPC_ERROR_FORMAT,
                               "%s: no list of merges: line %zu is not two "
                               "tokens",
                               what, m.line);
            break;
        }
        memcpy(both, m.left, m.n_left);
        memcpy(both + m.n_left, m.right, m.n_right);
        both[m.n_left + m.n_right] = '\0';
        status = add(ids, what, both);
        used = m.at < *size ? m.at : *size;
        n++;
    }
    if (status == CLIPC_OK) {
        status = add(ids, what, OPENAI_START);
    }
    if (status == CLIPC_OK) {
        status = add(ids, what, OPENAI_END);
    }
    if (status != CLIPC_OK) {
        json_decref(ids);
        return NULL;
    }
    *size = used;
    return ids;
}
