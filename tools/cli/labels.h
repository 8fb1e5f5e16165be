/* labels.h - labels of `classify`: their texts through templates, and one vector each. */
#ifndef CLIPC_LABELS_H
#define CLIPC_LABELS_H

#include "cli.h"
#include "inputs.h"

struct labels {
    struct inputs names; /* one text each */
    float *vectors;      /* [names.n, dim], of length 1 */
    size_t dim;
};

/* Vectors of all names: for each template (with {} for the name; none: the name itself) the text's
 * vector of length 1; their mean, again of length 1.  CLI_DONE, or CLI_FAILED after a message. */
int labels_encode(struct labels *labels, const clipc_model *model, clipc_session *session,
                  const char *const *templates, size_t n_templates);
void labels_free(struct labels *labels);

#endif
