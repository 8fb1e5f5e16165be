/* open_clip_text.c - text_cfg of an open_clip_config.json: the text tower, and whose ids it wants.
 *
 * OpenCLIP's own tokenizer is OpenAI's, and pads with 0; one of transformers is asked for by name,
 * and brings its special ids with it. */
#include <stdio.h>
#include <string.h>

#include "open_clip.h"
#include "open_clip_keys.h"
#include "openai.h"

/* The tokenizers of transformers whose ids are known here. */
static const struct tokenizer {
    const char *name; /* hf_tokenizer_name holds it; the first that fits */
    uint32_t flags;
    uint32_t sot_id, eot_id, pad_id;
} tokenizers[] = {
    {"bert-base-uncased", 0, 101, 102, 0},
    {"SigLIP2", FORMAT_NO_START_TOKEN, 0, 1, 0},
    {"SigLIP", FORMAT_NO_START_TOKEN, 0, 1, 1},
};

static const struct tokenizer *find_tokenizer(const char *name)
{
    for (size_t i = 0; i < sizeof tokenizers / sizeof tokenizers[0]; i++) {
        if (strstr(name, tokenizers[i].name) != NULL) {
            return &tokenizers[i];
        }
    }
    return NULL;
}

/* How a text is cleaned: get_clean_fn of src/open_clip/tokenizer.py. */
static uint32_t take_clean(struct json_section *kwargs)
{
    const char *clean = json_take_string(kwargs, "clean", "whitespace");

    if (strcmp(clean, "canonicalize") == 0) {
        return FORMAT_FIX_TEXT | FORMAT_DROP_PUNCTUATION | FORMAT_LOWER_TEXT;
    }
    if (strcmp(clean, "lower") == 0) {
        return FORMAT_FIX_TEXT | FORMAT_LOWER_TEXT;
    }
    if (strcmp(clean, "whitespace") != 0) {
        json_refuse(kwargs, "clean", "texts are cleaned by whitespace, lower or canonicalize");
    }
    return FORMAT_FIX_TEXT;
}

/* tokenizer_kwargs: CLIPA's texts end in 0 where BERT's end in [SEP]. */
static void take_kwargs(struct json_section *c, struct source *s)
{
    static const char *const known[] = {"strip_sep_token", "clean"};
    struct json_section kwargs = json_section_of(c, "tokenizer_kwargs");

    open_clip_refuse_others(&kwargs, known, sizeof known / sizeof known[0]);
    s->text_flags = take_clean(&kwargs);
    if (json_take_bool(&kwargs, "strip_sep_token", false)) {
        if (!s->wordpiece) {
            json_refuse(&kwargs, "strip_sep_token", "SigLIP's texts have no separator");
        }
        s->header.eot_id = 0;
        s->text_flags |= FORMAT_ZERO_END;
    }
    c->status = c->status == CLIPC_OK ? kwargs.status : c->status;
}

static void take_ids(struct json_section *c, struct source *s)
{
    struct format_header *h = &s->header;

    if (!json_has(c, "hf_tokenizer_name")) {
        if (json_has(c, "tokenizer_kwargs")) {
            json_refuse(c, "tokenizer_kwargs", "CLIP's own tokenizer takes none here");
        }
        openai_special_ids(h);
        return;
    }
    const char *name = json_take_string(c, "hf_tokenizer_name", "");
    const struct tokenizer *t = find_tokenizer(name);
    if (t == NULL) {
        json_refuse(
            c, "hf_tokenizer_name",
            "of tokenizers, clipc knows the ids of CLIP's own, bert-base-uncased and SigLIP's");
        return;
    }
    if (c->status == CLIPC_OK && t->eot_id >= h->vocab_size) {
        json_refuse(c, "vocab_size", "the tokenizer %.60s has more tokens", name);
    }
    snprintf(s->tokenizer_home, sizeof s->tokenizer_home, "%s", name);
    s->wordpiece = !(t->flags & FORMAT_NO_START_TOKEN);
    h->text.flags |= t->flags;
    h->sot_id = t->sot_id;
    h->eot_id = t->eot_id;
    h->pad_id = t->pad_id;
    take_kwargs(c, s);
}

static void take_pool(struct json_section *c, struct format_header *h)
{
    const char *pool = json_take_string(c, "pool_type", "argmax");

    if (strcmp(pool, "eos") == 0) {
        h->text.pool = FORMAT_POOL_FIRST_EOT;
        h->eot_id = json_take_u32(c, "eos_id", 2, 0, h->vocab_size - 1);
    } else if (strcmp(pool, "last") == 0) {
        h->text.pool = FORMAT_POOL_LAST;
    } else if (strcmp(pool, "argmax") != 0) {
        json_refuse(c, "pool_type",
                    "the text tower here pools its end token (\"argmax\", \"eos\") or the last "
                    "row (\"last\")");
    }
}

/* What stands behind the pooled row changes it where rows see what follows, and decides which row
 * is the last: then padding is a part of the text. */
static void take_mask(struct json_section *c, struct format_tower *t)
{
    if (json_take_bool(c, "no_causal_mask", false)) {
        t->flags &= ~(uint32_t)FORMAT_CAUSAL;
    }
    if (!(t->flags & FORMAT_CAUSAL) || t->pool == FORMAT_POOL_LAST) {
        t->flags |= FORMAT_PAD_TO_CONTEXT;
    }
}

static void take_projection(struct json_section *c, struct format_header *h)
{
    const char *type = json_take_string(c, "proj_type", "linear");

    if (strcmp(type, "none") == 0) {
        h->text.flags &= ~(uint32_t)FORMAT_PROJECTION;
        if (h->text.width != h->embed_dim) {
            json_refuse(c, "proj_type", "texts become %u numbers, but the embed_dim is %u",
                        h->text.width, h->embed_dim);
        }
    } else if (strcmp(type, "linear") != 0) {
        json_refuse(c, "proj_type", "the text tower here ends in a projection, or in none");
    } else if (json_take_bool(c, "proj_bias", false)) {
        h->text.flags |= FORMAT_PROJECTION_BIAS;
    }
}

int open_clip_take_text(struct json_section c, bool quick, struct source *s)
{
    static const char *const known[] = {
        "context_length",   "vocab_size",     "width",     "heads",     "layers",
        "mlp_ratio",        "pool_type",      "eos_id",    "pad_id",    "norm_kwargs",
        "act_kwargs",       "no_causal_mask", "proj_type", "proj_bias", "hf_tokenizer_name",
        "tokenizer_kwargs", "ls_init_value"};
    struct format_header *h = &s->header;
    struct format_tower *t = &h->text;

    if (json_has(&c, "hf_model_name")) {
        json_refuse(&c, "hf_model_name",
                    "a text tower of transformers, which clipc does not compute");
    }
    open_clip_refuse_others(&c, known, sizeof known / sizeof known[0]);
    t->width = json_take_u32(&c, "width", 512, 1, OPEN_CLIP_MAX_WIDTH);
    t->layers = json_take_u32(&c, "layers", 12, 1, OPEN_CLIP_MAX_LAYERS);
    t->positions = json_take_u32(&c, "context_length", 77, 1, CLIPC_MAX_CONTEXT);
    h->vocab_size = json_take_u32(&c, "vocab_size", OPENAI_VOCAB, 3, OPEN_CLIP_MAX_VOCAB);
    open_clip_take_tower(&c, quick, json_take_u32(&c, "heads", 8, 1, OPEN_CLIP_MAX_WIDTH), t,
                         &s->scaled_text);
    take_ids(&c, s);
    take_pool(&c, h);
    take_mask(&c, t);
    take_projection(&c, h);
    return c.status;
}
