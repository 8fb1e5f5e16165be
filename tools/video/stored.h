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

#include <stddef.h>
#include <stdint.h>

#include "../../src/clipc.h"

/* The name of the lines beside `npy`: its ending ".npy" is ".jsonl"; free() it.  NULL with a
 * sentence when the name ends otherwise (CLIPC_ERROR_ARGUMENT), or without memory. */
char *stored_lines(const char *npy);

/* 64 digits and a 0. */
void stored_hash(const clipc_model *model, char to[65]);

#endif
