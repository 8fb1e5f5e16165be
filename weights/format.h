/* format.h - the weight file, byte by byte.  Prose for people who write a reader: README.md here.
 *
 *   header (struct format_header, little endian)   at 0
 *   records (struct format_record)                 at records_offset, record_bytes apart
 *   data: each record's bytes at its offset, a multiple of 64; zeros between
 *
 * How it grows.  `version` is raised only when old readers would compute nonsense.  A newer header
 * or record is longer (header_bytes, record_bytes): what a reader does not know it skips, what is
 * missing it takes as zero, and so zero must always mean what files without the field meant.  A
 * change that an old reader must not ignore sets a bit in `required_features`, or is a tower flag
 * or a value of an enum that old readers refuse; a record of a name that the header does not ask
 * for is skipped unless it carries FORMAT_REQUIRED. */
#ifndef CLIPC_FORMAT_H
#define CLIPC_FORMAT_H

#include <stdint.h>

#define FORMAT_MAGIC      "clipc\r\n\x1a" /* 8 bytes; line ends catch text-mode copies */
#define FORMAT_VERSION    2
#define FORMAT_ALIGN      64
#define FORMAT_NAME_BYTES 56

/* Element types: KERNELS_F32 .. KERNELS_Q8 of kernels.h are the first four. */
enum format_dtype {
    FORMAT_F32 = 1,
    FORMAT_F16 = 2,
    FORMAT_BF16 = 3,
    FORMAT_Q8 = 4, /* panels of a block's linear layer only */
    FORMAT_U8 = 5, /* bytes: text, tables */
    FORMAT_I32 = 6
};
enum format_layout {
    FORMAT_ROWS = 0,   /* row-major [rows, cols], nothing between the rows */
    FORMAT_PANELS = 1, /* pack.h; rows = out, cols = in, padded to 32 and 64 */
    FORMAT_VECTOR = 2  /* one row, zeros behind it up to a multiple of 64 elements */
};
/* Record flag: a reader that does not know the name must refuse the file. */
#define FORMAT_REQUIRED 1

struct format_record {
    char name[FORMAT_NAME_BYTES]; /* ends in at least one 0 */
    uint8_t dtype, layout, flags, reserved0;
    uint32_t reserved1;
    uint32_t rows, cols;               /* true shape; a vector is 1 x n */
    uint32_t rows_padded, cols_padded; /* as stored */
    uint64_t offset, bytes;            /* from the start of the file */
};

enum format_activation { FORMAT_QUICK_GELU = 1, FORMAT_GELU_ERF = 2, FORMAT_GELU_TANH = 3 };
/* What of ln_post's output stands for the whole. */
enum format_pool {
    FORMAT_POOL_CLASS = 1,     /* vision: row 0, the class token */
    FORMAT_POOL_ARGMAX = 2,    /* text: row of the largest id, first of equals */
    FORMAT_POOL_FIRST_EOT = 3, /* text: row of the first eot_id */
    FORMAT_POOL_LAST = 4,      /* text: the last row (of the context with FORMAT_PAD_TO_CONTEXT) */
    FORMAT_POOL_MEAN = 5,      /* vision: mean of the patches' rows, without the class token's */
    FORMAT_POOL_MAP = 6        /* vision: attention by a learned probe, records vision.map.* */
};
/* Tower flags; a reader refuses those that it does not know. */
enum format_flag {
    FORMAT_PRE_LN = 1,      /* vision: ln_pre before the blocks */
    FORMAT_CLASS_TOKEN = 2, /* vision: class embedding in front of the patches */
    FORMAT_CAUSAL = 4,      /* text: row i sees rows 0 .. i; without it, all rows */
    FORMAT_PROJECTION = 8,  /* pooled row times projection; without it, width = embed_dim */
    FORMAT_PATCH_BIAS = 16, /* vision: patch_embed has a bias */
    FORMAT_PROJECTION_BIAS = 32,
    FORMAT_NO_START_TOKEN = 64,  /* text: ids begin with the text; sot_id is 0 and means nothing */
    FORMAT_PAD_TO_CONTEXT = 128, /* text: pad_id fills the context, and is attended to */
    FORMAT_POST_LN_POOLED = 256  /* vision: ln_post of the pooled row; it matters for a mean */
};

/* One transformer tower; layers == 0 means that the file has none of this kind. */
struct format_tower {
    uint32_t width, heads, layers, mlp_width;
    uint32_t activation; /* enum format_activation */
    uint32_t pool;       /* enum format_pool */
    uint32_t flags;      /* enum format_flag */
    float ln_eps;
    uint32_t positions; /* rows of positional_embedding: tokens of an image, context of a text */
    uint32_t reserved[7];
};

enum format_resize { FORMAT_SHORTEST = 1, FORMAT_SQUASH = 2, FORMAT_LONGEST = 3 /* reserved */ };
enum format_filter { FORMAT_BICUBIC = 1, FORMAT_BILINEAR = 2 };
/* The last two: of texts only, and of SentencePiece's kinds only, which FORMAT_HF may be around
 * too. */
enum format_rules {
    FORMAT_OPENAI = 1,
    FORMAT_HF = 2,
    FORMAT_SENTENCEPIECE = 3, /* the library's own, and an end token */
    FORMAT_SIGLIP = 4         /* transformers' SiglipTokenizer: no punctuation, special tokens */
};
enum format_tokenizer_kind {
    FORMAT_TOKENIZER_NONE = 0,
    FORMAT_TOKENIZER_BPE = 1,      /* CLIP's byte-pair encoding */
    FORMAT_TOKENIZER_UNIGRAM = 2,  /* SentencePiece: the likeliest pieces of a text */
    FORMAT_TOKENIZER_PIECES = 3,   /* SentencePiece's BPE: the likeliest pair becomes a piece */
    FORMAT_TOKENIZER_MERGES = 4,   /* the same as tokenizer.json has it: merges in order of rank */
    FORMAT_TOKENIZER_WORDPIECE = 5 /* BERT's: of a word the longest piece at each place */
};
/* How SentencePiece's kinds prepare a text (NormalizerSpec and TrainerSpec of a model file, the
 * normalizers of a tokenizer.json), and BERT's, whose letters lose their accents too. */
enum format_text_flag {
    FORMAT_DUMMY_PREFIX = 1,   /* a space before the text */
    FORMAT_TRIM_SPACES = 2,    /* none at its ends, no two in a row */
    FORMAT_ESCAPE_SPACES = 4,  /* a space becomes U+2581 */
    FORMAT_SPACE_SUFFIX = 8,   /* the dummy prefix stands behind the text */
    FORMAT_BYTE_FALLBACK = 16, /* what no piece spells becomes a piece for each byte */
    FORMAT_LOWER_CASE = 32,    /* before all of these, letter by letter */
    /* OpenCLIP's cleaning, before the tokenizer's own rules, in this order: */
    FORMAT_FIX_TEXT = 64, /* ftfy, HTML references twice, single spaces, none at the ends */
    FORMAT_DROP_PUNCTUATION = 128, /* _ becomes a space, the rest of ASCII's marks goes */
    FORMAT_LOWER_TEXT = 256,       /* as a whole: str.lower, which knows the final sigma */
    FORMAT_FIRST_PREFIX = 512,     /* the dummy prefix not behind tokens that cut the text, too */
    FORMAT_ZERO_END = 1024         /* WordPiece: 0 is written for the end token, wherever it is */
};
#define FORMAT_CLEAN_FLAGS (FORMAT_FIX_TEXT | FORMAT_DROP_PUNCTUATION | FORMAT_LOWER_TEXT)
/* What a piece is: the numbers of SentencePiece's files. */
enum format_piece {
    FORMAT_PIECE_NORMAL = 1,
    FORMAT_PIECE_UNKNOWN = 2, /* one of them */
    FORMAT_PIECE_CONTROL = 3, /* stands for no text */
    FORMAT_PIECE_USER = 4,    /* wherever a text spells it, and as it is */
    FORMAT_PIECE_UNUSED = 5,
    FORMAT_PIECE_BYTE = 6 /* spelled <0x00> to <0xFF> */
};
#define FORMAT_MAX_PIECE 1024 /* bytes of a piece, and of a text that replaces another */
enum format_score { FORMAT_SOFTMAX = 1, FORMAT_SIGMOID = 2 };

struct format_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes; /* sizeof this struct when it was written, a multiple of 64 */
    uint64_t file_bytes;
    uint64_t records_offset;
    uint32_t record_count;
    uint32_t record_bytes;      /* from record to record: sizeof(struct format_record) or more */
    uint32_t required_features; /* bits; none are defined yet */
    uint32_t reserved0;
    uint8_t sha256[32]; /* of the whole file with these 32 bytes zero */
    char name[64];      /* of the model, for people; ends in 0 */
    /* 144 */
    uint32_t embed_dim;
    uint32_t score;    /* enum format_score */
    float logit_scale; /* as the checkpoint has it: the natural logarithm */
    float logit_bias;
    float display_low, display_high;
    uint32_t reserved1[2];
    /* 176: images */
    uint32_t image_size, patch_size;
    uint32_t resize;     /* enum format_resize */
    uint32_t filter;     /* enum format_filter */
    uint32_t preprocess; /* enum format_rules: order of conversion and crop */
    float mean[3], std[3];
    uint32_t reserved2[5];
    /* 240: text */
    uint32_t vocab_size;
    uint32_t tokenizer;       /* enum format_tokenizer_kind */
    uint32_t tokenizer_rules; /* enum format_rules */
    uint32_t sot_id, eot_id, pad_id;
    uint32_t tokenizer_flags; /* enum format_text_flag */
    uint32_t reserved3;
    /* 272 */
    struct format_tower vision, text;
    uint32_t reserved4[12];
    /* 448 */
};

/* Names of records.  T is "vision" or "text", NN the block with at least two digits.  A linear
 * layer is .weight, panels [out, in], and .bias, a vector f32 [out]; a LayerNorm is .weight and
 * .bias, vectors f32 [width].  What stands in brackets is there when the tower's flags say so.
 *
 * The linear layers of T.NN may be q8, each by itself.  Beside such a .weight, int8 q [out, in],
 * lie .scale, f32 [out], .sums, i32 [out], and perhaps .smooth, f32 [in], all vectors:
 * W[o][i] = q[o][i] scale[o] smooth[i], smooth being 1 where it is not there, and
 * sums[o] = sum over i of q[o][i].
 *
 *   vision.patch_embed         linear [width, 3 * patch * patch], columns channel, y, x; [.bias]
 *   vision.class_embedding     vector f32 [width]; [FORMAT_CLASS_TOKEN]
 *   T.positional_embedding     rows f32 [positions, width]
 *   vision.ln_pre              LayerNorm; [FORMAT_PRE_LN]
 *   T.NN.ln_1, T.NN.ln_2       LayerNorm
 *   T.NN.attn_in               linear [3 * width, width], rows q, k, v
 *   T.NN.attn_out              linear [width, width]
 *   T.NN.c_fc                  linear [mlp_width, width]
 *   T.NN.c_proj                linear [width, mlp_width]
 *   T.ln_post                  LayerNorm (text: ln_final)
 *   vision.map.probe           vector f32 [width]; [FORMAT_POOL_MAP, as all of vision.map]
 *   vision.map.attn_in, .attn_out, .c_fc, .c_proj, .ln_2     as in a block, asked by the probe
 *   T.projection               linear [embed_dim, width]; [FORMAT_PROJECTION, .bias]
 *   text.token_embedding       rows f32, f16 or bf16 [vocab_size, width]
 *
 *   tokenizer.tokens           u8: for each id 0 .. vocab_size - 1 a length byte pair (u16) and its
 *                              bytes: real bytes, not the printable stand-ins of vocab.json; a
 *                              token that ends a word has FORMAT_WORD_END set in its length
 *   tokenizer.merges           i32 [n, 3]: left id, right id, merged id, best rank first
 *   tokenizer.bytes            i32 [2, 256]: the id of each byte inside a word and at its end
 *   tokenizer.types            u8 [1, n]: enum format_piece of each piece (kinds 2 to 5)
 *   tokenizer.scores           f32 [1, n]
 *   tokenizer.order            i32 [1, m]: ids of the pieces that text spells (normal, user,
 *                              unused), by their bytes
 *   tokenizer.charsmap         u8: SentencePiece's precompiled_charsmap, as its files have it
 *   provenance                 u8: UTF-8 lines "key: value"
 *   golden.text                i32 [1, n] token ids;  golden.text_vector  f32 [1, embed_dim]
 *   golden.image_vector        f32 [1, embed_dim] of the image that README.md gives by a formula
 */
#define FORMAT_WORD_END 0x8000u

#endif
