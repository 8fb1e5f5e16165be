/* pool.c - which row stands for a text, and copying such rows together.  A new pooling is a value
 * of enum format_pool and a case here.
 *
 * CLIP takes one row: of an image the class token's (as BERT and ViT do), of a text the end
 * token's, the only one that has seen all of it under a causal mask.  So pooling is a copy. */
#include "pool.h"

#include <string.h>

/* ARGMAX: openai/CLIP, encode_text: text.argmax(dim=-1), "eot_token is the highest number in each
 * sequence"; of several torch.argmax takes the first.
 * FIRST_EOT: transformers, CLIPTextTransformer: (input_ids == eos_token_id).int().argmax(-1).
 * LAST: transformers, SiglipTextTransformer: last_hidden_state[:, -1]. */
size_t pool_position(enum format_pool pool, int32_t eot_id, const int32_t *ids, size_t n)
{
    size_t best = 0;

    for (size_t i = 0; i < n; i++) {
        if (pool == FORMAT_POOL_FIRST_EOT && ids[i] == eot_id) {
            return i;
        }
        if (pool == FORMAT_POOL_LAST) {
            return n - 1;
        }
        if (pool == FORMAT_POOL_ARGMAX && ids[i] > ids[best]) { /* > keeps the first of equals */
            best = i;
        }
    }
    return best;
}

/* The few rows that count move together, so that what follows (LayerNorm, projection) sees a plain
 * [s->n, width] and one multiplication serves the batch. */
void pool_rows(struct rows x, const struct sequences *s, const uint32_t *positions, size_t width,
               struct rows y)
{
    for (size_t i = 0; i < s->n; i++) { /* in place no row is written before it was read */
        memmove(y.at + i * y.stride, x.at + (s->starts[i] + positions[i]) * x.stride,
                width * sizeof(float));
    }
}

/* In double: a mean of 577 rows is then rounded once, whatever their order. */
void pool_mean(struct rows x, const struct sequences *s, size_t first, size_t width, struct rows y)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t begin = s->starts[i] + first, end = s->starts[i + 1];
        for (size_t j = 0; j < width; j++) {
            double sum = 0;
            for (size_t r = begin; r < end; r++) {
                sum += (double)x.at[r * x.stride + j];
            }
            y.at[i * y.stride + j] = (float)(sum / (double)(end - begin));
        }
    }
}

/* Of SigLIP's image tower the pooled row is the embedding. */
void pool_project(const struct engine *e, const struct linear *projection, struct rows x, size_t n,
                  size_t width, float *embeddings)
{
    if (projection->w.panels != NULL) {
        const struct rows y = {embeddings, projection->w.out};
        engine_linear(e, projection, NULL, x, n, KERNELS_LINEAR, y);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(embeddings + i * width, x.at + i * x.stride, width * sizeof(float));
    }
}
