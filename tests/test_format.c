/* What the weight format promises, on a file of 64 KB that has a tokenizer: which names, types,
 * places and ids are refused and by which sentence, what is skipped, and how files may grow. */
#include "../src/clipc.h"
#include "../weights/weights.h"
#include "check.h"

#define N_IDS 4

static unsigned char *file; /* as it lies in the tree; `work` is what a test may spoil */
static unsigned char *work;
static size_t size;

static struct format_header *header(void)
{
    return (struct format_header *)(void *)work;
}

static struct format_record *record(const char *name)
{
    struct format_record *r = (struct format_record *)(void *)(work + header()->records_offset);

    while (strcmp(r->name, name) != 0) {
        r++;
    }
    return r;
}

static unsigned char *data(const char *name)
{
    return work + record(name)->offset;
}

static void restore(void)
{
    memcpy(work, file, size);
}

/* The spoilt file is refused, with `word` in the sentence; then it is whole again. */
static void refused(const char *word, const char *text)
{
    clipc_model *model;
    int status = clipc_open_memory(work, size, &model);

    if (status == CLIPC_OK) {
        clipc_close(model);
    }
    check(status != CLIPC_OK && strstr(clipc_errmsg(), word) != NULL, "%s: %s", text,
          status == CLIPC_OK ? "was opened" : clipc_errmsg());
    restore();
}

static bool opens(void)
{
    clipc_model *model;

    if (clipc_open_memory(work, size, &model) != CLIPC_OK) {
        return false;
    }
    clipc_close(model);
    return true;
}

static void skipped(const char *text)
{
    bool good = opens();

    check(good, "%s: %s", text, good ? "skipped" : clipc_errmsg());
    restore();
}

/* ---- Names --------------------------------------------------------------------------------- */

static void test_names(void)
{
    static const char *const names[] = {"something.new",
                                        "vision.map.probe",
                                        "vision.map.attn_in.weight",
                                        "text.00.c_fc.scale",
                                        "text.01.c_fc.bias",
                                        "vision.patch_embed.bias",
                                        "vision.patch_embed",
                                        "tokenizer.pieces",
                                        "golden.audio",
                                        "text.projection.bias",
                                        "text.ln_pre.weight",
                                        "text.00.attn_in.weight.",
                                        "vision.00.mlp.a_long_name_of_fifty-five_characters.scale"};
    char text[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct format_record *r = record("provenance");
        snprintf(r->name, sizeof r->name, "%s", names[i]);
        r->flags = FORMAT_REQUIRED;
        snprintf(text, sizeof text, "'%s', required", r->name);
        refused(r->name, text);
        r = record("provenance");
        snprintf(r->name, sizeof r->name, "%s", names[i]);
        r->dtype = i % 2 == 0 ? 77 : FORMAT_Q8;
        r->layout = 9;
        r->rows = 0;
        snprintf(text, sizeof text, "'%s' of an unknown kind, optional", r->name);
        skipped(text);
    }
    memset(record("provenance")->name, 'x', FORMAT_NAME_BYTES);
    refused("has no name", "a name without an end");
    record("provenance")->name[0] = '\0';
    refused("has no name", "an empty name");
    strcpy(record("provenance")->name, "golden.text");
    refused("'golden.text' is there twice", "a name twice");
    strcpy(record("text.00.c_fc.bias")->name, "text.00.c_fc.base");
    record("text.00.c_fc.base")->flags = 0;
    refused("'text.00.c_fc.bias' is missing", "a tensor under another name");
}

/* ---- Types --------------------------------------------------------------------------------- */

/* Another element type with the bytes that it would take: only the type is wrong. */
static void retype(const char *name, enum format_dtype dtype, unsigned element)
{
    struct format_record *r = record(name);

    r->dtype = (uint8_t)dtype;
    r->bytes = (uint64_t)r->rows_padded * r->cols_padded * element;
}

static void test_types(void)
{
    static const char *const floats[] = {"vision.00.ln_1.weight",       "vision.ln_pre.bias",
                                         "text.00.attn_in.bias",        "vision.class_embedding",
                                         "vision.positional_embedding", "text.ln_post.weight"};
    static const char *const linears[] = {"vision.patch_embed.weight", "text.00.c_proj.weight",
                                          "text.projection.weight", "text.token_embedding"};
    char text[128];

    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        retype(floats[i], FORMAT_F16, 2);
        snprintf(text, sizeof text, "'%s' as f16", floats[i]);
        refused("type f16", text);
    }
    for (size_t i = 0; i < sizeof linears / sizeof linears[0]; i++) {
        for (unsigned dtype = 0; dtype < 10; dtype++) {
            if (dtype != FORMAT_F32 && dtype != FORMAT_F16 && dtype != FORMAT_BF16) {
                static const unsigned char element[10] = {2, 4, 2, 2, 1, 1, 4, 2, 2, 2};
                if (dtype == FORMAT_I32) {
                    continue; /* as long as f32: twice the place that the record has */
                }
                retype(linears[i], (enum format_dtype)dtype, element[dtype]);
                snprintf(text, sizeof text, "'%s' of type %u", linears[i], dtype);
                refused(linears[i], text);
            }
        }
    }
    for (size_t i = 0; i < sizeof linears / sizeof linears[0]; i++) {
        retype(linears[i], FORMAT_BF16, 2);
        check(opens(), "'%s' as bf16 is opened", linears[i]);
        restore();
    }
    retype("golden.text", FORMAT_U8, 1);
    refused("'golden.text'", "ids as bytes");
    retype("tokenizer.tokens", FORMAT_BF16, 1);
    refused("'tokenizer.tokens'", "tokens as bf16");
    record("vision.00.c_fc.bias")->layout = FORMAT_ROWS;
    refused("'vision.00.c_fc.bias'", "a bias in rows");
    record("vision.00.c_fc.bias")->cols_padded = 6;
    record("vision.00.c_fc.bias")->bytes = 24;
    refused("'vision.00.c_fc.bias'", "a bias without padding");
    record("text.00.c_fc.weight")->layout = FORMAT_VECTOR;
    refused("'text.00.c_fc.weight'", "panels as a vector");
    record("text.00.c_fc.weight")->cols_padded = 4;
    refused("'text.00.c_fc.weight'", "panels without padding");
    record("text.00.c_fc.weight")->rows_padded = 6;
    refused("'text.00.c_fc.weight'", "panels without rows of padding");
    record("provenance")->rows = 1u << 31;
    record("provenance")->rows_padded = 1u << 31;
    record("provenance")->bytes = 0;
    refused("'provenance'", "a shape that overflows");
}

/* ---- Places -------------------------------------------------------------------------------- */

static void test_places(void)
{
    const struct format_header *h = header();
    const uint64_t end = h->records_offset + (uint64_t)h->record_count * h->record_bytes;
    const struct {
        const char *text, *word;
        uint64_t offset;
    } places[] = {{"over the header", "lies over", 0},
                  {"over the hash", "lies over", 64},
                  {"over the records", "lies over", 448},
                  {"over the last record", "lies over", (end - 1) / 64 * 64},
                  {"not aligned", "outside", record("golden.text")->offset + 4},
                  {"at the end", "outside", size},
                  {"behind the end", "outside", size + 64},
                  {"where offset and size overflow", "outside", UINT64_MAX - 63}};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        record("golden.text")->offset = places[i].offset;
        refused(places[i].word, places[i].text);
    }
    record("provenance")->bytes = UINT64_MAX;
    refused("outside", "more bytes than there are");
    record("golden.text")->offset = record("provenance")->offset + 64;
    refused("overlap", "two records in one place");
}

/* ---- Tokenizers ---------------------------------------------------------------------------- */

static void put_id(const char *name, size_t at, uint32_t id)
{
    memcpy(data(name) + 4 * at, &id, sizeof id);
}

/* The table of tokens as `n` of them: nothing but the last one, which takes what is left. */
static void fill_tokens(size_t n)
{
    size_t bytes = record("tokenizer.tokens")->bytes, rest = bytes - 2 * n;

    memset(data("tokenizer.tokens"), 0, bytes);
    data("tokenizer.tokens")[2 * (n - 1)] = (unsigned char)rest;
    data("tokenizer.tokens")[2 * (n - 1) + 1] = (unsigned char)(rest >> 8);
}

static void test_tokenizers(void)
{
    const uint32_t vocab = header()->vocab_size;
    const uint32_t bad[] = {vocab, vocab + 1, 1u << 24, 0x80000000u, 0xffffffffu};
    char text[128];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t *ids[] = {&header()->sot_id, &header()->eot_id, &header()->pad_id};
        for (size_t j = 0; j < 3; j++) {
            *ids[j] = bad[i];
            snprintf(text, sizeof text, "%s id %u",
                     j == 0   ? "start"
                     : j == 1 ? "end"
                              : "padding",
                     bad[i]);
            refused("special ids", text);
        }
        for (size_t at = 0; at < 6; at++) {
            put_id("tokenizer.merges", at, bad[i]);
            snprintf(text, sizeof text, "id %u at %zu of the merges", bad[i], at);
            refused("'tokenizer.merges' holds an id outside", text);
        }
        for (size_t at = 0; at < 512; at += 511) {
            put_id("tokenizer.bytes", at, bad[i]);
            snprintf(text, sizeof text, "id %u at %zu of the bytes", bad[i], at);
            refused("'tokenizer.bytes' holds an id outside", text);
        }
        put_id("golden.text", 1, bad[i]);
        refused("'golden.text' holds an id outside", "an id of the golden text");
    }
    put_id("tokenizer.merges", 2, vocab - 1);
    check(opens(), "the vocabulary's last id is one of it");
    restore();

    size_t n = record("tokenizer.tokens")->bytes;
    memset(data("tokenizer.tokens"), 0, n);
    n -= n % 2;
    record("tokenizer.tokens")->bytes = n;
    record("tokenizer.tokens")->cols = record("tokenizer.tokens")->cols_padded = (uint32_t)n;
    refused("'tokenizer.tokens' is cut or has more", "more tokens than ids");
    fill_tokens(vocab + 1);
    refused("'tokenizer.tokens' is cut or has more", "one token more than ids");
    fill_tokens(vocab);
    check(opens(), "a token for each id");
    restore();
    data("tokenizer.tokens")[0] = 0xff;
    data("tokenizer.tokens")[1] = 0x7f;
    refused("'tokenizer.tokens' is cut or has more", "a token longer than the table");
    record("tokenizer.tokens")->bytes = record("tokenizer.tokens")->cols = 1;
    record("tokenizer.tokens")->cols_padded = 1;
    refused("'tokenizer.tokens' is cut or has more", "half a token");
    struct format_record *bytes = record("tokenizer.bytes");
    bytes->rows = bytes->rows_padded = 1;
    bytes->cols = bytes->cols_padded = 512;
    refused("'tokenizer.bytes' is 1 x 512", "a byte table of another shape");
    strcpy(record("tokenizer.bytes")->name, "tokenizer.none");
    refused("'tokenizer.bytes' is missing", "no byte table");
    strcpy(record("tokenizer.tokens")->name, "tokenizer.none");
    refused("'tokenizer.tokens' is missing", "no tokens");
    strcpy(record("tokenizer.merges")->name, "tokenizer.none");
    check(opens(), "a tokenizer of plain bytes has no merges");
    restore();
}

/* ---- Models -------------------------------------------------------------------------------- */

static void test_models(void)
{
    const uint32_t vision = header()->vision.flags, text = header()->text.flags;
    const struct {
        uint32_t *field, value;
        const char *word;
    } cases[] = {
        {&header()->required_features, 2, "features 0x2"},
        {&header()->score, 3, "scores of kind 3"},
        {&header()->vision.pool, FORMAT_POOL_MAP, "'vision.map.probe' is missing"},
        {&header()->vision.pool, FORMAT_POOL_LAST, "image tower pools in another way"},
        {&header()->vision.pool, FORMAT_POOL_FIRST_EOT, "image tower pools in another way"},
        {&header()->vision.pool, 7, "image tower pools in another way"},
        {&header()->vision.flags, vision | FORMAT_PATCH_BIAS,
         "'vision.patch_embed.bias' is missing"},
        {&header()->vision.flags, vision | FORMAT_PROJECTION_BIAS,
         "'vision.projection.bias' is missing"},
        {&header()->vision.flags, vision & ~(uint32_t)FORMAT_PROJECTION, "without a projection"},
        {&header()->vision.flags, vision | FORMAT_CAUSAL, "image tower has parts"},
        {&header()->vision.flags, vision | 1u << 31, "image tower has parts"},
        {&header()->vision.flags, vision & ~(uint32_t)FORMAT_CLASS_TOKEN, "0 class tokens"},
        {&header()->vision.activation, 4, "image tower has an activation"},
        {&header()->resize, FORMAT_LONGEST, "resizes in another way"},
        {&header()->filter, 3, "another filter"},
        {&header()->preprocess, 0, "by other rules"},
        {&header()->text.pool, FORMAT_POOL_MEAN, "text tower pools in another way"},
        {&header()->text.pool, FORMAT_POOL_CLASS, "text tower pools in another way"},
        {&header()->text.flags, text | FORMAT_NO_START_TOKEN, "without a start token"},
        {&header()->text.flags, text | FORMAT_PRE_LN, "text tower has parts"},
        {&header()->text.flags, text | 256, "text tower has parts"},
        {&header()->text.activation, 0, "text tower has an activation"},
        {&header()->tokenizer, FORMAT_TOKENIZER_WORDPIECE, "'tokenizer.types' is missing"},
        {&header()->tokenizer, 6, "tokenizer of another kind"},
        {&header()->tokenizer, FORMAT_TOKENIZER_UNIGRAM, "with a start token"},
        {&header()->tokenizer, FORMAT_TOKENIZER_MERGES, "with a start token"},
        {&header()->tokenizer_flags, FORMAT_TRIM_SPACES, "normalizes texts in another way"},
        {&header()->tokenizer_rules, 3, "by other rules"},
        {&header()->record_bytes, 0, "records of 0 bytes"},
        {&header()->record_bytes, 64, "records of 64 bytes"},
        {&header()->record_bytes, 100, "records of 100 bytes"},
        {&header()->record_bytes, 1u << 31, "outside the file"},
        {&header()->header_bytes, 384, "a header of 384 bytes"},
        {&header()->header_bytes, 512, "outside the file"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        *cases[i].field = cases[i].value;
        refused(cases[i].word, "another model");
    }
}

/* What needs no tensor of its own is only computed in another way (tests/test_golden.py). */
static void test_other_models(void)
{
    const struct {
        uint32_t *field, value;
        const char *what;
    } cases[] = {
        {&header()->vision.pool, FORMAT_POOL_MEAN, "the mean of the patches"},
        {&header()->vision.flags, header()->vision.flags | FORMAT_POST_LN_POOLED,
         "ln_post of the pooled row"},
        {&header()->text.pool, FORMAT_POOL_LAST, "the last row of a text"},
        {&header()->text.flags, header()->text.flags & ~(uint32_t)FORMAT_CAUSAL,
         "texts seen in both directions"},
        {&header()->text.flags, header()->text.flags | FORMAT_PAD_TO_CONTEXT, "padding seen"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        *cases[i].field = cases[i].value;
        check(opens(), "%s", cases[i].what);
        restore();
    }
}

/* A tower without class token, whose tensors are all as its header says, but which pools that
 * token: it would take its first patch for the picture. */
static void test_class_pool(void)
{
    struct format_record *r = record("vision.positional_embedding");

    header()->vision.flags &= ~(uint32_t)FORMAT_CLASS_TOKEN;
    header()->vision.positions = r->rows = r->rows_padded = 1;
    r->bytes = r->cols * sizeof(float);
    record("vision.class_embedding")->flags = 0;
    refused("pools its class token, but has none", "a class token that is not there");
}

/* ---- What a header asks for ---------------------------------------------------------------- */

struct listing {
    char names[4096];
    size_t n;
};

static int list(void *arg, const struct weights_spec *spec)
{
    struct listing *l = arg;

    l->n++;
    snprintf(l->names + strlen(l->names), sizeof l->names - strlen(l->names), " %s:%ux%u",
             spec->name, spec->rows, spec->cols);
    return 0;
}

static void test_specs(void)
{
    struct format_header h = *header();
    struct listing l = {.n = 0};

    h.vision.flags = FORMAT_PATCH_BIAS;
    h.text.flags = FORMAT_PROJECTION | FORMAT_PROJECTION_BIAS;
    check(weights_each_spec(&h, list, &l) == 0 && l.n == 2 + 1 + 12 + 2 + 2 + 12 + 2 + 2,
          "a model without class token and projection, with biases: %zu tensors", l.n);
    check(strstr(l.names, " vision.patch_embed.bias:1x4") != NULL &&
              strstr(l.names, " text.projection.weight:3x4") != NULL &&
              strstr(l.names, " text.projection.bias:1x3") != NULL,
          "its biases are there");
    check(strstr(l.names, "class_embedding") == NULL && strstr(l.names, "ln_pre") == NULL &&
              strstr(l.names, "vision.projection") == NULL,
          "and nothing that it has not");
}

/* ---- The library's answer ------------------------------------------------------------------ */

static struct clipc_model_info info_of(const void *bytes, size_t n, size_t info_size)
{
    struct clipc_model_info info;
    clipc_model *model;

    memset(&info, 0x5a, sizeof info);
    info.size = info_size;
    if (clipc_open_memory(bytes, n, &model) == CLIPC_OK) {
        clipc_model_info(model, &info);
        clipc_close(model);
    }
    return info;
}

/* One of the image tower's linear layers in float, behind everything else. */
static struct clipc_model_info info_of_mixed(void)
{
    struct format_record *r = record("vision.00.c_fc.weight");
    const uint64_t bytes = 2 * r->bytes;
    unsigned char *mixed = check_guarded(size + bytes, false);

    r->dtype = FORMAT_F32;
    r->bytes = bytes;
    r->offset = size;
    header()->file_bytes = size + bytes;
    memcpy(mixed, work, size);
    restore();
    return info_of(mixed, size + bytes, sizeof(struct clipc_model_info));
}

static struct clipc_model_info info_of_image_tower(void)
{
    struct format_record *r = (struct format_record *)(void *)(work + header()->records_offset);

    for (uint32_t i = 0; i < header()->record_count; i++) {
        r[i].flags = strncmp(r[i].name, "text.", 5) == 0 ? 0 : r[i].flags;
    }
    header()->text.layers = 0;
    header()->tokenizer = FORMAT_TOKENIZER_NONE;
    struct clipc_model_info info = info_of(work, size, sizeof info);
    restore();
    return info;
}

static void test_info(void)
{
    static const uint8_t untouched[32] = {0x5a, 0x5a};
    struct clipc_model_info info = info_of(work, size, sizeof info);
    const struct clipc_model_info old =
        info_of(work, size, offsetof(struct clipc_model_info, image_dtype));
    const struct clipc_model_info mixed = info_of_mixed(), alone = info_of_image_tower();

    check(memcmp(info.sha256, header()->sha256, sizeof info.sha256) == 0 &&
              info.image_dtype == CLIPC_DTYPE_F16 && info.text_dtype == CLIPC_DTYPE_F16,
          "clipc_model_info: the file's hash and element types");
    check(mixed.image_dtype == CLIPC_DTYPE_MIXED && mixed.text_dtype == CLIPC_DTYPE_F16,
          "one layer in another type: mixed, in its own tower");
    check(alone.image_dtype == CLIPC_DTYPE_F16 && alone.text_dtype == CLIPC_DTYPE_NONE,
          "no text tower: no type");
    check(old.dim == info.dim && memcmp(old.sha256, untouched, 2) == 0 &&
              old.image_dtype == 0x5a5a5a5a,
          "a caller of before gets what it knows, and no byte more");
}

/* ---- Growth -------------------------------------------------------------------------------- */

static void encode(const void *bytes, size_t n, float out[2 * CLIPC_MAX_DIM])
{
    static const float pixels[3 * 2 * 2] = {0.5f, -1, 0.25f, 2, 1, 0, -0.75f};
    static const int32_t ids[N_IDS] = {514, 65, 320, 515};
    struct clipc_options o = {.size = sizeof o, .threads = 1};
    clipc_model *model;
    clipc_session *session;

    memset(out, 0, 2 * CLIPC_MAX_DIM * sizeof *out);
    if (clipc_open_memory(bytes, n, &model) == CLIPC_OK) {
        if (clipc_session_new(model, &o, &session) == CLIPC_OK) {
            clipc_encode_pixels(session, pixels, 1, out);
            clipc_encode_tokens(session, ids, 1, N_IDS, out + CLIPC_MAX_DIM);
            clipc_session_free(session);
        }
        clipc_close(model);
    }
}

/* The same model as a later clipc might write it: a longer header, longer records, and something
 * in all the bytes that mean nothing today. */
static void test_growth(void)
{
    static float want[2 * CLIPC_MAX_DIM], got[2 * CLIPC_MAX_DIM];
    const struct format_header *old = header();
    const size_t head = sizeof *old + 128, stride = sizeof(struct format_record) + 40;
    const size_t first = old->records_offset + old->record_count * sizeof(struct format_record);
    const size_t start = base_round_up(first, 64);
    const size_t moved = base_round_up(head + old->record_count * stride, 64) - start;
    unsigned char *grown = check_guarded(size + moved, false);
    struct format_header *h = (struct format_header *)(void *)grown;

    memset(grown, 0xa5, size + moved);
    *h = *old;
    h->file_bytes = size + moved;
    h->header_bytes = (uint32_t)head;
    h->records_offset = head;
    h->record_bytes = (uint32_t)stride;
    memset(h->vision.reserved, 77, sizeof h->vision.reserved);
    memset(h->text.reserved, 77, sizeof h->text.reserved);
    for (uint32_t i = 0; i < old->record_count; i++) {
        struct format_record *r = (struct format_record *)(void *)(grown + head + i * stride);
        memcpy(r, work + old->records_offset + i * sizeof *r, sizeof *r);
        r->offset += moved;
    }
    memcpy(grown + start + moved, work + start, size - start);
    encode(work, size, want);
    encode(grown, size + moved, got);
    check(want[0] != 0 && want[CLIPC_MAX_DIM] != 0 && memcmp(want, got, sizeof want) == 0,
          "a longer header and longer records: the same vectors");
}

int main(void)
{
    struct base_map map;

    if (!check(base_map_file("tests/corpus/weights/tiny", &map) == CLIPC_OK,
               "the model is there")) {
        return check_done();
    }
    size = map.size;
    file = malloc(size);
    work = check_guarded(size, false);
    memcpy(file, map.data, size);
    base_unmap(&map);
    restore();
    check(opens(), "and opens");
    test_names();
    test_types();
    test_places();
    test_tokenizers();
    test_models();
    test_other_models();
    test_class_pool();
    test_specs();
    test_info();
    test_growth();
    free(file);
    return check_done();
}
