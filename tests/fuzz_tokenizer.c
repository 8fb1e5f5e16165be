/* fuzz_tokenizer.c - any bytes as text: no crash, ids in bounds, and a cut text's ids are the start
 * of the uncut text's.  The first byte chooses rules and context, the second how many merges there
 * are. */
#include <stdlib.h>
#include <string.h>

#include "../src/token/tokenizer.h"
#include "../src/token/unicode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOT = 512, EOT = 513, FIRST = 514, MERGES = 255, LONG = 70000 };

/* Merge i joins a byte or token before it with another: a few long chains. */
static struct tokenizer *make(size_t n)
{
    static int32_t merges[3 * MERGES], bytes[512];
    static struct tokenizer *made[MERGES + 1]; /* kept: a vocabulary is built once */

    if (made[n] == NULL) {
        for (int32_t i = 0; i < 512; i++) {
            bytes[i] = i;
        }
        for (int32_t i = 0; i < MERGES; i++) {
            int32_t left = i % 3 == 0 ? 'a' + i % 26 : i % 3 == 1 ? FIRST + i - 1 : 0xe2 - i % 32;
            int32_t right = i % 5 == 0            ? 256 + 'a' + i % 7
                            : i % 5 == 1 && i > 9 ? FIRST + i - 9
                                                  : 0x80 + i % 64;
            memcpy(merges + 3 * i, (int32_t[]){left, right, FIRST + i}, 3 * sizeof *merges);
        }
        struct tokenizer_tables tables = {.kind = FORMAT_TOKENIZER_BPE,
                                          .merges = merges,
                                          .n_merges = n,
                                          .bytes = bytes,
                                          .sot_id = SOT,
                                          .eot_id = EOT,
                                          .sot = "<|startoftext|>",
                                          .eot = "<|endoftext|>",
                                          .sot_length = 15,
                                          .eot_length = 13};
        if (tokenizer_new(&tables, &made[n]) != CLIPC_OK) {
            abort();
        }
    }
    return made[n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t cut[64], whole[LONG];
    size_t n_cut = 0, n_whole = 0;

    if (size < 2 || size > 4096) {
        return -1;
    }
    struct tokenizer *t = make(data[1]);
    enum format_rules rules = data[0] & 1 ? FORMAT_HF : FORMAT_OPENAI;
    size_t context = 1 + (data[0] >> 1) % 64;
    char *text = malloc(size - 2); /* its end is where the sanitizer looks */
    if (text == NULL && size > 2) {
        return -1;
    }
    if (size > 2) {
        memcpy(text, data + 2, size - 2);
    }
    if (tokenizer_encode(t, text, size - 2, rules, context, cut, &n_cut) != CLIPC_OK ||
        tokenizer_encode(t, text, size - 2, rules, LONG, whole, &n_whole) != CLIPC_OK) {
        abort();
    }
    if (n_cut != (n_whole < context ? n_whole : context) || cut[n_cut - 1] != EOT ||
        whole[n_whole - 1] != EOT || memcmp(cut, whole, (n_cut - 1) * sizeof *cut) != 0) {
        abort();
    }
    for (size_t i = 0; i < n_whole; i++) {
        if (whole[i] < 0 || whole[i] >= FIRST + MERGES) {
            abort();
        }
    }
    free(text);
    return 0;
}
