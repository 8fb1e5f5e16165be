/* convert.h - a checkpoint to a weight file.  Everything in this folder needs a JSON reader; what
 * includes this header asks HAVE_JANSSON first. */
#ifndef CLIPC_CONVERT_H
#define CLIPC_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../weights/format.h"

enum convert_goldens {
    CONVERT_GOLDENS_CHEAP, /* self-test vectors when they take less than half a minute */
    CONVERT_GOLDENS_ALWAYS,
    CONVERT_GOLDENS_NEVER
};

struct convert_request {
    const char *source;      /* a folder or a file; NULL: `shape` */
    const char *shape;       /* of a random model; NULL: `source` */
    uint64_t seed;           /* of the random model */
    const char *out;         /* the weight file */
    const char *arch;        /* of a checkpoint without a config; NULL: it says so itself */
    const char *vocab;       /* where the vocabulary is; NULL: with the source */
    bool verbose;            /* say of each layer what int8 costs it */
    const char *name;        /* for people; NULL: as the source's */
    enum format_dtype dtype; /* of the linear layers, q8 of blocks' alone; 0: as the source's */
    float display_low;       /* both 0: as the source's */
    float display_high;      /* range of cosines worth showing */
    enum convert_goldens goldens; /* self-test vectors */
};

/* Write the file; it appears only when it is complete and opens.  0, or a negative clipc_status and
 * base_fail's message.  Progress and notes go to stderr. */
int convert_run(const struct convert_request *request);

#endif
