/* writer.h - the other direction: tensors go out one by one, to a temporary file beside the target,
 * which is synced and renamed at the end.  Peak memory is one tensor. */
#ifndef CLIPC_WRITER_H
#define CLIPC_WRITER_H

#include <stddef.h>

#include "../../weights/weights.h"

struct writer;

/* Begin `path`.  Records are declared first (so that their places are known), then written in any
 * order.  `header`: hyper-parameters; the writer fills magic, version, sizes, offsets and hash. */
int writer_new(const char *path, const struct format_header *header, struct writer **writer);

/* Declare a record: a tensor in any layout, or bytes (dtype FORMAT_U8, rows 1).  Order of
 * declaration is the order in the file. */
int writer_declare(struct writer *writer, const char *name, enum format_dtype dtype,
                   enum format_layout layout, uint32_t rows, uint32_t cols, unsigned flags);

/* Write a declared record: all its bytes, in its layout, the padding too (zeros). */
int writer_write(struct writer *writer, const char *name, const void *data, size_t bytes);

/* Open what is written so far, once that is every tensor; what is not written yet reads as zeros.
 * Messages name the target. */
int writer_open(const struct writer *writer, struct weights *weights);

/* All declared records must have been written, and the file must open.  Hashes, syncs, renames;
 * frees the writer in any case.  On failure the target is untouched and the temporary file is
 * gone. */
int writer_finish(struct writer *writer);

/* Throw everything away. */
void writer_abort(struct writer *writer);

#endif
