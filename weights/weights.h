/* weights.h - the reader: a weight file is mapped and checked once; then tensors are found by name.
 * After weights_open no code checks a tensor's place again. */
#ifndef CLIPC_WEIGHTS_H
#define CLIPC_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../kernels/kernels.h"
#include "../src/base/base.h"
#include "format.h"

struct weights {
    struct base_map map;       /* empty when opened from memory */
    const unsigned char *data; /* [size], 64-byte aligned */
    size_t size;
    struct format_header header;          /* a copy */
    const struct format_record **by_name; /* [header.record_count], sorted; base_alloc */
};

/* Check everything: magic, version, sizes, every record's name, place, shape, dtype and overlap,
 * every hyper-parameter and enum, that every tensor the towers need is there with its shape, that
 * what else is there may be ignored, that token tables are consistent, and that scales of q8 are
 * positive.  Never reads tensor data but those, so it takes milliseconds.  On failure the message
 * begins with `path`. */
int weights_open(const char *path, struct weights *w);
int weights_open_memory(const void *data, size_t size, struct weights *w);
/* The file at `path`, called `what` in messages. */
int weights_open_as(const char *path, const char *what, struct weights *w);
void weights_close(struct weights *w);

/* Compute the content hash and compare. 0, or CLIPC_ERROR_FORMAT when it differs. */
int weights_verify(const struct weights *w);

/* ---- Records: directory.c ------------------------------------------------------------------ */

/* Record i of header.record_count, in the file's order. */
const struct format_record *weights_record(const struct weights *w, uint32_t i);

/* NULL when there is none of that name. */
const struct format_record *weights_find(const struct weights *w, const char *name);
const void *weights_data(const struct weights *w, const struct format_record *record);

/* Fill `weights.by_name`; every name must end and be there once.  `what`: for messages. */
int weights_index(struct weights *w, const char *what);

/* What a tensor of this kind takes in a file: dtype, layout, shape, padded shape and bytes of *r.
 * false when there is no such kind, or no room for it in 64 bits. */
bool weights_shape(struct format_record *r, enum format_dtype dtype, enum format_layout layout,
                   uint32_t rows, uint32_t cols);

/* "f32"; "?" for a type that this clipc does not know. */
const char *weights_dtype_name(uint32_t dtype);

/* ---- What a header asks for: spec.c -------------------------------------------------------- */

/* What a tower's part `name` must be: the one list of tensors that reader, writer, converter and
 * binder share.  Calls fn for every tensor that this header's towers need, stops at the first
 * non-zero result and returns it. */
struct weights_spec {
    char name[FORMAT_NAME_BYTES];
    uint32_t rows, cols;
    enum format_layout layout;
    bool linear; /* f32, f16 or bf16, as convert was asked; else f32 always */
    bool block;  /* a linear layer's panels in a block, which may be q8 too */
};
typedef int (*weights_spec_fn)(void *arg, const struct weights_spec *spec);
int weights_each_spec(const struct format_header *header, weights_spec_fn fn, void *arg);

/* The name of another part of the layer whose weight is called `weight`: "text.00.c_fc.weight" and
 * ".scale" give "text.00.c_fc.scale".  A name of the list always has room for it. */
void weights_part_name(char name[FORMAT_NAME_BYTES], const char *weight, const char *suffix);
/* That record, or NULL. */
const struct format_record *weights_part(const struct weights *w, const char *weight,
                                         const char *suffix);

/* The linear layer whose weight is record r, as it lies in the file. */
struct kernels_linear weights_linear(const struct weights *w, const struct format_record *r);

/* What the ids of a text end with. */
static inline int32_t weights_end_id(const struct format_header *h)
{
    return h->tokenizer_flags & FORMAT_ZERO_END ? 0 : (int32_t)h->eot_id;
}

/* ---- SentencePiece's tables: pieces.c ------------------------------------------------------ */

struct weights_pieces {
    const unsigned char *tokens; /* [tokens_bytes] as tokenizer.tokens of format.h */
    size_t tokens_bytes;
    const uint8_t *types; /* [n] */
    const float *scores;  /* [n]; NULL: none, of FORMAT_TOKENIZER_MERGES */
    uint32_t n;
    const int32_t *order; /* [n_order] */
    uint32_t n_order;
    const unsigned char *charsmap; /* [charsmap_bytes] */
    size_t charsmap_bytes;         /* 0: none */
    uint32_t flags;                /* enum format_text_flag */
};
/* Those of a file; false when one is missing. */
bool weights_pieces(const struct weights *w, struct weights_pieces *pieces);

/* 0, or the sentence what is wrong with them, which begins with `what`; after it every id, length
 * and place in them is one that exists, and a walk through the charsmap stays in it. */
int weights_check_pieces(const struct weights_pieces *pieces, const char *what);

/* Can a text spell a piece of this type? */
bool weights_piece_spells(uint8_t type);
/* The id of the piece for each byte, -1 where there is none; true when all are there. */
bool weights_byte_pieces(const struct weights_pieces *pieces, int32_t bytes[256]);

/* A unit of the charsmap's trie (Darts): its children are units[its own index ^ offset ^ label];
 * with the flag, units[its own index ^ offset] is its value. */
#define WEIGHTS_TRIE_LEAF 0x100u
static inline uint32_t weights_trie_offset(uint32_t unit)
{
    return (unit >> 10) << ((unit & 0x200) >> 6);
}

/* The element type of a tower's linear layers ("vision" or "text"): FORMAT_Q8 when there is one
 * (the others have 16 bits for good reasons), else WEIGHTS_MIXED when they differ; 0 without the
 * tower. */
#define WEIGHTS_MIXED 255u
uint32_t weights_tower_dtype(const struct weights *w, const char *tower);

#endif
