/* fuzz_sentencepiece.c - any bytes as a SentencePiece model or a tokenizer.json, and a text: what
 * the reader takes must pass as tables, and no text leads out of them; ids in bounds, and a cut
 * text's ids are the start of the uncut text's.  The first three bytes are the rules (bit 0, and 7:
 * OpenCLIP's) and the model's length. */
#include <stdlib.h>
#include <string.h>

#include "../src/token/tokenizer.h"
#include "../tools/convert/json_read.h"
#include "../tools/convert/spm_model.h"
#include "../tools/convert/vocab_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONG = 70000, TEXT = 4096 };

static void encode(const struct vocab *v, enum format_rules rules, const char *text, size_t n,
                   size_t context)
{
    static int32_t cut[64], whole[LONG];
    size_t n_cut = 0, n_whole = 0;
    struct tokenizer *t = NULL;
    struct tokenizer_tables tables = {.kind = v->kind,
                                      .rules = rules,
                                      .eot_id = (int32_t)(n % v->n),
                                      .pad_id = (int32_t)(context % v->n),
                                      .merges = v->merges,
                                      .n_merges = v->n_merges,
                                      .pieces = {v->tokens, v->tokens_bytes, v->types, v->scores,
                                                 v->n, v->order, v->n_order, v->charsmap,
                                                 v->charsmap_bytes, v->flags}};

    if (tokenizer_new(&tables, &t) != CLIPC_OK ||
        tokenizer_encode(t, text, n, rules, context, cut, &n_cut) != CLIPC_OK ||
        tokenizer_encode(t, text, n, rules, LONG, whole, &n_whole) != CLIPC_OK) {
        abort();
    }
    size_t same = n_whole <= context ? n_whole : context - 1;
    if (n_cut == 0 || n_cut > context || cut[n_cut - 1] != tables.eot_id ||
        whole[n_whole - 1] != tables.eot_id ||
        memcmp(cut, whole, (same < n_cut ? same : n_cut) * sizeof *cut) != 0) {
        abort();
    }
    for (size_t i = 0; i < n_whole; i++) {
        if (whole[i] < 0 || (uint32_t)whole[i] >= v->n) {
            abort();
        }
    }
    tokenizer_free(t);
}

static int read_model(const unsigned char *bytes, size_t n, struct vocab *v)
{
    if (n == 0 || bytes[0] != '{') {
        return spm_model_parse("model", bytes, n, v);
    }
    json_t *root = json_parse("model", (const char *)bytes, n);
    int status = root != NULL ? vocab_json_parse("model", root, true, v) : CLIPC_ERROR_FORMAT;
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
    char *text = malloc(rest + 1); /* its end is where the sanitizer looks */
    unsigned char *model = malloc(n + 1);
    if (rest <= TEXT && text != NULL && model != NULL) {
        memcpy(model, data + 3, n);
        memcpy(text, data + 3 + n, rest);
        if (read_model(model, n, &v) == CLIPC_OK) {
            free(model);
            model = NULL;
            bool open_clip = data[0] & 128;
            v.flags |= open_clip ? FORMAT_CLEAN_FLAGS : 0;
            encode(&v,
                   open_clip && v.kind == FORMAT_TOKENIZER_UNIGRAM ? FORMAT_HF
                   : data[0] & 1                                   ? FORMAT_SIGLIP
                                                                   : FORMAT_SENTENCEPIECE,
                   text, rest, 1 + (data[0] >> 1) % 64);
        }
    }
    vocab_free(&v);
    free(model);
    free(text);
    return 0;
}
