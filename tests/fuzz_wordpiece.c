/* fuzz_wordpiece.c - any bytes as a vocab.txt or a tokenizer.json of BERT, and a text: what the
 * reader takes must pass as tables, and no text leads out of them; ids in bounds, the start and the
 * end token where they belong, and a cut text's ids are the start of the uncut text's.  The first
 * three bytes are the flags and the context, and the vocabulary's length. */
#include <stdlib.h>
#include <string.h>

#include "../src/token/tokenizer.h"
#include "../tools/convert/json_read.h"
#include "../tools/convert/vocab_wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONG = 70000, TEXT = 4096 };

static void encode(const struct vocab *v, const char *text, size_t n, size_t context)
{
    static int32_t cut[64], whole[LONG];
    size_t n_cut = 0, n_whole = 0;
    struct tokenizer *t = NULL;
    struct tokenizer_tables tables = {.kind = v->kind,
                                      .rules = v->rules,
                                      .sot_id = (int32_t)v->sot_id,
                                      .eot_id = (int32_t)v->eot_id,
                                      .pad_id = (int32_t)v->pad_id,
                                      .pieces = {v->tokens, v->tokens_bytes, v->types, NULL, v->n,
                                                 v->order, v->n_order, NULL, 0, v->flags}};
    int32_t end = v->flags & FORMAT_ZERO_END ? 0 : tables.eot_id;

    if (tokenizer_new(&tables, &t) != CLIPC_OK ||
        tokenizer_encode(t, text, n, FORMAT_HF, context, cut, &n_cut) != CLIPC_OK ||
        tokenizer_encode(t, text, n, FORMAT_HF, LONG, whole, &n_whole) != CLIPC_OK) {
        abort();
    }
    size_t same = n_whole <= context ? n_whole : context - 1;
    if (n_cut == 0 || n_cut > context || n_whole < 2 || cut[n_cut - 1] != end ||
        whole[n_whole - 1] != end || memcmp(cut, whole, same * sizeof *cut) != 0) {
        abort();
    }
    for (size_t i = 0; i < n_whole; i++) {
        if (whole[i] < 0 || (uint32_t)whole[i] >= v->n) {
            abort();
        }
    }
    tokenizer_free(t);
}

static int read_vocabulary(const char *bytes, size_t n, struct vocab *v)
{
    if (n == 0 || bytes[0] != '{') {
        return vocab_wordpiece_list("vocab", bytes, n, v);
    }
    json_t *root = json_parse("vocab", bytes, n);
    int status = root != NULL ? vocab_wordpiece_parse("vocab", root, v) : CLIPC_ERROR_FORMAT;
    json_decref(root);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vocab v = {0};

    if (size < 3) {
        return -1;
    }
    size_t n = (size_t)(data[1] | data[2] << 8), rest = size - 3 < n ? 0 : size - 3 - n;
    n = size - 3 < n ? size - 3 : n;
    char *text = malloc(rest + 1), *vocab = malloc(n + 1); /* their ends are where it looks */
    if (rest <= TEXT && text != NULL && vocab != NULL) {
        memcpy(vocab, data + 3, n);
        memcpy(text, data + 3 + n, rest);
        if (read_vocabulary(vocab, n, &v) == CLIPC_OK &&
            vocab_wordpiece_finish("vocab", NULL, &v) == CLIPC_OK) {
            free(vocab);
            vocab = NULL;
            v.flags ^= data[0] & 1 ? FORMAT_LOWER_CASE : 0;
            v.flags |= data[0] & 2 ? FORMAT_ZERO_END : 0;
            v.flags |= data[0] & 4 ? FORMAT_CLEAN_FLAGS : 0;
            encode(&v, text, rest, 1 + data[0] / 8);
        }
    }
    vocab_free(&v);
    free(vocab);
    free(text);
    return 0;
}
