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
    struct format_header header;         /* a copy, zero where the file's is shorter */
    const struct format_record *records; /* [header.record_count] */
};

/* Check everything: magic, version, sizes, every record's name, place, shape, dtype and overlap,
 * every hyper-parameter and enum, that every tensor the towers need is there with its shape, and
 * that token tables are consistent.  Never reads tensor data but the token tables, so it takes
 * milliseconds.  On failure the message begins with `path`. */
int weights_open(const char *path, struct weights *w);
int weights_open_memory(const void *data, size_t size, struct weights *w);
void weights_close(struct weights *w);

/* NULL when there is none of that name. */
const struct format_record *weights_find(const struct weights *w, const char *name);
const void *weights_data(const struct weights *w, const struct format_record *record);

/* What a tower's part `name` must be: the one list of tensors that reader, writer, converter and
 * binder share.  Calls fn for every tensor that this header's towers need, stops at the first
 * non-zero result and returns it. */
struct weights_spec {
    char name[FORMAT_NAME_BYTES];
    uint32_t rows, cols;
    enum format_layout layout;
    bool linear; /* stored in the tower's dtype; else f32 (the token table: f32 or f16) */
};
typedef int (*weights_spec_fn)(void *arg, const struct weights_spec *spec);
int weights_each_spec(const struct format_header *header, weights_spec_fn fn, void *arg);

/* Compute the content hash and compare. 0, or CLIPC_ERROR_FORMAT when it differs. */
int weights_verify(const struct weights *w);

#endif
