/* clipc.h - CLIP in plain C: images and texts in, embeddings out.
 *
 * This is the only header a user of libclipc includes.  A whole program:
 *
 *     #include <stdio.h>
 *     #include "clipc.h"
 *
 *     int main(int argc, char **argv)
 *     {
 *         clipc_model *model;
 *         clipc_session *session;
 *         struct clipc_image image;
 *         struct clipc_text text = {"a photo of a cat", 16};
 *         float vectors[2][CLIPC_MAX_DIM];
 *
 *         if (argc != 3 || clipc_open(argv[1], &model) != 0 ||
 *             clipc_session_new(model, NULL, &session) != 0 ||
 *             clipc_image_read(argv[2], NULL, &image) != 0 ||
 *             clipc_encode_images(session, &image, 1, vectors[0]) != 0 ||
 *             clipc_encode_texts(session, &text, 1, vectors[1]) != 0) {
 *             fprintf(stderr, "%s\n", argc == 3 ? clipc_errmsg() : "usage: MODEL IMAGE");
 *             return 1;
 *         }
 *         printf("%.4f\n", clipc_cosine(vectors[0], vectors[1], clipc_dim(model)));
 *         clipc_image_free(&image);
 *         clipc_session_free(session);
 *         clipc_close(model);
 *         return 0;
 *     }
 *
 * Two handles.  A clipc_model is a mapped weight file: immutable, shared freely between threads.
 * A clipc_session is one caller's scratch memory and worker threads, allocated once: no encode call
 * allocates memory or does input or output, with the exceptions stated at clipc_encode_images and
 * clipc_encode_texts.  One session serves one call at a time; different sessions may run in
 * different threads on one model.
 *
 * Functions that can fail return 0 (CLIPC_OK) or a negative clipc_status; clipc_errmsg() then holds
 * the sentence for people, in the calling thread.  On failure no output is complete: nothing was
 * written, or (encode calls of more than one batch) only the rows of earlier batches; the exception
 * is CLIPC_ERROR_NUMBER.
 * Freeing or closing NULL does nothing.  The library never prints, never exits, has no global state
 * (but for that sentence) and reads no environment variable.  The sentence is UTF-8 without control
 * characters, also where it quotes a hostile name.
 *
 * Signals and fork.  Worker threads have all signals blocked (but those of a thread's own faults):
 * the application's handlers never run on them.  After fork the child may use what it inherited, if
 * no call was under way: models as before; a session computes on the calling thread alone, since
 * fork copies no threads (make a new one for all CPUs); clipc_session_free and clipc_close free the
 * child's copies.  The parent's are not touched.
 *
 * Structs that may grow begin with their own size: set it with sizeof, zero the rest, and a newer
 * library takes every field that you do not know as zero, which is always the default. */
#ifndef CLIPC_H
#define CLIPC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define CLIPC_VERSION_MAJOR 0
#define CLIPC_VERSION_MINOR 1
#define CLIPC_VERSION_PATCH 0

/* No weight file has a larger embedding or image side, or a longer text, than these. */
#define CLIPC_MAX_DIM        8192
#define CLIPC_MAX_IMAGE_SIZE 4096
#define CLIPC_MAX_CONTEXT    4096

enum clipc_status {
    CLIPC_OK = 0,
    CLIPC_ERROR_ARGUMENT = -1,    /* the caller broke a rule stated here */
    CLIPC_ERROR_IO = -2,          /* a file could not be opened, read or mapped */
    CLIPC_ERROR_FORMAT = -3,      /* the bytes are not what they should be: damaged or hostile */
    CLIPC_ERROR_UNSUPPORTED = -4, /* well-formed, but this build or version cannot do it */
    CLIPC_ERROR_LIMIT = -5,       /* larger than a limit that protects memory or time */
    CLIPC_ERROR_MEMORY = -6,      /* the system refused memory or a thread */
    CLIPC_ERROR_NUMBER = -7       /* an embedding is NaN or infinite; see clipc_encode_images */
};

typedef struct clipc_model clipc_model;
typedef struct clipc_session clipc_session;

/* ---- Models -------------------------------------------------------------------------------- */

/* Map the weight file `path` and check its structure (header, every tensor's place and shape, token
 * tables; not the content hash).  The model keeps the file mapped until clipc_close: the file must
 * not be truncated meanwhile (replace it by rename instead). */
int clipc_open(const char *path, clipc_model **model);

/* The same for a weight file that is already in memory.  `data` must be aligned to 64 bytes and
 * stay valid and unchanged until clipc_close; it is not copied. */
int clipc_open_memory(const void *data, size_t size, clipc_model **model);

/* All sessions of the model must have been freed before. */
void clipc_close(clipc_model *model);

enum clipc_score { CLIPC_SCORE_SOFTMAX = 0, CLIPC_SCORE_SIGMOID = 1 };

/* What a tower's linear layers are stored as. */
enum clipc_dtype {
    CLIPC_DTYPE_NONE = 0, /* no such tower */
    CLIPC_DTYPE_F32 = 1,
    CLIPC_DTYPE_F16 = 2,
    CLIPC_DTYPE_BF16 = 3,
    CLIPC_DTYPE_Q8 = 4,     /* those of its blocks, but for a few */
    CLIPC_DTYPE_MIXED = 255 /* not all of them as the same */
};

struct clipc_model_info {
    size_t size;        /* in: sizeof(struct clipc_model_info) */
    const char *name;   /* for people, from the file; valid while the model is open */
    int dim;            /* floats in an embedding */
    int image_size;     /* side of the square the image tower sees, 0 without an image tower */
    int context_length; /* most token ids in a text, 0 without a text tower */
    int vocab_size;     /* token ids are 0 .. vocab_size - 1 */
    int has_tokenizer;  /* 0: only clipc_encode_tokens works for text */
    int score;          /* enum clipc_score: how logits become probabilities */
    float logit_scale;  /* logit = logit_scale * cosine + logit_bias; the scale is not its log */
    float logit_bias;
    float display_low, display_high; /* range of cosines worth showing, 0 and 0 if not known */
    int image_dtype, text_dtype;     /* enum clipc_dtype */
    /* SHA-256 of the weight file, as its header has it (opening does not compute it again): where
     * these 32 bytes are the same, vectors are of one model and may be compared. */
    uint8_t sha256[32];
};
int clipc_model_info(const clipc_model *model, struct clipc_model_info *info);

/* The dim of clipc_model_info: floats in an embedding. */
int clipc_dim(const clipc_model *model);

/* ---- Sessions ------------------------------------------------------------------------------ */

enum clipc_precision {
    CLIPC_PRECISION_DEFAULT = 0, /* exact for f32, f16 and bf16 layers, fast for q8's */
    CLIPC_PRECISION_EXACT = 1,   /* float32-accurate with the file's weights */
    CLIPC_PRECISION_FAST = 2     /* 8-bit products of q8 layers; of others 16-bit ones where the
                                  * CPU has them, else exact */
};
enum clipc_rules {
    CLIPC_RULES_FILE = 0, /* what the weight file records of its source */
    /* openai/CLIP: resize, then RGB; crop half to even; ftfy and HTML clean-up */
    CLIPC_RULES_OPENAI = 1,
    CLIPC_RULES_HF = 2 /* HuggingFace: RGB first; floor crop; NFC and white space only */
};

/* Called with each intermediate activation, in order, from the thread that called encode:
 * `name` as in the reference ("vision.block00.1_ln_1"), x: [rows, width] with `stride` floats from
 * row to row.  Only the first image or text of a batch is traced. */
typedef void (*clipc_trace_fn)(void *arg, const char *name, const float *x, size_t rows,
                               size_t width, size_t stride);

struct clipc_options {
    size_t size;          /* sizeof(struct clipc_options) */
    int threads;          /* 0: one for each CPU this process may use; more are never started, but
                           * for -n, which starts n all the same (for tests) */
    int batch;            /* images or texts computed at once, 0: 8; larger calls are cut up */
    const char *kernels;  /* name of a kernel set ("scalar", "avx2", ...), NULL: the best */
    int precision;        /* enum clipc_precision */
    int preprocess;       /* enum clipc_rules, for order of conversion and crop */
    int tokenizer;        /* enum clipc_rules, for the clean-up of text */
    int full_context;     /* 1: compute every position of a text, not only those up to its end */
    clipc_trace_fn trace; /* NULL: none */
    void *trace_arg;
};

/* `options` may be NULL: all defaults.  An unknown or unsupported kernel set is
 * CLIPC_ERROR_UNSUPPORTED and the message lists the sets this CPU has. */
int clipc_session_new(const clipc_model *model, const struct clipc_options *options,
                      clipc_session **session);
void clipc_session_free(clipc_session *session);

/* What a session became: names live as long as the program. */
struct clipc_session_info {
    size_t size;         /* in: sizeof(struct clipc_session_info) */
    const char *kernels; /* name of the kernel set in use */
    int precision;       /* CLIPC_PRECISION_EXACT or _FAST: what is really computed */
    int threads, batch;
    size_t memory;   /* bytes of scratch the session holds */
    size_t unpacked; /* of those, a second copy of the weights (kernel set blas only) */
};
int clipc_session_info(const clipc_session *session, struct clipc_session_info *info);

/* ---- Images -------------------------------------------------------------------------------- */

enum clipc_format {
    CLIPC_RGB = 0,  /* 3 bytes a pixel */
    CLIPC_RGBA = 1, /* 4 bytes, alpha not premultiplied */
    CLIPC_L = 2,    /* 1 byte, gray */
    CLIPC_LA = 3,   /* 2 bytes, gray and alpha */
    CLIPC_CMYK = 4, /* 4 bytes, 255 = full ink */
    CLIPC_I16 = 5   /* uint16_t of the machine, gray (the reference's mode I) */
};

struct clipc_image {
    void *data;             /* [height, width, channels]; never written by the library; CLIPC_I16:
                             * address and stride are even */
    uint32_t width, height; /* 1 .. 65535 each */
    size_t stride;          /* bytes from row to row */
    int format;             /* enum clipc_format */
    int palette; /* 1: came from a palette or 1-bit file; OpenAI's order resizes it NEAREST */
};

/* Limits of the decoders, checked before memory is taken; NULL means all defaults.  The defaults
 * suit a program whose user chose the files.  A server sets both: a file of a kilobyte may decode
 * to as many pixels as max_pixels allows, 4 bytes each (JPEG: up to 12 while it decodes; a BMP's or
 * GIF's palette: 4).  4 million pixels are enough for any model. */
struct clipc_image_options {
    size_t size;           /* sizeof(struct clipc_image_options) */
    size_t max_file_bytes; /* 0: 512 MiB */
    size_t max_pixels;     /* 0: 178956970, Pillow's limit */
    int apply_exif; /* 1: turn the image as its EXIF orientation says (the references do not) */
    int truncated;  /* 1: of a truncated or damaged file take what there is, gray (128) elsewhere */
    /* 0: every pixel.  Else a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, the smallest at which
     * neither side is shorter than this: fewer terms of its cosine transform, other pixels than the
     * references'.  Pillow's Image.draft; the same pixels.  Of no effect without libjpeg-turbo. */
    int least_side;
};

/* Decode a file, or bytes in memory.  Free the result with clipc_image_free.  Formats: what
 * clipc_image_formats() lists; the first frame of an animation.  A truncated or damaged file is
 * CLIPC_ERROR_FORMAT, never a half picture (but for options->truncated); one whose pixels are whole
 * and whose tail is missing or wrong is taken, as by Pillow.  On failure *image is as it was.
 * Every `path` is a file's name ("-" too; nothing here reads standard input); a pipe is read to its
 * end, however long its writer takes: check first what a stranger names.  Any thread. */
int clipc_image_read(const char *path, const struct clipc_image_options *options,
                     struct clipc_image *image);
int clipc_image_decode(const void *bytes, size_t n_bytes, const struct clipc_image_options *options,
                       struct clipc_image *image);
void clipc_image_free(struct clipc_image *image);

/* Names of the formats this build decodes, separated by spaces: "JPEG PNG BMP GIF PNM". */
const char *clipc_image_formats(void);

/* Resize, crop and normalise as the model was trained: pixels: [3, size, size] RGB planes; size 0
 * is the model's.  `rules` is an enum clipc_rules.  Pure: no session needed, any thread. */
int clipc_preprocess(const clipc_model *model, const struct clipc_image *image, int rules, int size,
                     float *pixels);

/* clipc_image_read or _decode and clipc_preprocess in one, with the same pixels and errors, in less
 * time and memory: where the format gives its rows in order (JPEG, through libjpeg-turbo) they are
 * resized as they come, and the picture never exists as a whole. */
int clipc_preprocess_file(const clipc_model *model, const char *path,
                          const struct clipc_image_options *options, int rules, int size,
                          float *pixels);
int clipc_preprocess_bytes(const clipc_model *model, const void *bytes, size_t n_bytes,
                           const struct clipc_image_options *options, int rules, int size,
                           float *pixels);

/* As clipc_preprocess, before normalisation: crop: [size, size, 3] bytes. */
int clipc_preprocess_crop(const clipc_model *model, const struct clipc_image *image, int rules,
                          int size, uint8_t *crop);

/* As clipc_preprocess, by the kernel set that the session was made with and not the best one (all
 * sets give the same bits; see clipc_options.kernels).  `rules` 0 is the model's, as there.  Reads
 * the session only: any number of threads, also while it serves an encode call. */
int clipc_session_preprocess(const clipc_session *session, const struct clipc_image *image,
                             int rules, int size, float *pixels);
int clipc_session_preprocess_file(const clipc_session *session, const char *path,
                                  const struct clipc_image_options *options, int rules, int size,
                                  float *pixels);
int clipc_session_preprocess_bytes(const clipc_session *session, const void *bytes, size_t n_bytes,
                                   const struct clipc_image_options *options, int rules, int size,
                                   float *pixels);

/* ---- Text ---------------------------------------------------------------------------------- */

struct clipc_text {
    const char *data; /* UTF-8, need not end in 0; U+0000 is a legal character */
    size_t length;    /* bytes */
};

/* Text to token ids: start token (SigLIP has none), ids, end token, cut to context_length with the
 * end token kept.  ids: room for context_length values; *n_ids: how many there are (not padded).
 * `rules` is an enum clipc_rules, of CLIP's byte pairs; SentencePiece's kinds of tokenizers and
 * BERT's follow their file alone.  Bytes that are no UTF-8 count as U+FFFD each maximal invalid
 * part. */
int clipc_tokenize(const clipc_model *model, const struct clipc_text *text, int rules, int32_t *ids,
                   size_t *n_ids);

/* ---- Encoding: raw projections, not normalised --------------------------------------------- */

/* embeddings: [n, dim].  Preprocessing allocates scratch of at most some rows of the image.
 * This call and its three siblings end with CLIPC_ERROR_NUMBER when any row holds NaN or infinity
 * (weights that are damaged, or too large for float32): then all rows are written all the same, and
 * those that are finite are right. */
int clipc_encode_images(clipc_session *session, const struct clipc_image *images, size_t n,
                        float *embeddings);

/* embeddings: [n, dim].  The tokenizer allocates a few times a text's length. */
int clipc_encode_texts(clipc_session *session, const struct clipc_text *texts, size_t n,
                       float *embeddings);

/* pixels: [n, 3, image_size, image_size] as clipc_preprocess makes them. */
int clipc_encode_pixels(clipc_session *session, const float *pixels, size_t n, float *embeddings);

/* tokens: [n, length] ids, length <= context_length.  Rows shorter than `length` are padded behind
 * their end token; with what makes no difference to a model that pools at its first end token.  One
 * that pools at the largest id of a row (the first, where there are several: OpenAI's) wants pads
 * that are no larger than the end token; 0 or the end token itself always are right. */
int clipc_encode_tokens(clipc_session *session, const int32_t *tokens, size_t n, size_t length,
                        float *embeddings);

/* ---- Vectors ------------------------------------------------------------------------------- */

/* Scale each row of v: [n, dim] to length 1, in double.  A row of zeros, or with a NaN or an
 * infinity in it, stays as it is.  Any thread. */
void clipc_normalize(float *v, size_t n, size_t dim);

/* Cosine of the angle between a and b: [dim], of any length, in [-1, 1].  0 if either is zero; NaN
 * if either has a NaN or an infinity in it.  Any thread. */
float clipc_cosine(const float *a, const float *b, size_t dim);

/* The model's logit of a cosine: logit_scale * cosine + logit_bias.  Any thread. */
float clipc_logit(const clipc_model *model, float cosine);

/* ---- Library ------------------------------------------------------------------------------- */

/* "0.1.0" */
const char *clipc_version(void);

/* The sentence that goes with the last failure in this thread; "" if none. */
const char *clipc_errmsg(void);

/* Kernel sets compiled in, best first: name of set i, NULL behind the last; *supported: whether
 * this CPU can run it.  Loads nothing: whether the library behind "blas" is there shows when a
 * session asks for that set. */
const char *clipc_kernels(size_t i, int *supported);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
