/* vocab_plain.c - the vocabulary of single bytes, and freeing any. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "openai.h"
#include "vocab.h"

int vocab_plain(struct vocab *v)
{
    static const char *const special[] = {OPENAI_START, OPENAI_END};
    unsigned char *p;

    memset(v, 0, sizeof *v);
    v->tokens = p = malloc(512 * 3 + 64);
    if (v->tokens == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "vocabulary: out of memory");
    }
    for (int i = 0; i < 512; i++) {
        *p++ = 1;
        *p++ = i < 256 ? 0 : FORMAT_WORD_END >> 8;
        *p++ = (unsigned char)i;
        v->bytes[i / 256][i % 256] = i;
    }
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(special[i]);
        *p++ = (unsigned char)n;
        *p++ = 0;
        memcpy(p, special[i], n);
        p += n;
    }
    v->tokens_bytes = (size_t)(p - v->tokens);
    v->kind = FORMAT_TOKENIZER_BPE;
    v->n = 514;
    v->sot_id = 512;
    v->eot_id = 513;
    return CLIPC_OK;
}

void vocab_free(struct vocab *v)
{
    free(v->tokens);
    free(v->merges);
    free(v->types);
    free(v->scores);
    free(v->order);
    free(v->charsmap);
    memset(v, 0, sizeof *v);
}
