/* source.h - where convert reads a model from: hyper-parameters, a vocabulary, and any row of any
 * tensor of weights_each_spec as floats.  One file for each kind of source. */
#ifndef CLIPC_SOURCE_H
#define CLIPC_SOURCE_H

#include "../../weights/weights.h"
#include "files.h"
#include "vocab.h"

struct source {
    struct format_header header;
    enum format_dtype native; /* FORMAT_F32, _F16 or _BF16: what the linear layers are stored as */
    bool quantised;           /* some are q8, and native FORMAT_F32 */
    struct vocab vocab;       /* kind FORMAT_TOKENIZER_NONE: none */
    /* What OpenCLIP's config says of a tokenizer of transformers: the repository that has its
     * files, and bits of enum format_text_flag beside those of the files.  "" and 0: nothing. */
    char tokenizer_home[100];
    uint32_t text_flags;
    bool wordpiece;                  /* it is BERT's */
    bool scaled_vision, scaled_text; /* each branch of a block ends in a LayerScale */
    char *provenance;                /* lines "key: value"; malloc */
    struct files files;              /* all that were read */
    /* values: [spec->cols], row r of the tensor, all finite.  0, or a negative clipc_status. */
    int (*row)(const struct source *s, const struct weights_spec *spec, uint32_t r, float *values);
    void (*close)(struct source *s);
    void *data;
};

/* A checkpoint: a folder, or one file in it, with its configs.  `arch`: OpenCLIP's name for the
 * architecture, or NULL; `vocab`: where the vocabulary is, or NULL: the folder.  A missing one is
 * said on stderr and leaves s->vocab empty. */
int source_open_checkpoint(const char *path, const char *arch, const char *vocab, struct source *s);
/* Fill s->vocab from `path`, by the rules that the header names already; when there is none and it
 * was not `demanded`, says so on stderr. */
int source_take_vocab(struct source *s, const char *path, bool demanded);
/* A weight file, to change its dtype. */
int source_open_clipc(const char *path, struct source *s);
/* A random model of a known shape ("vit-b-32"). */
int source_open_synthetic(const char *shape, uint64_t seed, const char *vocab, struct source *s);
void source_close(struct source *s);

/* "key: value\n" at the end of s->provenance, printf-like. */
__attribute__((format(printf, 2, 3))) int source_note(struct source *s, const char *format, ...);
/* "source: NAME, sha256 HEX". */
int source_note_file(struct source *s, const char *path);

/* 0, or the sentence that tensor `name` of `path` holds a NaN or an infinity. */
int source_check_finite(const char *path, const char *name, const float *values, size_t n);

#endif
