/* records.h - the records of a weight file that are no tensors of the towers: provenance,
 * tokenizer, self-test vectors. */
#ifndef CLIPC_RECORDS_H
#define CLIPC_RECORDS_H

#include <stdbool.h>

#include "../measure/golden.h"
#include "source.h"
#include "writer.h"

/* The self-test's inputs and vectors, while they are made. */
struct goldens {
    int32_t ids[GOLDEN_IDS];
    float *image, *text; /* [embed_dim] */
};

struct record {
    const char *name;
    enum format_dtype dtype;
    uint32_t rows, cols;
    const void *data; /* [rows, cols]; NULL: the file has no such record */
    bool golden;      /* written last, when its data are known */
};

enum { RECORDS_MAX = 11 };

/* records: [RECORDS_MAX], for this source; goldens: NULL when none are wanted. */
void records_list(const struct source *s, const struct goldens *goldens, struct record *records);

int records_declare(const struct record *records, struct writer *writer);
/* Those that are golden, or those that are not. */
int records_write(const struct record *records, bool golden, struct writer *writer);

/* 0, with room for the vectors and the ids in place, or CLIPC_ERROR_MEMORY. */
int goldens_begin(const struct format_header *h, struct goldens *goldens);
/* Both vectors, of the weights as they lie in the file, in double precision. */
int goldens_compute(const struct weights *weights, struct goldens *goldens);
void goldens_free(struct goldens *goldens);

#endif
