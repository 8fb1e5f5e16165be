/* pool.h - from the rows of a sequence to the one row that stands for the whole. */
#ifndef CLIPC_POOL_H
#define CLIPC_POOL_H

#include "../../weights/format.h"
#include "engine.h"

/* Position of the pooled row of a text of n ids: with FORMAT_POOL_ARGMAX the first of the largest
 * ids (the end token has the largest: openai/CLIP, text.argmax(-1)), with FORMAT_POOL_FIRST_EOT
 * the first `eot_id` (HuggingFace since eos_token_id was mended).  0 where there is no end token
 * at all, as both references do. */
size_t pool_position(enum format_pool pool, int32_t eot_id, const int32_t *ids, size_t n);

/* y[s.n, width]: row i is row positions[i] of sequence i of x.  An image's class token is at 0.
 * y may be x: its first s.n rows are then what is left of it. */
void pool_rows(struct rows x, const struct sequences *s, const uint32_t *positions, size_t width,
               struct rows y);

/* y[s.n, width]: the mean of rows `first` and on of each sequence of x; y may be x. */
void pool_mean(struct rows x, const struct sequences *s, size_t first, size_t width, struct rows y);

/* embeddings[n, embed_dim] = x[n, width] W^T + b.  Without projection (no panels) x itself. */
void pool_project(const struct engine *e, const struct linear *projection, struct rows x, size_t n,
                  size_t width, float *embeddings);

#endif
