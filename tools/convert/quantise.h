/* quantise.h - a linear layer of a block to int8, with what lies beside it (weights/format.h). */
#ifndef CLIPC_QUANTISE_H
#define CLIPC_QUANTISE_H

#include "source.h"
#include "writer.h"

/* How far the stored layers are from their source. */
struct quantise_errors {
    size_t layers;
    double squares;               /* of all their relative errors (rms) */
    double worst;                 /* of one layer (rms) */
    char name[FORMAT_NAME_BYTES]; /* that one */
};

/* Declare the records of layer `spec`; *bytes grows by what they take. */
int quantise_declare(struct writer *w, const struct weights_spec *spec, uint64_t *bytes);

/* Read the layer from the source, and what comes before it; smooth, quantise and write it.
 * `print`: say on stderr how far it is from its source, by its largest weight and by the root of
 * its mean square.  0, or a negative clipc_status. */
int quantise_layer(const struct source *s, const struct weights_spec *spec, struct writer *w,
                   bool print, struct quantise_errors *errors);

#endif
