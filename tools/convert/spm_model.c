/* spm_model.c - a ModelProto of SentencePiece (sentencepiece_model.proto): its pieces, and what of
 * TrainerSpec and NormalizerSpec changes how a text is cut. */
#include "spm_model.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "protobuf.h"
#include "vocab_tables.h"

#define MAX_BYTES ((size_t)256 << 20)

/* Numbers of fields. */
enum { MODEL_PIECES = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_KIND = 3, TRAINER_SUFFIX = 24, TRAINER_BYTES = 35 };
enum { NORMALIZER_MAP = 2, NORMALIZER_PREFIX = 3, NORMALIZER_TRIM = 4, NORMALIZER_ESCAPE = 5 };
/* TRAINER_KIND's values. */
enum { KIND_UNIGRAM = 1, KIND_BPE = 2, KIND_WORD = 3, KIND_CHAR = 4 };

struct reader {
    const char *path;
    struct vocab *v;
    uint64_t kind;
    struct protobuf_field charsmap; /* the last one; n 0: none */
    size_t pieces, bytes;           /* how many, and of their spellings */
    bool counting;                  /* the first time through, which only counts */
    bool bad;
};

static void set_flag(struct vocab *v, uint32_t flag, const struct protobuf_field *f)
{
    if (f->wire == PROTOBUF_VARINT) {
        v->flags = f->value != 0 ? v->flags | flag : v->flags & ~flag;
    }
}

static void take_piece(struct reader *r, const struct protobuf_field *piece)
{
    struct protobuf p = {piece->bytes, piece->bytes + piece->n, false};
    struct protobuf_field f, text = {.bytes = piece->bytes};
    uint64_t type = FORMAT_PIECE_NORMAL;
    float score = 0;

    while (protobuf_next(&p, &f)) {
        if (f.number == PIECE_TEXT && f.wire == PROTOBUF_BYTES) {
            text = f;
        } else if (f.number == PIECE_SCORE && f.wire == PROTOBUF_32) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, sizeof score);
        } else if (f.number == PIECE_TYPE && f.wire == PROTOBUF_VARINT) {
            type = f.value;
        }
    }
    r->bad |= p.bad;
    r->pieces++;
    r->bytes += text.n;
    if (!r->counting) {
        vocab_add_piece(r->v, text.bytes, text.n, score, type > 255 ? 0 : (uint8_t)type);
    }
}

static void take_trainer(struct reader *r, const struct protobuf_field *spec)
{
    struct protobuf p = {spec->bytes, spec->bytes + spec->n, false};
    struct protobuf_field f;

    while (protobuf_next(&p, &f)) {
        if (f.number == TRAINER_KIND && f.wire == PROTOBUF_VARINT) {
            r->kind = f.value;
        } else if (f.number == TRAINER_SUFFIX) {
            set_flag(r->v, FORMAT_SPACE_SUFFIX, &f);
        } else if (f.number == TRAINER_BYTES) {
            set_flag(r->v, FORMAT_BYTE_FALLBACK, &f);
        }
    }
    r->bad |= p.bad;
}

static void take_normalizer(struct reader *r, const struct protobuf_field *spec)
{
    struct protobuf p = {spec->bytes, spec->bytes + spec->n, false};
    struct protobuf_field f;

    while (protobuf_next(&p, &f)) {
        if (f.number == NORMALIZER_MAP && f.wire == PROTOBUF_BYTES) {
            r->charsmap = f;
        } else if (f.number == NORMALIZER_PREFIX) {
            set_flag(r->v, FORMAT_DUMMY_PREFIX, &f);
        } else if (f.number == NORMALIZER_TRIM) {
            set_flag(r->v, FORMAT_TRIM_SPACES, &f);
        } else if (f.number == NORMALIZER_ESCAPE) {
            set_flag(r->v, FORMAT_ESCAPE_SPACES, &f);
        }
    }
    r->bad |= p.bad;
}

/* All fields of bytes: [n].  A message that is there twice is one, the later values count. */
static void take_model(struct reader *r, const unsigned char *bytes, size_t n)
{
    struct protobuf p = {bytes, bytes + n, false};
    struct protobuf_field f;

    while (protobuf_next(&p, &f) && !r->bad) {
        if (f.wire != PROTOBUF_BYTES) {
            continue;
        }
        if (f.number == MODEL_PIECES) {
            take_piece(r, &f);
        } else if (f.number == MODEL_TRAINER) {
            take_trainer(r, &f);
        } else if (f.number == MODEL_NORMALIZER) {
            take_normalizer(r, &f);
        }
    }
    r->bad |= p.bad;
}

static int take_kind(const struct reader *r)
{
    static const char *const names[] = {"0", "unigram", "bpe", "word", "char"};

    if (r->kind != KIND_UNIGRAM && r->kind != KIND_BPE) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: a SentencePiece model of type %s: clipc reads unigram and bpe",
                         r->path, r->kind <= KIND_CHAR ? names[r->kind] : "unknown");
    }
    r->v->kind = r->kind == KIND_BPE ? FORMAT_TOKENIZER_PIECES : FORMAT_TOKENIZER_UNIGRAM;
    return CLIPC_OK;
}

static int copy_charsmap(const struct reader *r)
{
    if (r->charsmap.n == 0) {
        return CLIPC_OK;
    }
    r->v->charsmap = malloc(r->charsmap.n);
    if (r->v->charsmap == NULL) {
        return base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", r->path);
    }
    memcpy(r->v->charsmap, r->charsmap.bytes, r->charsmap.n);
    r->v->charsmap_bytes = r->charsmap.n;
    return CLIPC_OK;
}

int spm_model_parse(const char *path, const unsigned char *bytes, size_t n, struct vocab *v)
{
    struct reader r = {.path = path, .v = v, .kind = KIND_UNIGRAM, .counting = true};
    int status;

    v->flags = FORMAT_DUMMY_PREFIX | FORMAT_TRIM_SPACES | FORMAT_ESCAPE_SPACES;
    take_model(&r, bytes, n);
    if (r.bad || r.pieces == 0) {
        return base_fail(CLIPC_ERROR_FORMAT,
                         "%s: not a SentencePiece model, or cut: %zu pieces could be read", path,
                         r.pieces);
    }
    if ((status = take_kind(&r)) != CLIPC_OK || (status = copy_charsmap(&r)) != CLIPC_OK ||
        (status = vocab_begin_pieces(path, v, r.pieces, r.bytes)) != CLIPC_OK) {
        return status;
    }
    r.counting = false;
    take_model(&r, bytes, n);
    return vocab_finish_pieces(path, v);
}

int spm_model_read(const char *path, struct files *files, struct vocab *v)
{
    unsigned char *bytes;
    size_t n;
    int status = files_add(files, path);

    if (status == CLIPC_OK) {
        status = base_read_file(path, MAX_BYTES, &bytes, &n);
    }
    if (status == CLIPC_OK) {
        status = spm_model_parse(path, bytes, n, v);
        base_free(bytes);
    }
    return status;
}
