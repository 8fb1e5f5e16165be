/* stored.h - the vectors of frames as files: FILE.npy has a row for each frame (float32 [n, dim],
 * raw), and FILE.jsonl beside it a line for each row:
 *
 *     {"source": "film.mp4", "frame": 12, "timestamp": 0.48, "model": "<SHA-256>"}
 *
 * source, frame and timestamp are those of `clipc watch`, "path" too where frames are picture
 * files; model is the weight file's content hash, since vectors of two models have nothing to do
 * with one another.  Written by `clipc watch --embed` (embed.c), read by `clipc moments`. */
#ifndef CLIPC_STORED_H
#define CLIPC_STORED_H

#include <stdbool.h>

#include <stddef.h>
#include <stdint.h>

#include "../../src/clipc.h"

/* The name of the lines beside `npy`: its ending ".npy" is ".jsonl"; free() it.  NULL with a
 * sentence when the name ends otherwise (CLIPC_ERROR_ARGUMENT), or without memory. */
char *stored_lines(const char *npy);

/* 64 digits and a 0. */
void stored_hash(const clipc_model *model, char to[65]);

/* One row of the array. */
struct stored_frame {
    size_t source; /* its place in `sources` */
    uint64_t number;
    double time; /* seconds */
    char *path;  /* NULL: no picture file */
};
struct stored {
    float *vectors;              /* [n, dim] */
    struct stored_frame *frames; /* [n] */
    size_t n, dim, room;
    char **sources; /* [n_sources], in the order in which they first come */
    size_t n_sources;
};

/* Both files of `npy`, for this model.  0, or a negative clipc_status with a sentence that names
 * the file: it cannot be read, is damaged (CLIPC_ERROR_FORMAT: also when they are not of one
 * another, a number is not finite, a source's frames go back in time), or is of another model
 * (CLIPC_ERROR_ARGUMENT).  stored_free in any case. */
int stored_read(const char *npy, const clipc_model *model, struct stored *stored);
void stored_free(struct stored *stored);

#endif
