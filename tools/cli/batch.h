/* batch.h - inputs to embeddings, a batch at a time, in order: one bad input is one error in its
 * place and harms no neighbour. */
#ifndef CLIPC_BATCH_H
#define CLIPC_BATCH_H

#include "cli.h"
#include "inputs.h"

struct encoder;

/* One finished input.  embedding: [dim] raw, or NULL when `error` says why there is none. */
struct encoded {
    const struct input *input;
    const float *embedding;
    const char *error;
    double seconds; /* this input's share of decoding, preprocessing and encoding */
};
typedef int (*encode_fn)(void *arg, const struct encoded *e);

/* Opens model and session as `cli` says; NULL after saying why not. */
struct encoder *encode_open(const struct cli *cli);
void encode_close(struct encoder *encoder);
const clipc_model *encode_model(const struct encoder *encoder);
clipc_session *encode_session(struct encoder *encoder);

/* fn for each input, in order; stops when it returns non-zero.  CLI_DONE, or CLI_FAILED when an
 * input failed (each is also said on stderr) or fn stopped.  A progress bar on stderr when that is
 * a terminal, stdout is not, and the work is long. */
int encode_inputs(struct encoder *encoder, const struct inputs *inputs, encode_fn fn, void *arg);

#endif
