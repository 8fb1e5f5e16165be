/* source_vocab.c - the vocabulary that belongs to a model: of its kind, as large, and with its end
 * token. */
#include <stdio.h>

#include "source.h"

/* OpenAI's towers pool the largest id: with another vocabulary, another token would stand there. */
static int check_size(struct source *s, const char *path)
{
    const struct format_header *h = &s->header;
    bool bare =
        h->tokenizer_rules == FORMAT_SIGLIP || (h->tokenizer_flags & FORMAT_DROP_PUNCTUATION);

    if (s->vocab.n > h->vocab_size && bare) {
        vocab_trim_pieces(&s->vocab, h->vocab_size);
    }
    if (s->vocab.n > h->vocab_size ||
        (h->tokenizer_rules == FORMAT_OPENAI && s->vocab.n != h->vocab_size)) {
        return base_fail(CLIPC_ERROR_FORMAT, "%s: %u tokens, but the model has %u", path,
                         s->vocab.n, h->vocab_size);
    }
    if ((h->text.pool == FORMAT_POOL_FIRST_EOT || h->tokenizer_rules == FORMAT_OPENAI) &&
        s->vocab.eot_id != h->eot_id) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: end token %u, but the model's is %u: vocabulary and model do not "
                         "belong together",
                         path, s->vocab.eot_id, h->eot_id);
    }
    return CLIPC_OK;
}

/* No file of a vocabulary was found; base_errmsg says where. */
static int go_without(const struct source *s)
{
    char where[200] = "";

    if (s->tokenizer_home[0] != '\0') {
        snprintf(where, sizeof where, " with tokenizer.json%s and tokenizer_config.json of %s",
                 s->wordpiece ? " (or vocab.txt)" : "", s->tokenizer_home);
    }
    fprintf(stderr,
            "clipc: warning: %s: text will need ids (embed --tokens FILE.npy), or convert again%s "
            "with --vocab PATH\n",
            base_errmsg(), where);
    return CLIPC_OK;
}

static int load(struct source *s, const char *path)
{
    if (s->wordpiece) {
        return vocab_load_wordpiece(path, &s->files, &s->vocab);
    }
    return s->header.text.flags & FORMAT_NO_START_TOKEN
               ? vocab_load_pieces(path, s->tokenizer_home[0] != '\0', &s->files, &s->vocab)
               : vocab_load(path, &s->files, &s->vocab);
}

int source_take_vocab(struct source *s, const char *path, bool demanded)
{
    struct format_header *h = &s->header;

    if (h->text.layers == 0) {
        return CLIPC_OK;
    }
    bool pieces = s->wordpiece || (h->text.flags & FORMAT_NO_START_TOKEN);
    int status = load(s, path);
    if (status == CLIPC_ERROR_IO && !demanded) {
        return go_without(s);
    }
    if (status == CLIPC_OK && pieces) {
        h->tokenizer_rules = s->vocab.rules;
        h->tokenizer_flags = s->vocab.flags | s->text_flags;
    }
    if (status == CLIPC_OK) {
        status = check_size(s, path);
    }
    if (status == CLIPC_OK && pieces) {
        h->sot_id = s->vocab.sot_id;
        h->eot_id = s->vocab.eot_id;
        h->pad_id = s->vocab.pad_id;
    } else if (status == CLIPC_OK) {
        h->sot_id = s->vocab.sot_id;
        h->eot_id = s->vocab.eot_id;
        h->pad_id = h->tokenizer_rules == FORMAT_OPENAI ? 0 : h->eot_id;
    }
    return status;
}
