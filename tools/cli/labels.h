/* labels.h - labels of `classify`: their texts through templates, and one vector each. */
#ifndef CLIPC_LABELS_H
#define CLIPC_LABELS_H

#include "cli.h"

struct label {
    char *text; /* [length], and a 0 behind it */
    size_t length;
};
struct labels {
    struct label *names; /* [n] */
    size_t n, room;
    float *vectors; /* [n, dim], of length 1 */
    size_t dim;
};

/* Each adds names, trimmed as in lines.h: one, or one for each line of a list.  An empty one is
 * left out, of those typed with a note on stderr.  CLI_DONE, or CLI_FAILED after a message. */
int labels_add(struct labels *labels, const char *text, size_t length);
int labels_add_lines(struct labels *labels, const char *path);

/* Say on stderr what is odd: labels that stand more than once, words (of the templates too) that
 * the embedded model cannot know. */
void labels_note(const struct labels *labels, const struct cli *cli, const clipc_model *model,
                 const char *const *templates, size_t n_templates);

/* Vectors of all names: for each template (with {} for the name; none: the name itself) the text's
 * vector of length 1; their mean, again of length 1.  CLI_DONE, or CLI_FAILED after a message. */
int labels_encode(struct labels *labels, const clipc_model *model, clipc_session *session,
                  const char *const *templates, size_t n_templates);
void labels_free(struct labels *labels);

#endif
