/* stream.h - the loop of the verbs that encode: inputs are pulled, go through the batcher, and come
 * out as vectors, in order: one bad input is one error in its place and harms no neighbour. */
#ifndef CLIPC_STREAM_H
#define CLIPC_STREAM_H

#include "cli.h"
#include "inputs.h"

struct stream;

/* One finished input.  embedding: [dim] raw, or NULL when `error` says why there is none. */
struct encoded {
    const struct input *input;
    const float *embedding;
    const char *error;
    double seconds; /* this input's share of decoding, preprocessing and encoding */
};
typedef int (*stream_fn)(void *arg, const struct encoded *e);

/* Opens model and session as `cli` says; NULL after saying why not. */
struct stream *stream_open(const struct cli *cli);
void stream_close(struct stream *stream);
const clipc_model *stream_model(const struct stream *stream);
/* For the caller's use while no stream_run goes on. */
clipc_session *stream_session(const struct stream *stream);

/* fn for each input, in order, as soon as it is there; stops when fn returns non-zero or standard
 * output fails.  CLI_DONE, or CLI_FAILED when an input failed (each is also said on stderr) or fn
 * stopped.  At the end stderr says how many files of folders were no pictures.  A progress line on
 * stderr when that is a terminal and the work is long. */
int stream_run(struct stream *stream, struct inputs *inputs, stream_fn fn, void *arg);

#endif
